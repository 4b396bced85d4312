/** Tokens stay where they came in: they are passed to nobody and written nowhere. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { serveHttp } from '../../../src/http.ts'
import { defineServer, mount } from '../../../src/index.ts'
import { oauth } from '../../../src/security.ts'
import { HttpClient } from '../../support/http.ts'
import { bearer, startIssuer } from '../../support/issuer.ts'
import { initialize, request } from '../../support/messages.ts'

const resource = 'https://mcp.example.com/mcp'

test('26.auth.051 26.auth.147 25.auth.020 25.auth.029: a handler has no token to pass on, and what it fetches carries none (confused deputy)', async (t) => {
  const issuer = await startIssuer(t)
  const received: unknown[] = []
  const upstream = createServer((incoming, response) => {
    received.push(incoming.headers, incoming.url)
    response.end('fine')
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => upstream.close())
  const { port } = upstream.address() as AddressInfo
  const seen: unknown[] = []
  const server = defineServer({ name: 'proxy', version: '1' })
  server.tool('fetch', {}, async (args, context) => {
    seen.push(
      args,
      inspect(context, { depth: 6, showHidden: true }),
      JSON.stringify(context.authInfo),
    )
    return (await fetch(`http://127.0.0.1:${port}/x`)).text()
  })
  const auth = oauth({ resource, issuers: [issuer.issuer] })
  const listener = await serveHttp(server, { port: 0, drainMs: 0, authenticate: auth })
  t.after(() => listener.close())
  const http = new HttpClient(t, listener.port)
  const token = await issuer.token()
  const answer = await http.stateless('tools/call', { name: 'fetch' }, { headers: bearer(token) })
  assert.equal(answer.status, 200)
  assert.equal(received.length, 2)
  assert.ok(!JSON.stringify([...received, ...seen]).includes(token))
  assert.ok(!answer.text.includes(token))
})

test('26.auth.147 25.auth.029: a mounted server of the official SDK gets who calls, and no token', async (t) => {
  const issuer = await startIssuer(t)
  const inner = new McpServer({ name: 'inner', version: '1' })
  const told: unknown[] = []
  inner.registerTool('who', {}, async (extra) => {
    told.push(extra.authInfo)
    return { content: [] }
  })
  const auth = oauth({ resource, issuers: [issuer.issuer] })
  const listener = await serveHttp(await mount(inner), { port: 0, drainMs: 0, authenticate: auth })
  t.after(() => listener.close())
  const http = new HttpClient(t, listener.port)
  const token = await issuer.token()
  await http.stateless('tools/call', { name: 'who' }, { headers: bearer(token) })
  assert.deepEqual(
    told.map((each) => (each as { clientId: string; token: string }).clientId),
    ['desktop'],
  )
  assert.ok(!JSON.stringify(told).includes(token))
})

test('26.auth.119 25.auth.025: tokens and session ids are in no log, whatever goes wrong', async (t) => {
  const issuer = await startIssuer(t)
  const printed: string[] = []
  t.mock.method(console, 'error', (...parts: unknown[]) => {
    printed.push(parts.map((part) => inspect(part, { depth: 10 })).join(' '))
  })
  const server = defineServer({ name: 'leaky', version: '1' })
  server.tool('throws', {}, () => {
    throw new Error('It broke')
  })
  server.resource('x://broken', {}, () => {
    throw new Error('It broke')
  })
  const auth = oauth({ resource, issuers: [issuer.issuer] })
  const listener = await serveHttp(server, { port: 0, drainMs: 0, authenticate: auth })
  t.after(() => listener.close())
  const http = new HttpClient(t, listener.port)
  const token = await issuer.token()
  const opened = await http.send({ body: initialize('2025-11-25'), headers: bearer(token) })
  const id = String(opened.headers['mcp-session-id'])
  const headers = {
    ...bearer(token),
    'mcp-session-id': id,
    'mcp-protocol-version': '2025-11-25',
  }
  await http.send({ headers, body: request('tools/call', { name: 'throws' }) })
  await http.send({ headers, body: request('resources/read', { uri: 'x://broken' }) })
  const unknown = await issuer.token({ claims: { iss: 'https://unknown.example.com' } })
  await http.send({ headers: { ...headers, ...bearer(unknown) }, body: request('ping') })
  issuer.intercept = (_request, response) => {
    response.destroy()
    return true
  }
  const other = oauth({ resource, issuers: [{ issuer: issuer.issuer, keys: { cooldownMs: 0 } }] })
  const second = await serveHttp(server, { port: 0, drainMs: 0, authenticate: other })
  t.after(() => second.close())
  const fresh = await issuer.token()
  const unavailable = await new HttpClient(t, second.port).stateless(
    'tools/list',
    {},
    { headers: bearer(fresh) },
  )
  assert.equal(unavailable.status, 503)

  const log = printed.join('\n')
  assert.match(log, /It broke/)
  assert.match(log, /tokens cannot be checked/)
  for (const secret of [token, unknown, fresh, id]) assert.ok(!log.includes(secret))
})
