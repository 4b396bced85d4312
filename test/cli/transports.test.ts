import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js'
import { WebSocket } from 'ws'
import { CliProcess, weatherServer, workspace } from './workspace.ts'

const folder = workspace({ 'weather.ts': weatherServer })
const args = { name: 'forecast', arguments: { city: 'Rome' } }

test('1105.sse.015 1105.lifecycle.001: one serve listens on HTTP, WebSocket, SSE and TCP side by side', async () => {
  // The official WebSocket client wants the browser's class, which is also how a browser would come.
  globalThis.WebSocket ??= WebSocket as never
  const cli = new CliProcess(
    ['serve', 'weather.ts', '--http', ':0', '--ws', '/ws', '--sse', '--tcp', ':0', '--json'],
    { cwd: folder },
  )
  const [line = ''] = await cli.until(/.*\n/)
  const { url, websocket, sse, tcp } = JSON.parse(line)

  const modern = new Client({ name: 'test', version: '1' })
  await modern.connect(new StreamableHTTPClientTransport(new URL(url)))
  assert.deepEqual((await modern.callTool(args)).content, [{ type: 'text', text: 'Sunny in Rome' }])
  await modern.close()

  for (const transport of [
    new WebSocketClientTransport(new URL(websocket)),
    new SSEClientTransport(new URL(sse)),
  ]) {
    const old = new OldClient({ name: 'test', version: '1' })
    await old.connect(transport)
    assert.deepEqual((await old.callTool(args)).content, [{ type: 'text', text: 'Sunny in Rome' }])
    await old.close()
  }

  const socket = connect(Number(new URL(tcp).port), '127.0.0.1').setEncoding('utf8')
  socket.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
  const answer = await new Promise((resolve) => socket.once('data', resolve))
  assert.equal(answer, '{"jsonrpc":"2.0","id":1,"result":{}}\n')

  cli.child.kill('SIGTERM')
  assert.equal(await cli.exited, 0)
})
