import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import { WebSocket } from 'ws'
import { serveHttp } from '../../src/http.ts'
import { defineServer } from '../../src/index.ts'

const server = defineServer({ name: 'socket', version: '1' })
server.tool('echo', {}, () => 'ok')
const listener = await serveHttp(server, {
  port: 0,
  webSocketPath: '/ws',
  maxBodyBytes: 1000,
  drainMs: 0,
  authenticate: ({ getHeader }) =>
    getHeader('authorization') === 'Bearer good' ? { subject: 'alice' } : undefined,
})
after(() => listener.close())
const url = `ws://127.0.0.1:${listener.port}/ws`
const authorized = { headers: { authorization: 'Bearer good' } }

/** The status with which an upgrade is refused. */
async function refusal(target: string, protocols: string[], options: object): Promise<number> {
  const socket = new WebSocket(target, protocols, options)
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(url, ['mcp'], authorized)
  await once(socket, 'open')
  return socket
}

async function answerTo(socket: WebSocket, message: string | Buffer) {
  const answered = once(socket, 'message')
  socket.send(message)
  return JSON.parse(String((await answered)[0]))
}

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

test('the subprotocol is mcp, and a client that offers only others is refused', async () => {
  const socket = await open()
  assert.equal(socket.protocol, 'mcp')
  socket.close()
  assert.equal(await refusal(url, ['graphql-ws'], authorized), 400)
})

test('25.http.002 26.http.003: a foreign Origin is refused before the upgrade', async () => {
  const options = { ...authorized, origin: 'http://evil.example' }
  assert.equal(await refusal(url, ['mcp'], options), 403)
})

test('an upgrade without credentials is refused, and so is one at another path', async () => {
  assert.equal(await refusal(url, ['mcp'], {}), 401)
  assert.equal(await refusal(url.replace('/ws', '/other'), ['mcp'], authorized), 404)
})

test('a binary frame is answered with an error, and the connection goes on', async () => {
  const socket = await open()
  assert.equal((await answerTo(socket, Buffer.from(ping))).error.code, -32600)
  assert.deepEqual((await answerTo(socket, ping)).result, {})
  socket.close()
})

test('a message beyond the limit ends the connection with the code for it', async () => {
  const socket = await open()
  socket.send('x'.repeat(2000))
  const [code] = await once(socket, 'close')
  assert.equal(code, 1009)
})

test('when the server stops, clients are told that it goes away', async () => {
  const stopping = await serveHttp(server, { port: 0, webSocketPath: '/ws', drainMs: 0 })
  const socket = new WebSocket(`ws://127.0.0.1:${stopping.port}/ws`, ['mcp'])
  await once(socket, 'open')
  const closed = once(socket, 'close')
  await stopping.close()
  assert.equal((await closed)[0], 1001)
})

test('a client that never closes its side does not hold up the end', async () => {
  const stopping = await serveHttp(server, { port: 0, webSocketPath: '/ws', drainMs: 0 })
  const socket = new WebSocket(`ws://127.0.0.1:${stopping.port}/ws`, ['mcp'])
  await once(socket, 'open')
  socket.pause()
  await stopping.close()
  socket.terminate()
})
