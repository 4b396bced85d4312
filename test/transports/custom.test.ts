import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { type ChannelHandler, createChannelHandler } from '../../src/channel.ts'
import { defineServer } from '../../src/index.ts'
import { serveStdio } from '../../src/stdio.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { ableClient, firstText, key, type Message } from '../support/messages.ts'
import { Peer } from '../support/peer.ts'
import { connectionSuite, Inbox, type Wire } from './suite.ts'

/** A transport that tsmcp does not know: messages as text through the two ports of a worker. */
function overPorts(handler: ChannelHandler, authInfo?: { subject: string }): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const text = (message: string | Uint8Array) =>
    typeof message === 'string' ? message : Buffer.from(message).toString()
  const client = handler.connect(
    { send: (message) => port1.postMessage(text(message)), close: () => port1.close() },
    authInfo,
  )
  port1.on('message', (message: string) => client.message(message))
  port1.on('close', () => client.closed())
  return port2
}

connectionSuite('a transport of one’s own', async (server) => {
  const handler = createChannelHandler(server)
  const port = overPorts(handler)
  const inbox = new Inbox()
  port.on('message', (text: string) => inbox.push(text))
  const wire: Wire = {
    send: (message) =>
      port.postMessage(typeof message === 'string' ? message : JSON.stringify(message)),
    receive: () => inbox.next(),
    close: async () => port.close(),
  }
  return { wire, stop: () => handler.close(0) }
})

suite('a transport of one’s own', () => {
  function open(t: TestContext, subject?: string) {
    const handler = createChannelHandler(makeServer())
    t.after(() => handler.close(0))
    return connectPort(handler, subject)
  }
  function connectPort(handler: ChannelHandler, subject?: string) {
    const port = overPorts(handler, subject === undefined ? undefined : { subject })
    const peer = new Peer((message) => port.postMessage(JSON.stringify(message)))
    port.on('message', (text: string) => peer.receive(JSON.parse(text) as Message))
    return { peer, port }
  }
  function makeServer() {
    const server = defineServer({ name: 'own', version: '1' })
    server.tool('who', {}, (_args, { authInfo, revision, sessionId }) =>
      [authInfo?.subject, revision, sessionId !== undefined].join(' '),
    )
    server.tool('ask', {}, async (_args, { roots }) => String((await roots()).length))
    return server
  }

  test('25.base.024 25.base.025 26.base.080: has the handshake and the messages of a session', async (t) => {
    const { peer, port } = open(t)
    assert.equal((await peer.request('tools/list')).error?.code, -32600)
    const { result } = await peer.open('2025-11-25', ableClient)
    assert.equal(result?.protocolVersion, '2025-11-25')
    const reply = peer.request('tools/call', { name: 'ask' })
    const question = await peer.next()
    assert.equal(question.method, 'roots/list')
    peer.send({ jsonrpc: '2.0', id: question.id, result: { roots: [] } })
    assert.equal(firstText(await reply), '0')
    assert.ok(peer.received.every(({ jsonrpc }) => jsonrpc === '2.0'))
    port.close()
  })

  test('26.base.081: and requests that are whole in themselves, with their metadata', async (t) => {
    const { peer, port } = open(t, 'ada')
    peer.goStateless()
    const answer = await peer.request('tools/call', { name: 'who' })
    assert.equal(firstText(answer), 'ada 2026-07-28 false')
    assert.deepEqual(answer.result?._meta?.[key.serverInfo], { name: 'own', version: '1' })
    peer.send({ jsonrpc: '2.0', id: 'bare', method: 'tools/list', params: { _meta: {} } })
    assert.equal((await peer.answerTo('bare')).error?.code, -32600)
    port.close()
  })

  test('ends with its handler, and what runs on it is told', async () => {
    const fixture = makeFixture()
    const handler = createChannelHandler(fixture.server)
    const { peer, port } = connectPort(handler)
    await peer.open('2025-11-25')
    const closed = once(port, 'close')
    void peer.request('tools/call', { name: 'hangs' })
    const signal = await fixture.begun.get('hangs')!.promise
    await Promise.all([handler.close(0), handler.close(0)])
    await closed
    assert.equal(signal.aborted, true)
  })
})

test('26.base.083 26.stdio.011: the framing of stdio serves any byte stream, for instance a Unix socket', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmcp-socket-'))
  const path = join(folder, 'mcp.sock')
  const { server } = makeFixture()
  const listener = createServer((socket) => {
    serveStdio(server, { input: socket, output: socket, drainMs: 0 })
  })
  listener.listen(path)
  await once(listener, 'listening')
  t.after(() => {
    listener.close()
    rmSync(folder, { recursive: true })
  })
  const socket = connect(path)
  const peer = new Peer((message) => {
    // In two pieces, and with the line ending of another system.
    const line = `${JSON.stringify(message)}\r\n`
    socket.write(line.slice(0, 9))
    setImmediate(() => socket.write(line.slice(9)))
  })
  let rest = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) peer.receive(JSON.parse(line) as Message)
  })
  peer.goStateless()
  const text = 'two\nlines'
  const answer = await peer.request('tools/call', { name: 'echo', arguments: { text } })
  assert.equal(firstText(answer), text)
  socket.destroy()
})
