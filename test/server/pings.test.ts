import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { serveHttp } from '../../src/http.ts'
import { connectInMemory } from '../../src/memory.ts'
import { serveTcp } from '../../src/tcp.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { initialize, type Message, notification } from '../support/messages.ts'
import { Peer } from '../support/peer.ts'
import { startStdio } from '../support/stdio.ts'

/** A session that listens on a GET stream, with the clock in the test's hand. */
async function listen(t: TestContext, options: object) {
  const { server, errors } = makeFixture()
  const endpoint = await startEndpoint(t, server, options)
  const session = await endpoint.session()
  const stream = await session.listen()
  const primed = await stream.events.next()
  const openedMs = Date.now()
  const pass = (ms: number) => endpoint.engine.sweep.run(openedMs + ms)
  return { endpoint, session, stream, primed, errors, pass }
}

suite('a session that listens', () => {
  for (const pingIntervalMs of [5000, 60_000]) {
    test(`25.ping.003 25.ping.004 25.ping.001: is pinged after ${pingIntervalMs} ms of silence, if so configured, and goes on when it answers`, async (t) => {
      const { session, stream, errors, pass } = await listen(t, { pingIntervalMs })
      for (const round of [1, 2]) {
        pass(pingIntervalMs - 2000)
        pass(pingIntervalMs + 1000)
        const ping = await stream.events.nextMessage()
        assert.deepEqual(ping, { jsonrpc: '2.0', id: round, method: 'ping', params: {} })
        await session.send({ jsonrpc: '2.0', id: round, result: {} })
        pass(pingIntervalMs - 2000)
      }
      pass(pingIntervalMs - 1000)
      await session.end()
      assert.deepEqual(await stream.events.rest(), [])
      assert.deepEqual(errors, [])
    })
  }

  test('25.ping.006: is not pinged unless that is configured, nor too often, nor while it speaks', async (t) => {
    const silent = await listen(t, {})
    silent.pass(1_000_000)
    await silent.session.end()
    assert.deepEqual(await silent.stream.events.rest(), [])

    const { endpoint, session, stream } = await listen(t, { pingIntervalMs: 10_000 })
    const [opened] = [...endpoint.engine.sessions]
    const run = (ms: number) => endpoint.engine.sweep.run((opened?.lastSeenMs ?? 0) + ms)
    run(9999)
    await session.call('tools/list')
    run(9999)
    run(10_000)
    run(11_000)
    await session.end()
    assert.equal((await stream.events.rest()).length, 1)

    for (const pingIntervalMs of [-1, 1, 999, Number.NaN]) {
      await assert.rejects(
        serveHttp(makeFixture().server, { port: 0, pingIntervalMs }),
        /pingIntervalMs must be at least 1000/,
      )
    }
  })

  test('25.ping.002 25.ping.005 25.ping.007 25.ping.009: loses its stream when it does not answer in the time that is configured, the operator hears of it, and it may come back', async (t) => {
    const options = { pingIntervalMs: 10_000, pingTimeoutMs: 7000 }
    const { session, stream, primed, errors, pass } = await listen(t, options)
    pass(10_000)
    assert.equal((await stream.events.nextMessage())?.method, 'ping')
    pass(16_000)
    assert.deepEqual(errors, [])
    pass(17_000)
    assert.deepEqual(await stream.events.rest(), [])
    assert.match(String(errors), /^Error: No answer to a ping within 7000 ms: hung up on test$/)

    const again = await session.listen(primed?.id)
    assert.equal((await again.events.nextMessage())?.method, 'ping')
    assert.ok((await session.call('tools/list')).result)
    // Nor is an answer that comes too late an error.
    assert.equal((await session.send({ jsonrpc: '2.0', id: 1, result: {} })).status, 202)
  })

  test('25.ping.002: that has hung up itself is not reported', async (t) => {
    const { endpoint, stream, errors, pass } = await listen(t, { pingIntervalMs: 10_000 })
    pass(10_000)
    await stream.events.nextMessage()
    stream.abort()
    const [session] = [...endpoint.engine.sessions]
    while (session?.isListening === true) await new Promise(setImmediate)
    pass(100_000)
    assert.deepEqual(errors, [])
  })
})

/** Opens a client of each kind of connection. @returns its peer, and what settles when it is cut off */
const connections: Record<
  string,
  (t: TestContext, options: object) => Promise<{ peer: Peer; closed: Promise<unknown> }>
> = {
  async TCP(t, options) {
    const listener = await serveTcp(makeFixture().server, { port: 0, drainMs: 0, ...options })
    t.after(() => listener.close())
    const socket = connect(listener.port, '127.0.0.1')
    return { peer: linePeer(socket), closed: once(socket, 'close') }
  },
  async WebSocket(t, options) {
    const server = makeFixture().server
    const listener = await serveHttp(server, {
      port: 0,
      drainMs: 0,
      webSocketPath: '/ws',
      ...options,
    })
    t.after(() => listener.close())
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/ws`, 'mcp')
    await once(socket, 'open')
    const peer = new Peer((message) => socket.send(JSON.stringify(message)))
    socket.on('message', (data) => peer.receive(JSON.parse(String(data))))
    return { peer, closed: once(socket, 'close') }
  },
  async stdio(t, options) {
    const peer = startStdio(t, makeFixture().server, options)
    return { peer, closed: peer.connection.closed }
  },
  async 'a connection in memory'(_t, options) {
    const transport = connectInMemory(makeFixture().server, options)
    const peer = new Peer((message) => void transport.send(message))
    transport.onmessage = (message) => peer.receive(message as Message)
    const closed = new Promise<void>((resolve) => {
      transport.onclose = resolve
    })
    return { peer, closed }
  },
}

function linePeer(socket: Socket): Peer {
  const peer = new Peer((message) => socket.write(`${JSON.stringify(message)}\n`))
  let rest = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) peer.receive(JSON.parse(line))
  })
  return peer
}

suite('a connection', { concurrency: true }, () => {
  const options = { pingIntervalMs: 1000, pingTimeoutMs: 1000 }
  for (const [name, open] of Object.entries(connections)) {
    test(`25.ping.002 25.ping.007 25.ping.008: that leaves a ping unanswered is ended (${name})`, async (t) => {
      const { peer, closed } = await open(t, options)
      await peer.open('2025-11-25')
      // An error is a sign of life as well.
      const first = await peer.next()
      assert.equal(first.method, 'ping')
      const { id = null } = first
      peer.send({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
      const second = await peer.next()
      assert.equal(second.method, 'ping')
      assert.notEqual(second.id, first.id)
      await closed
    })
  }

  test('25.ping.003: is not pinged before the end of its handshake', async (t) => {
    const transport = connectInMemory(makeFixture().server, options)
    t.after(() => transport.close())
    const received: Message[] = []
    transport.onmessage = (message) => received.push(message as Message)
    await transport.send(initialize('2025-11-25'))
    await new Promise((resolve) => setTimeout(resolve, 2500))
    assert.deepEqual(
      received.map(({ method }) => method),
      [undefined],
    )
    await transport.send(notification('notifications/initialized'))
  })
})
