import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { defineServer } from '../../src/index.ts'
import { DeadLetters } from '../../src/queue/dead-letters.ts'
import { serveTcp } from '../../src/tcp.ts'
import { StreamChannel } from '../../src/transports/stdio/stream-channel.ts'
import { OwnedWebSocket, WebSocketChannel } from '../../src/transports/web-socket-channel.ts'
import { metaOf, request } from '../support/messages.ts'

const kilobyte = 'x'.repeat(1023)
const turn = () => new Promise((resolve) => setImmediate(resolve))

function makeListener() {
  const messages: string[] = []
  const state = { closed: 0 }
  return {
    messages,
    state,
    message: (text: string) => messages.push(text),
    fault: assert.ifError,
    closed: () => state.closed++,
  }
}

/** Takes what it can hold and passes nothing on until told to. */
function makeStuckOutput() {
  const state = { passOn: () => {} }
  const output = new Writable({
    highWaterMark: 16 * 1024,
    write(_chunk, _encoding, done) {
      state.passOn = done
    },
  })
  return { output, state }
}

test('a stream is not read from while much waits for its reader, and is again when little does', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const listener = makeListener()
  const channel = new StreamChannel(input, output, () => listener)
  for (let count = 0; count < 200; count++) {
    channel.send(kilobyte)
    await turn()
  }
  assert.equal(channel.metrics.isPaused, true)
  assert.ok(channel.metrics.waitingMessages > 50)
  input.write('{"a":1}\n')
  await turn()
  assert.deepEqual(listener.messages, [])
  let read = 0
  output.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  while (read < 200 * 1024) await turn()
  assert.deepEqual(channel.metrics, { waitingBytes: 0, waitingMessages: 0, isPaused: false })
  while (listener.messages.length === 0) await turn()
  assert.deepEqual(listener.messages, ['{"a":1}'])
  assert.equal(listener.state.closed, 0)
})

test('a stream whose reader lets too much wait is given up, and its messages are dead letters', async () => {
  const { output } = makeStuckOutput()
  const listener = makeListener()
  const deadLetters = new DeadLetters()
  const options = { maxWaitingBytes: 50 * 1024 }
  const books = { name: 'tcp/7', deadLetters }
  const channel = new StreamChannel(new PassThrough(), output, () => listener, options, books)
  let sent = 0
  while (listener.state.closed === 0) {
    channel.send(kilobyte)
    sent++
    assert.ok(channel.metrics.waitingBytes <= 50 * 1024)
    await turn()
  }
  // The sink has what fits into it; 50 waited, and one was too much.
  assert.equal(deadLetters.counts['slow client'], 51)
  assert.equal(output.writableLength + 51 * 1024, sent * 1024)
  assert.equal(deadLetters.snapshot()[0]?.peer, 'tcp/7')
  assert.equal(listener.state.closed, 1)
})

test('what still waits when a stream is closed is written, unless it has broken', async () => {
  for (const breaks of [false, true]) {
    const { output } = makeStuckOutput()
    const deadLetters = new DeadLetters()
    const listener = makeListener()
    const books = { name: 'x', deadLetters }
    const channel = new StreamChannel(new PassThrough(), output, () => listener, {}, books)
    for (let count = 0; count < 40; count++) {
      channel.send(kilobyte)
      await turn()
    }
    if (breaks) {
      output.destroy(new Error('broken'))
      while (listener.state.closed === 0) await turn()
      assert.equal(deadLetters.counts['connection closed'], 24)
    } else {
      channel.close()
      assert.equal(output.writableLength, 40 * 1024)
      assert.equal(deadLetters.size, 0)
    }
  }
})

test('the rest of a chunk waits, too, when the answers to its beginning are not read', async () => {
  const { output, state } = makeStuckOutput()
  const input = new PassThrough()
  const messages: string[] = []
  const channel = new StreamChannel(input, output, (own) => ({
    message: (text) => {
      messages.push(text)
      own.send('x'.repeat(100 * 1024))
    },
    fault: () => messages.push('fault'),
    closed: () => {},
  }))
  const lines = Array.from({ length: 50 }, (_, index) => `{"a":${index}}\n`)
  input.write(Buffer.concat([Buffer.from(lines.join('')), Buffer.from([0xff, 10])]))
  await turn()
  assert.ok(messages.length < 5, String(messages.length))
  assert.ok(channel.metrics.waitingBytes < 300 * 1024)
  while (messages.length < 51) {
    state.passOn()
    await turn()
  }
  assert.deepEqual(messages, [...lines.map((line) => line.trim()), 'fault'])
})

