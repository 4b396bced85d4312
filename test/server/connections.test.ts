import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { serveHttp } from '../../src/http.ts'
import { service } from '../../src/server/service.ts'
import { serveTcp } from '../../src/tcp.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'

const http = 'GET /live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n'

async function open(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function exchange(socket: Socket, text: string): Promise<string> {
  const answered = once(socket, 'data')
  socket.write(text)
  return String((await answered)[0])
}

/** Sends, and reads until the other side closes. */
async function farewell(t: TestContext, port: number, text: string): Promise<string> {
  const socket = await open(t, port)
  let all = ''
  socket.on('data', (part) => {
    all += part
  })
  const ended = once(socket, 'close')
  socket.write(text)
  await ended
  return all
}

function start(t: TestContext) {
  const { server } = makeFixture()
  const { registry } = server[service]
  const names = () =>
    registry
      .snapshot({ kind: 'connection' })
      .flatMap(({ entries }) => entries.map(({ name }) => name))
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve))
  }
  const closeAfter = <Listener extends { close(): Promise<void> }>(listener: Listener) => {
    t.after(() => listener.close())
    return listener
  }
  return { server, names, until, closeAfter, registry }
}

suite('one connection too many', () => {
  test('is told so over HTTP, with 503 and Retry-After, and the others go on', async (t) => {
    const { server, names, until, closeAfter } = start(t)
    const { port } = closeAfter(await serveHttp(server, { port: 0, drainMs: 0, maxConnections: 2 }))
    const [first, second] = [await open(t, port), await open(t, port)]
    assert.match(await exchange(first, http), /^HTTP\/1.1 200/)
    assert.match(await exchange(second, http), /^HTTP\/1.1 200/)
    assert.deepEqual(names(), ['http/1', 'http/2'])
    const refusal = await farewell(t, port, http)
    assert.match(refusal, /^HTTP\/1.1 503 /)
    assert.match(refusal, /\r\nretry-after: 5\r\n/)
    assert.match(refusal, /\r\nconnection: close\r\n/)
    const body = JSON.parse(refusal.split('\r\n\r\n')[1] ?? '')
    assert.deepEqual(body, {
      jsonrpc: '2.0',
      error: { code: -32603, message: 'Too many connections' },
    })
    assert.match(await exchange(first, http), /^HTTP\/1.1 200/)
    second.destroy()
    await until(() => names().length === 1)
    assert.match(await exchange(await open(t, port), http), /^HTTP\/1.1 200/)
  })

  test('is told so over TCP, by an error on a line, and closed', async (t) => {
    const { server, closeAfter } = start(t)
    const { port } = closeAfter(await serveTcp(server, { port: 0, drainMs: 0, maxConnections: 1 }))
    const first = await open(t, port)
    assert.match(await exchange(first, ping), /"result":\{\}/)
    assert.deepEqual(JSON.parse(await farewell(t, port, ping)), {
      jsonrpc: '2.0',
      error: { code: -32603, message: 'Too many connections' },
    })
    assert.match(await exchange(first, ping), /"result":\{\}/)
  })

  test('is one too many of all listeners of a server together, WebSockets among them', async (t) => {
    const { server, names, until, closeAfter, registry } = start(t)
    const limits = { port: 0, drainMs: 0, maxConnections: 2 }
    const tcp = closeAfter(await serveTcp(server, limits))
    const { port } = closeAfter(await serveHttp(server, { ...limits, webSocketPath: '/ws' }))
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['mcp'])
    await once(webSocket, 'open')
    const other = await open(t, tcp.port)
    await exchange(other, ping)
    assert.deepEqual(
      names().map((name) => name.split('/')[0]),
      ['websocket', 'tcp'],
    )
    const [shown] = registry.snapshot({ kind: 'connection', prefix: 'tcp' })
    assert.equal(shown?.entries[0]?.properties.remoteAddress, '127.0.0.1')
    assert.match(await farewell(t, port, http), /^HTTP\/1.1 503 /)
    assert.match(await farewell(t, tcp.port, ping), /Too many connections/)
    webSocket.close()
    await until(() => names().length === 1)
    assert.match(await exchange(await open(t, port), http), /^HTTP\/1.1 200/)
  })

  test('is cut without a word when very many are being refused already', async (t) => {
    const { server, names, until, closeAfter } = start(t)
    const { port } = closeAfter(await serveHttp(server, { port: 0, drainMs: 0, maxConnections: 1 }))
    await exchange(await open(t, port), http)
    const crowd = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        t.after(() => socket.destroy())
        socket.on('error', () => {})
        let said = ''
        socket.on('data', (part) => {
          said += part
        })
        // Stays open from its side, so that the server has to wait for it.
        await Promise.race([once(socket, 'end'), once(socket, 'close')])
        return said
      }),
    )
    assert.equal(crowd.filter((said) => said.startsWith('HTTP/1.1 503 ')).length <= 256, true)
    assert.ok(crowd.some((said) => said === ''))
    assert.ok(crowd.some((said) => said.startsWith('HTTP/1.1 503 ')))
    await until(() => names().length === 1)
  })
})

suite('the registry of a server', () => {
  test('has its tools, resources and prompts, and changes with them', () => {
    const { server } = makeFixture()
    const { registry } = server[service]
    const counts = registry.counts()
    assert.equal(counts.server, 1)
    const heard: string[] = []
    registry.watch((change, { kind, name }) => heard.push(`${change} ${kind} ${name}`))
    const tool = server.tool('extra', { title: 'Extra' }, () => 'x')
    assert.equal(registry.counts().tool, counts.tool! + 1)
    const [shown] = registry.snapshot({ kind: 'tool', prefix: 'extra' })
    assert.deepEqual(shown?.entries[0]?.properties, { title: 'Extra', task: 'forbidden' })
    tool.remove()
    tool.remove()
    const prompt = server.prompt('extra', {}, () => 'x')
    prompt.remove()
    assert.deepEqual(heard, [
      'registered tool extra',
      'unregistered tool extra',
      'registered prompt extra',
      'unregistered prompt extra',
    ])
    assert.deepEqual(registry.counts(), counts)
  })

  test('has its sessions, whose ids it does not give away, until they end', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const { registry } = endpoint.engine
    const [first, second] = [await endpoint.session(), await endpoint.session('2025-06-18')]
    const [shown] = registry.snapshot({ kind: 'session' })
    assert.deepEqual(
      shown?.entries.map(({ name, holder, properties }) => [name, holder, properties.revision]),
      [
        [`${first.id.slice(0, 6)}…`, 'fixture', '2025-11-25'],
        [`${second.id.slice(0, 6)}…`, 'fixture', '2025-06-18'],
      ],
    )
    assert.ok(!JSON.stringify(registry.snapshot()).includes(first.id))
    await first.end()
    assert.equal(registry.counts().session, 1)
    await endpoint.engine.close(0)
    assert.equal(registry.counts().session, 0)
  })
})
