import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { freePort } from '../cli/workspace.ts'
import { temporaryFolder } from '../support/folder.ts'
import {
  callText,
  connect,
  eras,
  everything,
  fixture,
  installed,
  openGateway,
  until,
} from './support.ts'

suite('servers that others have written are served', () => {
  for (const era of eras) {
    test(`server-filesystem, to a client of ${era}`, async (t) => {
      const folder = temporaryFolder(t)
      writeFileSync(join(folder, 'a.txt'), 'what is in it')
      const { gateway } = await openGateway(t, {
        files: { command: installed('mcp-server-filesystem'), args: [folder] },
      })
      // Without roots: the server would work in those of its client instead.
      const client = await connect(t, gateway, era, { capabilities: {} })
      const path = join(folder, 'a.txt')
      assert.equal(await callText(client, 'files__read_text_file', { path }), 'what is in it')
      await callText(client, 'files__write_file', { path, content: 'something else' })
      assert.equal(readFileSync(path, 'utf8'), 'something else')
      assert.match(
        await callText(client, 'files__read_text_file', { path: '/etc/passwd' }),
        /Access denied/,
      )
    })

    test(`server-memory, to a client of ${era}`, async (t) => {
      const file = join(temporaryFolder(t), 'memory.jsonl')
      const { gateway } = await openGateway(t, {
        memory: { command: installed('mcp-server-memory'), env: { MEMORY_FILE_PATH: file } },
      })
      const client = await connect(t, gateway, era)
      const entities = [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }]
      await client.callTool({ name: 'memory__create_entities', arguments: { entities } })
      const graph = JSON.parse(await callText(client, 'memory__read_graph'))
      assert.equal(graph.entities[0].name, 'Ada')
    })

    test(`a server of the official SDK 2 over HTTP, to a client of ${era}`, async (t) => {
      const handler = createMcpHandler(() => {
        const server = new McpServer({ name: 'sdk', version: '2.0.0' })
        server.registerTool('hello', { description: 'Greets' }, async () => ({
          content: [{ type: 'text', text: 'hello from SDK 2' }],
        }))
        return server
      })
      const url = await listen(
        t,
        createServer(getRequestListener((request) => handler.fetch(request))),
      )
      const { gateway } = await openGateway(t, { sdk: { url: `${url}/mcp`, type: 'http' } })
      const client = await connect(t, gateway, era)
      assert.equal(await callText(client, 'sdk__hello'), 'hello from SDK 2')
    })

    test(`an SSE-only server, by mcp-proxy, to a client of ${era}`, async (t) => {
      const port = await freePort()
      const proxy = spawn(
        process.execPath,
        [
          installed('mcp-proxy'),
          '--port',
          String(port),
          '--host',
          '127.0.0.1',
          '--server',
          'sse',
          '--',
          installed('mcp-server-everything'),
          'stdio',
        ],
        { stdio: 'ignore', detached: true },
      )
      t.after(() => process.kill(-(proxy.pid as number), 'SIGKILL'))
      await untilListening(port)
      const { gateway } = await openGateway(t, {
        sse: { url: `http://127.0.0.1:${port}/sse`, type: 'sse' },
      })
      const client = await connect(t, gateway, era)
      assert.equal(await callText(client, 'sse__echo', { message: 'over SSE' }), 'Echo: over SSE')
      const uri = 'demo://resource/dynamic/text/1'
      const { contents } = await client.readResource({ uri })
      assert.equal(contents[0]?.uri, uri)
    })

    test(`a server over WebSocket, to a client of ${era}`, async (t) => {
      const { serveHttp } = await import('../../src/http.ts')
      const { defineServer } = await import('../../src/index.ts')
      const server = defineServer({ name: 'ws', version: '1.0.0' })
      server.tool('hello', {}, () => 'hello over WebSocket')
      const listener = await serveHttp(server, { port: 0, drainMs: 0, webSocketPath: '/ws' })
      t.after(() => listener.close())
      const url = listener.url.replace(/^http/, 'ws').replace(/mcp$/, 'ws')
      const { gateway } = await openGateway(t, { ws: { url, type: 'ws' } })
      const client = await connect(t, gateway, era)
      assert.equal(await callText(client, 'ws__hello'), 'hello over WebSocket')
    })
  }

  test('an HTTP server that goes away is missed in words, and is back when it is', async (t) => {
    const { serveHttp } = await import('../../src/http.ts')
    const { defineServer } = await import('../../src/index.ts')
    const server = defineServer({ name: 'here', version: '1.0.0' })
    server.tool('hello', {}, () => 'hello')
    const port = await freePort()
    let listener = await serveHttp(server, { port, drainMs: 0 })
    const { gateway } = await openGateway(t, {
      up: {
        url: listener.url,
        tsmcp: { startTimeoutMs: 300, restarts: { firstDelayMs: 50, maxDelayMs: 100, max: 1000 } },
      },
    })
    const client = await connect(t, gateway)
    assert.equal(await callText(client, 'up__hello'), 'hello')
    await listener.close()
    await assert.rejects(callText(client, 'up__hello'), /Upstream up: /)
    listener = await serveHttp(server, { port, drainMs: 0 })
    t.after(() => listener.close())
    await until(() => gateway.status().upstreams[0]?.state === 'ready')
    assert.equal(await callText(client, 'up__hello'), 'hello')
  })

  test('many at once, under names that do not meet', async (t) => {
    const { gateway } = await openGateway(t, {
      one: fixture(),
      other: fixture({
        prefix: 'x.',
        rename: { echo: 'say' },
        allow: ['echo', 'p*'],
        deny: ['pid'],
      }),
      bare: fixture({ prefix: '', allow: ['wait'], resources: false, prompts: false }),
      everything: everything({ allow: ['echo'] }),
    })
    const client = await connect(t, gateway)
    const names = (await client.listTools()).tools.map(({ name }) => name)
    assert.ok(names.includes('one__echo') && names.includes('x.say') && names.includes('wait'))
    assert.ok(!names.includes('x.pid') && !names.includes('x.echo'))
    assert.equal(await callText(client, 'x.say', { text: 'renamed' }), 'renamed')
    // Of two resources of one URI the first upstream's is served, and the other is held back visibly.
    const { held } = gateway.status()
    assert.ok(
      held.some(
        ({ upstream, kind, reason }) =>
          upstream === 'other' &&
          kind === 'resource' &&
          /one has one of the same name/.test(reason),
      ),
    )
    const prompts = (await client.listPrompts()).prompts.map(({ name }) => name)
    assert.ok(prompts.includes('one__greet') && prompts.includes('x.greet'))
  })
})

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isThere = await fetch(`http://127.0.0.1:${port}/ping`).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing listens on port ${port}`)
}
