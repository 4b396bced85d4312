import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createMcpHandler, McpServer as McpServerV2 } from '@modelcontextprotocol/server'
import { openPeer } from '../../src/client/open-peer.ts'
import { defineServer } from '../../src/index.ts'
import { serveEverything } from '../support/clients.ts'

/** A server of raw answers. */
async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const initializeResult = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'raw', version: '1' },
}

/** Answers by method, as an old server of JSON does; what has no answer is for `otherwise`. */
function oldServer(
  otherwise: (message: { id?: number; method: string }, response: ServerResponse) => void,
): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') {
      response.writeHead(405).end()
      return
    }
    void text(request).then((body) => {
      const message = JSON.parse(body)
      if (message.method === 'server/discover') {
        response.writeHead(400).end('Bad Request: no session')
      } else if (message.method === 'initialize') {
        json(response, { jsonrpc: '2.0', id: message.id, result: initializeResult })
      } else if (message.id === undefined) response.writeHead(202).end()
      else otherwise(message, response)
    })
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

suite('servers of others', () => {
  test('a stdio server of the official SDK 1 is spoken to in its revision', async () => {
    await using stack = new AsyncDisposableStack()
    const peer = await openPeer({
      command: `${root}node_modules/.bin/mcp-server-everything`,
      args: ['stdio'],
      stderr: 'ignore',
    })
    stack.defer(() => peer.close())
    assert.equal(peer.revision, '2025-11-25')
    const { content } = await peer.request('tools/call', {
      name: 'echo',
      arguments: { message: 'Hi' },
    })
    assert.deepEqual(content, [{ type: 'text', text: 'Echo: Hi' }])
  })

  test('an HTTP server of the official SDK 2 is spoken to in the newest revision', async (t) => {
    const handler = createMcpHandler(() => {
      const server = new McpServerV2({ name: 'official', version: '2' })
      server.registerTool('hello', {}, async () => ({ content: [{ type: 'text', text: 'Hello' }] }))
      return server
    })
    const url = await listen(t, async (request, response) => {
      const answer = await handler.fetch(
        new Request(`http://${request.headers.host}/mcp`, {
          method: request.method ?? 'GET',
          headers: request.headers as Record<string, string>,
          ...(request.method === 'POST' && { body: await text(request) }),
        }),
      )
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(Buffer.from(await answer.arrayBuffer()))
    })
    const peer = await openPeer({ url: `${url}/mcp` })
    t.after(() => peer.close())
    assert.equal(peer.revision, '2026-07-28')
    const { content } = await peer.request('tools/call', { name: 'hello' })
    assert.deepEqual(content, [{ type: 'text', text: 'Hello' }])
  })

  test('a server that has nothing but HTTP with SSE is found there', async (t) => {
    const { port, close } = await serveEverything({ legacySse: true })
    t.after(close)
    const peer = await openPeer({ url: `http://127.0.0.1:${port}/sse` })
    t.after(() => peer.close())
    assert.equal(peer.era, 'stateful')
    assert.ok((await peer.request('tools/list')).tools)
  })

  test('a redirect to another path is followed, one to another origin is not', async (t) => {
    const { url: real, close } = await serveEverything()
    t.after(close)
    const seen: unknown[] = []
    const foreign = await listen(t, (request, response) => {
      seen.push(request.headers)
      response.writeHead(404).end()
    })
    const own = await listen(t, (request, response) => {
      if (request.url === '/mcp') {
        response.writeHead(307, { location: '/mcp/' }).end()
      } else if (request.url === '/away') {
        response.writeHead(307, { location: `${foreign}/mcp` }).end()
      } else {
        void text(request).then(async (body) => {
          const headers = new Headers(request.headers as Record<string, string>)
          const answer = await fetch(real, { method: 'POST', headers, body })
          response.writeHead(answer.status, { 'content-type': 'application/json' })
          response.end(await answer.text())
        })
      }
    })
    const peer = await openPeer({ url: `${own}/mcp` }, {}, { revisions: ['2026-07-28'] })
    assert.ok((await peer.request('tools/list')).tools)
    await peer.close()
    await assert.rejects(openPeer({ url: `${own}/away`, headers: { authorization: 'Bearer x' } }), {
      code: 'INVALID_RESPONSE',
    })
    assert.deepEqual(seen, [])
  })
})

