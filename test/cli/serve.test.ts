import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { run } from '../../src/cli/run.ts'
import { FakeIo, runCli } from './fake-io.ts'
import { CliProcess, freePort, mainFile, serving, weatherServer, workspace } from './workspace.ts'

const slowServer = `
import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'slow', version: '1.0.0' })
server.tool('wait', { input: { type: 'object', properties: { ms: { type: 'number' } }, required: ['ms'] } }, async ({ ms }) => {
  console.log('a call is in flight')
  await new Promise((resolve) => setTimeout(resolve, ms))
  return 'finished'
})
export default server
`
const folder = workspace({
  'weather.ts': weatherServer,
  'slow.ts': slowServer,
  'crash.ts': slowServer.replace(
    "console.log('a call is in flight')",
    "setTimeout(() => {\n  throw new Error('forgotten')\n})",
  ),
})

const connected = async (url: string): Promise<Client> => {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: 'auto' } },
  )
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return client
}

/** A client that has a session. */
const connectedStateful = async (url: string): Promise<Client> => {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: 'legacy' } },
  )
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return client
}

suite('serve over HTTP', () => {
  test('prints where it listens and a command that works as it stands', async () => {
    const { cli, url } = await serving(['weather.ts'], { cwd: folder })
    const [, command = ''] = await cli.until(/\n {2}npx tsmcp (call .*)\n/)
    const port = new URL(url).port
    assert.equal(
      cli.out,
      `weather 1.2.3 is serving 6 tools, 2 resources, 1 template, 1 prompt
  MCP       http://127.0.0.1:${port}/mcp
  JSON-RPC  http://127.0.0.1:${port}/json-rpc  (the same endpoint)
  health    http://127.0.0.1:${port}/health
Try it:
  npx tsmcp call http://127.0.0.1:${port}/mcp forecast '{"city":"text"}'
`,
    )
    const [, target = '', tool = '', json = ''] = /^call (\S+) (\S+) '(.*)'$/.exec(command) ?? []
    assert.equal((await runCli(['call', target, tool, json])).out, 'Sunny in text\n')
    assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
  })

  test('answers at /json-rpc, too, and call finds /mcp below a bare origin', async () => {
    const { cli, url } = await serving(['weather.ts'], { cwd: folder })
    const city = '{"city":"Rome"}'
    for (const path of ['/json-rpc', '/mcp', '/']) {
      const target = new URL(path, url).href
      assert.equal((await runCli(['call', target, 'forecast', city])).out, 'Sunny in Rome\n', path)
    }
    cli.child.kill('SIGINT')
    assert.equal(await cli.exited, 0)
  })

  test('--json prints one object when it listens, and one at each step of the end', async () => {
    const { cli, url } = await serving(['weather.ts', '--json'], { cwd: folder })
    await cli.until(/\n/)
    const listening = JSON.parse(cli.out)
    assert.equal(listening.event, 'listening')
    assert.equal(listening.url, url)
    assert.equal(listening.name, 'weather')
    assert.equal(listening.tools, 6)
    assert.equal(listening.pid, cli.child.pid)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
    const events = cli.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(events.slice(1), [{ event: 'stopping' }, { event: 'stopped', exitCode: 0 }])
  })

  test('takes its settings from TSMCP_ variables, and a flag is stronger', async () => {
    const port = await freePort()
    const cli = new CliProcess(['serve', 'weather.ts', '--port', `${port}`], {
      cwd: folder,
      env: {
        TSMCP_PORT: '1',
        TSMCP_ALLOWED_HOSTS: '127.0.0.1',
        ERLMCP_MAX_BODY_BYTES: '300',
      },
    })
    await cli.until(new RegExp(`http://127\\.0\\.0\\.1:${port}/mcp`))
    const post = async (host: string, message: object): Promise<number> => {
      const response = await fetch(`http://${host}:${port}/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify(message),
      })
      await response.text()
      return response.status
    }
    const message = { jsonrpc: '2.0', id: 1, method: 'ping' }
    assert.equal(await post('127.0.0.1', { ...message, pad: 'x'.repeat(400) }), 413)
    // Without the setting this would be among the names that the Host header may carry.
    assert.equal(await post('localhost', message), 403)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
  })

  test('says which port is free when its own is in use', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const io = new FakeIo({ cwd: folder })
    const exitCode = await run(['serve', 'weather.ts', '--port', `${port}`], io)
    taken.close()
    assert.equal(exitCode, 1)
    assert.match(
      io.err,
      new RegExp(
        `^tsmcp: port ${port} is in use on 127\\.0\\.0\\.1: stop what uses it, or type: tsmcp serve weather\\.ts --port \\d+\\n$`,
      ),
    )
    assert.notEqual(/--port (\d+)/.exec(io.err)?.[1], `${port}`)
  })

  test('keeps sessions in --data, and says in one line why it cannot', async () => {
    const cwd = workspace({ 'weather.ts': weatherServer, 'bad/tsmcp.db': 'x'.repeat(4096) })
    const args = ['serve', 'weather.ts', '--port', '0', '--data']
    const damaged = await runCli([...args, 'bad'], { cwd })
    assert.equal(damaged.exitCode, 1)
    const line = /^tsmcp: (\S+) is damaged, or no database \(.+\): put a backup .+\n$/
    assert.equal(line.exec(damaged.err)?.[1], join(cwd, 'bad/tsmcp.db'))
    const noFolder = await runCli([...args, 'weather.ts'], { cwd })
    assert.equal(noFolder.exitCode, 1)
    assert.match(
      noFolder.err,
      /weather\.ts\/tsmcp\.db: there is a file where its folder should be\n$/,
    )

    const env = { ERLMCP_DATA: 'data' }
    const { cli, url } = await serving(['weather.ts'], { cwd, env })
    const client = await connectedStateful(url)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
    assert.ok(existsSync(join(cwd, 'data/tsmcp.db')))
    const again = await serving(['weather.ts', '--port', new URL(url).port], { cwd, env })
    await client.ping()
    await client.close()
    again.cli.child.kill('SIGTERM')
    assert.equal(await again.cli.exited, 0)
  })

  test('refuses an address that this machine does not have', async () => {
    const { exitCode, err } = await runCli(
      ['serve', 'weather.ts', '--host', '192.0.2.77', '--port', '0'],
      { cwd: folder },
    )
    assert.equal(exitCode, 2)
    assert.equal(
      err,
      "tsmcp: --host is '192.0.2.77', which is no address of this machine: take 127.0.0.1 (this machine only) or 0.0.0.0\n",
    )
  })

  test('does not start with a file that does not load', async () => {
    const cli = new CliProcess(['serve', 'absent.ts'], { cwd: folder })
    assert.equal(await cli.exited, 1)
    assert.match(cli.err, /^tsmcp: there is no file absent\.ts: .*\n$/)
    assert.equal(cli.out, '')
  })

  test('ends with one line when user code throws outside of any handler', async () => {
    const { cli, url } = await serving(['crash.ts'], { cwd: folder })
    const client = await connected(url)
    const lost = client.callTool({ name: 'wait', arguments: { ms: 60_000 } })
    await assert.rejects(lost)
    assert.equal(await cli.exited, 1)
    assert.equal(cli.err, 'tsmcp: uncaught error at crash.ts:6: forgotten\n')
    await client.close().catch(() => {})
  })
})

suite('the end of serve', () => {
  test('SIGTERM lets a call in flight finish, takes no new ones and ends with 0', async () => {
    const { cli, url } = await serving(['slow.ts'], { cwd: folder })
    const client = await connected(url)
    const call = client.callTool({ name: 'wait', arguments: { ms: 700 } })
    await cli.until(/a call is in flight/)
    cli.child.kill('SIGTERM')
    await cli.until(/stopping: calls in flight have 10 s to finish; signal again to stop at once/)
    const isRefused = await fetch(url, { method: 'POST' }).then(
      (response) => response.status === 503,
      () => true,
    )
    assert.equal(isRefused, true)
    const { content } = await call
    assert.deepEqual(content, [{ type: 'text', text: 'finished' }])
    await client.close().catch(() => {})
    assert.equal(await cli.exited, 0)
    assert.match(cli.err, /stopped\n$/)
  })

  test('a call that outlasts --drain-ms is cut off', async () => {
    const { cli, url } = await serving(['slow.ts', '--drain-ms', '200'], { cwd: folder })
    const client = await connected(url)
    const call = client.callTool({ name: 'wait', arguments: { ms: 30_000 } })
    const cutOff = assert.rejects(call)
    await cli.until(/a call is in flight/)
    const startedAt = performance.now()
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
    assert.ok(performance.now() - startedAt < 5_000)
    await client.close().catch(() => {})
    await cutOff
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`a second signal (${signal}) stops at once with ${code}`, async () => {
      const { cli, url } = await serving(['slow.ts'], { cwd: folder })
      const client = await connected(url)
      const lost = assert.rejects(client.callTool({ name: 'wait', arguments: { ms: 30_000 } }))
      await cli.until(/a call is in flight/)
      cli.child.kill('SIGTERM')
      await cli.until(/stopping/)
      cli.child.kill(signal)
      assert.equal(await cli.exited, code)
      await client.close().catch(() => {})
      await lost
    })
  }

  test('run() resolves when signalled, without any process', async () => {
    const io = new FakeIo({ cwd: folder })
    const ended = run(['serve', 'weather.ts', '--port', '0'], io)
    await io.until(/Try it:/)
    const [url = ''] = /http:\S+\/mcp/.exec(io.out) ?? []
    assert.equal((await runCli(['call', url, 'measure'])).exitCode, 0)
    io.signal('SIGINT')
    assert.equal(await ended, 0)
    assert.equal(io.hasSignalListeners, false)
    await assert.rejects(fetch(url))
  })
})

suite('serve over stdio', () => {
  const parameters = {
    command: process.execPath,
    args: [mainFile, 'serve', 'weather.ts', '--stdio'],
    cwd: folder,
    env: process.env as Record<string, string>,
    stderr: 'pipe' as const,
  }
  const useIt = async (client: Client | OldClient): Promise<void> => {
    const { tools } = await client.listTools()
    assert.equal(tools.length, 6)
    const { content } = await client.callTool({ name: 'forecast', arguments: { city: 'Lima' } })
    assert.deepEqual(content, [{ type: 'text', text: 'Sunny in Lima' }])
    // What the handler prints must not get between the messages.
    const loud = await client.callTool({ name: 'loud', arguments: {} })
    assert.deepEqual(loud.content, [{ type: 'text', text: 'quiet' }])
    await client.close()
  }

  test('the official client calls it in the stateless era', async () => {
    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: 'auto' } },
    )
    await client.connect(new StdioClientTransport(parameters))
    assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28')
    await useIt(client)
  })

  test('the official client calls it in the era of sessions', async () => {
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(new StdioClientTransport(parameters))
    assert.equal(client.getNegotiatedProtocolVersion(), '2025-11-25')
    await useIt(client)
  })

  test('nothing but the protocol is on stdout, and the end of stdin ends it with 0', async () => {
    const cli = new CliProcess(['serve', 'weather.ts', '--stdio'], { cwd: folder })
    const send = (message: object) => cli.child.stdin.write(`${JSON.stringify(message)}\n`)
    send({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 't', version: '1' },
      },
    })
    await cli.until(/"id":1/)
    send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'loud', arguments: {} } })
    await cli.until(/"id":2/)
    cli.child.stdin.end()
    assert.equal(await cli.exited, 0)
    for (const line of cli.out.trim().split('\n')) assert.equal(JSON.parse(line).jsonrpc, '2.0')
    assert.match(cli.err, /weather is serving over stdio/)
    assert.match(cli.err, /printed by the handler/)
    assert.match(cli.err, /written by the handler/)
  })

  test('SIGTERM ends it with 0', async () => {
    const cli = new CliProcess(['serve', 'weather.ts', '--stdio'], { cwd: folder })
    await cli.until(/serving over stdio/)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
  })

  test('a file that does not load leaves stdout empty', async () => {
    const cli = new CliProcess(['serve', 'absent.ts', '--stdio'], { cwd: folder })
    assert.equal(await cli.exited, 1)
    assert.equal(cli.out, '')
    assert.match(cli.err, /^tsmcp: there is no file absent\.ts/)
  })
})