async function openWebSockets(t: TestContext) {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: false,
    WebSocket: OwnedWebSocket,
  })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  const [[accepted]] = await Promise.all([
    once(server, 'connection') as Promise<[OwnedWebSocket]>,
    once(client, 'open'),
  ])
  const listener = makeListener()
  const deadLetters = new DeadLetters()
  const channel = new WebSocketChannel(accepted, () => listener, 'websocket/1', deadLetters)
  t.after(() => {
    client.terminate()
    accepted.terminate()
    server.close()
  })
  return { client, channel, listener, deadLetters, accepted }
}

test('a WebSocket whose client reads again gets all that waited, in order', async (t) => {
  const { client, channel, accepted } = await openWebSockets(t)
  const received: number[] = []
  client.on('message', (data) => received.push(Number(String(data).split(' ')[0])))
  client.pause()
  let sent = 0
  while (!channel.metrics.isPaused) {
    channel.send(`${sent++} ${'x'.repeat(20_000)}`)
    await turn()
  }
  assert.equal(accepted.isPaused, true)
  client.resume()
  while (received.length < sent) await turn()
  assert.deepEqual(received, [...received.keys()])
  assert.equal(channel.metrics.isPaused, false)
  assert.equal(accepted.isPaused, false)
})

test('a WebSocket whose client lets too much wait is cut off, and its messages are dead letters', async (t) => {
  const { client, channel, listener, deadLetters } = await openWebSockets(t)
  client.pause()
  const message = 'x'.repeat(256 * 1024)
  let sent = 0
  while (deadLetters.size === 0 && sent < 1000) {
    channel.send(message)
    sent++
    assert.ok(channel.metrics.waitingBytes <= 16 * 1024 * 1024)
    await turn()
  }
  assert.ok((deadLetters.counts['slow client'] ?? 0) >= 64)
  assert.equal(deadLetters.snapshot()[0]?.peer, 'websocket/1')
  while (listener.state.closed === 0) await turn()
  assert.equal(listener.state.closed, 1)
})

test('a WebSocket that takes nothing between two pings is cut off', async (t) => {
  const { client, channel, listener, deadLetters } = await openWebSockets(t)
  client.pause()
  while (!channel.metrics.isPaused) {
    channel.send('x'.repeat(20_000))
    await turn()
  }
  channel.ping()
  channel.ping()
  while (listener.state.closed === 0) await turn()
  assert.ok((deadLetters.counts['connection closed'] ?? 0) > 0)
})

test('a TCP client that asks and does not read is not read from, and has every answer once it reads', async (t) => {
  const server = defineServer({ name: 'loud', version: '1' })
  let calls = 0
  server.tool('long', {}, () => {
    calls++
    return 'x'.repeat(512 * 1024)
  })
  const listener = await serveTcp(server, { port: 0, drainMs: 0, maxWaitingBytes: 1024 * 1024 })
  t.after(() => listener.close())
  const socket = connect(listener.port, '127.0.0.1').setEncoding('latin1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  const call = (id: number) => {
    const params = { name: 'long', arguments: {}, _meta: metaOf() }
    return `${JSON.stringify(request('tools/call', params, id))}\n`
  }
  const asked = 100
  for (let id = 1; id <= asked; id++) socket.write(call(id))
  while (calls === 0) await turn()
  for (let turns = 0; turns < 200; turns++) await turn()
  assert.ok(calls < asked, `${calls} calls have run, though nobody reads their answers`)
  const ids: number[] = []
  let rest = ''
  socket.on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) ids.push(JSON.parse(part).id)
  })
  socket.resume()
  while (ids.length < asked) await turn()
  assert.deepEqual(
    ids,
    Array.from({ length: asked }, (_, index) => index + 1),
  )
})
