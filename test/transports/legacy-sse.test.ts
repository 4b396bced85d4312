import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { after, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { serveHttp } from '../../src/http.ts'
import { defineServer } from '../../src/index.ts'
import { Inbox, initialize } from './suite.ts'

const signals: AbortSignal[] = []
const server = defineServer({ name: 'old', version: '1' })
server.tool('hang', {}, (_, { signal }) => {
  signals.push(signal)
  return new Promise(() => {})
})
const listener = await serveHttp(server, { port: 0, legacySse: true, drainMs: 0 })
after(() => listener.close())
const root = `http://127.0.0.1:${listener.port}`

/** Opens the stream and reads its events as they are written. */
async function open(headers: Record<string, string> = {}) {
  const sent = request(`${root}/sse`, { headers: { accept: 'text/event-stream', ...headers } })
  sent.on('error', () => {})
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const events: { name: string; data: string }[] = []
  const inbox = new Inbox()
  let rest = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const [first = '', second = ''] = part.split('\n')
      const event = { name: first.replace('event: ', ''), data: second.replace('data: ', '') }
      events.push(event)
      if (event.name === 'message') inbox.push(event.data)
    }
  })
  response.on('error', () => {})
  while (response.statusCode === 200 && events.length === 0) await turn()
  return { response, events, inbox, close: () => sent.destroy() }
}

function post(path: string, message: object, headers: Record<string, string> = {}) {
  return fetch(root + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  })
}

const oldInitialize = {
  ...initialize,
  params: { ...initialize.params, protocolVersion: '2024-11-05' },
}

test('1105.sse.001 1105.sse.002: the first event names the URL to post to', async () => {
  const { events, close } = await open()
  assert.equal(events[0]?.name, 'endpoint')
  assert.match(events[0]?.data ?? '', /^\/messages\?sessionId=[\w-]{22}$/)
  close()
})

test('1105.sse.006 1105.sse.007: a POST is accepted without a body, and answered on the stream', async () => {
  const { events, inbox, close } = await open()
  const response = await post(events[0]?.data ?? '', oldInitialize)
  assert.equal(response.status, 202)
  assert.equal(await response.text(), '')
  const answer = await inbox.next()
  assert.equal(answer.id, 1)
  assert.equal(answer.result?.protocolVersion, '2024-11-05')
  close()
})

test('1105.sse.009: both endpoints refuse a foreign Origin', async () => {
  const origin = 'http://evil.example'
  const { response } = await open({ origin })
  assert.equal(response.statusCode, 403)
  assert.equal((await post('/messages?sessionId=x', oldInitialize, { origin })).status, 403)
})

test('1105.sse.011: a POST to no stream, or to one that has closed, is 404', async () => {
  assert.equal((await post('/messages', oldInitialize)).status, 404)
  assert.equal((await post('/messages?sessionId=nonsense', oldInitialize)).status, 404)
  const { events, close } = await open()
  close()
  const path = events[0]?.data ?? ''
  while ((await post(path, { jsonrpc: '2.0', method: 'x' })).status !== 404) await turn()
})

test('1105.sse.012: closing the stream stops what runs on it', async () => {
  const { events, inbox, close } = await open()
  const path = events[0]?.data ?? ''
  await post(path, oldInitialize)
  await inbox.next()
  await post(path, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'hang' } })
  while (signals.length === 0) await turn()
  close()
  while (signals[0]?.aborted !== true) await turn()
})

test('the stream takes no POST, and the other endpoint no GET', async () => {
  assert.equal((await post('/sse', oldInitialize)).status, 405)
  assert.equal((await fetch(`${root}/messages`)).status, 405)
})

test('a POST that is no JSON is refused by its own answer', async () => {
  const { events, close } = await open()
  const response = await fetch(root + events[0]?.data, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  })
  assert.equal(response.status, 400)
  assert.equal(((await response.json()) as { error: { code: number } }).error.code, -32700)
  close()
})

test('1105.sse.016 26.http.088: the transport is off unless it is switched on', async () => {
  const modern = await serveHttp(server, { port: 0, drainMs: 0 })
  assert.equal((await fetch(`http://127.0.0.1:${modern.port}/sse`)).status, 404)
  await modern.close()
})
