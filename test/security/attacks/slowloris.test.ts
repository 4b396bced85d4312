import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { serveHttp } from '../../../src/http.ts'
import { defineServer } from '../../../src/index.ts'

const server = defineServer({ name: 'target', version: '1' })
const ended = (socket: Socket) =>
  new Promise<string>((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })

test('a client that sends its headers without end is cut off', async (t) => {
  const listener = await serveHttp(server, { port: 0, drainMs: 0, headersTimeoutMs: 300 })
  t.after(() => listener.close())
  const socket = connect(listener.port, '127.0.0.1')
  socket.write('POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n')
  // One header now and then: a socket that is merely idle would be found otherwise.
  const drip = setInterval(() => socket.write('X-A: b\r\n'), 50)
  const answer = await ended(socket)
  clearInterval(drip)
  assert.match(answer, /^HTTP\/1\.1 408/)
})

test('a client that sends its body without end is cut off', async (t) => {
  const options = { port: 0, drainMs: 0, headersTimeoutMs: 200, requestTimeoutMs: 400 }
  const listener = await serveHttp(server, options)
  t.after(() => listener.close())
  const socket = connect(listener.port, '127.0.0.1')
  socket.write(
    'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
  )
  assert.match(await ended(socket), /^HTTP\/1\.1 408/)
})

test('connections beyond the bound are turned away, and do not touch the others', async (t) => {
  const listener = await serveHttp(server, { port: 0, drainMs: 0, maxConnections: 2 })
  t.after(() => listener.close())
  const open = () => connect(listener.port, '127.0.0.1')
  const [first, second] = [open(), open()]
  t.after(() => [first, second].map((socket) => socket.destroy()))
  await Promise.all(
    [first, second].map((socket) => new Promise((resolve) => socket.once('connect', resolve))),
  )
  assert.match(await ended(open()), /^HTTP\/1\.1 503/)
  first.write('GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
  assert.match(await ended(first), /^HTTP\/1\.1 400/)
})