suite('servers in trouble', () => {
  test('nobody at the address: the server cannot have seen anything', async () => {
    for (const scheme of ['http', 'ws', 'tcp']) {
      await assert.rejects(openPeer({ url: `${scheme}://127.0.0.1:1/mcp` }), {
        code: 'CONNECTION_FAILED',
      })
    }
    await assert.rejects(openPeer({ command: '/no/such/command' }), {
      code: 'CONNECTION_FAILED',
      message: /ENOENT/,
    })
  })

  test('no address at all is a mistake of the program', async () => {
    await assert.rejects(openPeer({ url: 'mcp.example.com' }), TypeError)
    await assert.rejects(openPeer({ url: 'ftp://example.com' }), TypeError)
    await assert.rejects(
      openPeer(defineServer({ name: 'x', version: '1' }), {}, { revisions: [] }),
      TypeError,
    )
  })

  test('a process that ends takes its calls with it, with how it ended', async () => {
    const code = `
      let rest = ''
      process.stdin.on('data', (chunk) => {
        const lines = (rest + chunk).split('\\n')
        rest = lines.pop()
        for (const line of lines) {
          const { id, method } = JSON.parse(line)
          if (method === 'initialize') {
            console.log('not a message')
            console.log(JSON.stringify({ jsonrpc: '2.0', id, result: ${JSON.stringify(initializeResult)} }))
          } else if (method === 'server/discover') {
            console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'What?' } }))
          } else if (id !== undefined) process.exit(7)
        }
      })`
    const peer = await openPeer({ command: process.execPath, args: ['-e', code] })
    assert.equal(peer.revision, '2025-06-18')
    await assert.rejects(peer.request('tools/list'), {
      code: 'CONNECTION_LOST',
      message: /ended with code 7/,
    })
    assert.deepEqual(await peer.closed, {
      kind: 'exited',
      message: 'The server process has ended with code 7',
      exitCode: 7,
    })
    await assert.rejects(peer.request('tools/list'), { code: 'CONNECTION_FAILED' })
    await peer.close()
  })

  test('a server that ends at a method it does not know is started anew for the handshake', async () => {
    const code = `
      let rest = ''
      process.stdin.on('data', (chunk) => {
        const lines = (rest + chunk).split('\\n')
        rest = lines.pop()
        for (const line of lines) {
          const { id, method } = JSON.parse(line)
          if (method === 'server/discover') process.exit(1)
          if (id === undefined) continue
          console.log(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'initialize' ? ${JSON.stringify(initializeResult)} : {} }))
        }
      })`
    const peer = await openPeer({ command: process.execPath, args: ['-e', code] })
    assert.deepEqual(await peer.request('ping'), {})
    await peer.close()
  })

  test('a server that goes away without an answer may have done the work', async (t) => {
    const url = await listen(
      t,
      oldServer((_message, response) => response.socket?.destroy()),
    )
    const peer = await openPeer({ url })
    t.after(() => peer.close())
    await assert.rejects(peer.request('tools/call', { name: 'x' }), { code: 'CONNECTION_LOST' })
  })

  test('a session that the server has forgotten ends the connection', async (t) => {
    const url = await listen(t, (request, response) => {
      oldServer((_message, answer) => answer.writeHead(404).end())(
        request,
        new Proxy(response, {
          get: (target, key) => {
            if (key === 'writeHead') target.setHeader('mcp-session-id', 'one')
            const value: unknown = Reflect.get(target, key)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
      )
    })
    const peer = await openPeer({ url })
    await assert.rejects(peer.request('tools/list'), { code: 'SESSION_NOT_FOUND' })
    assert.equal((await peer.closed).kind, 'session-ended')
  })

  test('an answer that is none, too long, or for nobody costs its request and no other', async (t) => {
    const url = await listen(
      t,
      oldServer(({ id, method }, response) => {
        switch (method) {
          case 'text':
            response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>')
            break
          case 'broken':
            response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":')
            break
          case 'foreign':
            json(response, { jsonrpc: '2.0', id: 9999, result: {} })
            break
          case 'long':
            json(response, { jsonrpc: '2.0', id, result: { text: 'x'.repeat(20_000) } })
            break
          case 'busy':
            response.writeHead(503).end('Come back later')
            break
          default:
            json(response, { jsonrpc: '2.0', id, result: {} })
        }
      }),
    )
    const peer = await openPeer({ url }, {}, { maxMessageBytes: 10_000, timeoutMs: 10_000 })
    t.after(() => peer.close())
    const expected = {
      text: 'INVALID_RESPONSE',
      broken: 'INVALID_RESPONSE',
      foreign: 'INVALID_RESPONSE',
      long: 'INVALID_RESPONSE',
      busy: 'OVERLOADED',
    }
    for (const [method, code] of Object.entries(expected)) {
      await assert.rejects(peer.request(method), { code }, method)
    }
    assert.deepEqual(await peer.request('ping'), {})
  })

  test('more requests than may be under way are refused', async (t) => {
    const url = await listen(
      t,
      oldServer(() => {}),
    )
    const peer = await openPeer({ url }, {}, { maxInFlight: 2 })
    const waiting = [peer.request('a'), peer.request('b')].map((each) => each.catch(() => 'lost'))
    await assert.rejects(peer.request('c'), { code: 'TOO_MANY_IN_FLIGHT' })
    await peer.close()
    assert.deepEqual(await Promise.all(waiting), ['lost', 'lost'])
  })

  test('a stream that breaks before the answer is gone on with where it ended', async (t) => {
    let opened = 0
    const url = await listen(t, (request, response) => {
      if (request.method === 'GET' && request.headers['last-event-id'] === 'e1') {
        opened += 1
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end('id: e2\ndata: {"jsonrpc":"2.0","id":3,"result":{"late":true}}\n\n')
        return
      }
      oldServer((_message, answer) => {
        answer.writeHead(200, { 'content-type': 'text/event-stream' })
        answer.end('id: e1\nretry: 5\ndata:\n\n')
      })(request, response)
    })
    const peer = await openPeer({ url })
    t.after(() => peer.close())
    assert.deepEqual(await peer.request('tools/list'), { late: true })
    assert.equal(opened, 1)
  })

  test('a subscription that breaks is opened again', async (t) => {
    const listens: number[] = []
    const answered = Promise.withResolvers<void>()
    const url = await listen(t, (request, response) => {
      void text(request).then((body) => {
        const { id, method } = JSON.parse(body)
        if (method === 'subscriptions/listen') {
          listens.push(id)
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          const params = { notifications: {}, _meta: {} }
          const method = 'notifications/subscriptions/acknowledged'
          response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`)
          if (listens.length === 1) void wait(10).then(() => response.destroy())
          else answered.resolve()
        } else {
          const capabilities = { tools: { listChanged: true } }
          const result = { supportedVersions: ['2026-07-28'], capabilities, resultType: 'complete' }
          json(response, { jsonrpc: '2.0', id, result })
        }
      })
    })
    const peer = await openPeer({ url }, { notification: () => {} })
    t.after(() => peer.close())
    await answered.promise
    assert.equal(new Set(listens).size, 2)
  })
})
