/** A session, stream or task id is of no use with another's credentials. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { WebSocket } from 'ws'
import type { Headers } from '../../support/http.ts'
import { bearer, startIssuer } from '../../support/issuer.ts'
import { initialize, notification, request } from '../../support/messages.ts'
import { startProtected } from '../../support/protected.ts'

const accept = 'text/event-stream'

suite('a session over Streamable HTTP', () => {
  test("26.security.035 26.security.037 25.security.005 25.security.006: is not found by another subject, another issuer's subject of that name, or another client (session hijack)", async (t) => {
    const issuer = await startIssuer(t)
    const other = await startIssuer(t)
    const { http } = await startProtected(t, { issuers: [issuer.issuer, other.issuer] })
    const mine = bearer(await issuer.token())
    const opened = await http.send({ body: initialize('2025-11-25'), headers: mine })
    const session: Headers = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
    const listening = await http.open({ method: 'GET', headers: { ...session, ...mine, accept } })
    assert.equal(listening.status, 200)
    const [primed] = [await listening.events.next()]
    const thieves = [
      bearer(await issuer.token({ claims: { sub: 'bob' } })),
      bearer(await other.token()),
      bearer(await issuer.token({ claims: { client_id: 'malware' } })),
    ]
    for (const thief of thieves) {
      const headers = { ...session, ...thief }
      const attempts = [
        { headers, body: request('tools/list') },
        { headers, body: notification('notifications/cancelled', { requestId: 1 }) },
        { headers, body: { jsonrpc: '2.0', id: 1, result: {} } },
        { method: 'GET', headers: { ...headers, accept } },
        { method: 'GET', headers: { ...headers, accept, 'last-event-id': String(primed?.id) } },
        { method: 'DELETE', headers },
      ]
      for (const attempt of attempts) {
        const answer = await http.send(attempt)
        assert.equal(answer.status, 404, JSON.stringify(attempt))
        assert.doesNotMatch(answer.text, /vault|whoami/)
      }
    }
    // It is untouched, and a refreshed token of its owner goes on with it.
    const refreshed = bearer(await issuer.token())
    const headers = { ...session, ...refreshed }
    assert.equal((await http.send({ headers, body: request('tools/list') })).status, 200)
    listening.abort()
  })

  test('25.security.005: never has an id that the client has chosen (session fixation)', async (t) => {
    const { http, issuer } = await startProtected(t)
    const headers = bearer(await issuer.token())
    const chosen = 'a'.repeat(32)
    const answer = await http.send({
      body: initialize('2025-11-25'),
      headers: { ...headers, 'mcp-session-id': chosen },
    })
    assert.equal(answer.status, 404)
    assert.equal(answer.headers['mcp-session-id'], undefined)
    const later = await http.send({
      body: request('tools/list'),
      headers: { ...headers, 'mcp-session-id': chosen },
    })
    assert.equal(later.status, 404)
  })

  test('26.security.036: has an id of 128 random bits, each another', async (t) => {
    const { http, issuer } = await startProtected(t)
    const headers = bearer(await issuer.token())
    const ids = new Set<string>()
    for (let index = 0; index < 20; index++) {
      const { headers: answered } = await http.send({ body: initialize('2025-11-25'), headers })
      ids.add(String(answered['mcp-session-id']))
    }
    assert.equal(ids.size, 20)
    for (const id of ids) assert.ok(Buffer.from(id, 'base64url').length >= 16, id)
  })

  test('its stream ends when the token of it has expired, and goes on with a fresh one', async (t) => {
    const { http, issuer, server } = await startProtected(t)
    const now = Math.floor(Date.now() / 1000)
    const shortLived = bearer(await issuer.token({ claims: { exp: now + 1 } }))
    const opened = await http.send({ body: initialize('2025-11-25'), headers: shortLived })
    const session: Headers = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
    const listening = await http.open({
      method: 'GET',
      headers: { ...session, ...shortLived, accept },
    })
    const primed = await listening.events.next()
    assert.equal(await listening.events.next(), undefined)
    server.tool('late', {}, () => 'x')
    const resumed = await http.open({
      method: 'GET',
      headers: {
        ...session,
        ...bearer(await issuer.token()),
        accept,
        'last-event-id': String(primed?.id),
      },
    })
    const event = await resumed.events.next()
    assert.equal(event?.message?.method, 'notifications/tools/list_changed')
    resumed.abort()
  })
})

suite('a subscription of 2026-07-28', () => {
  test('ends when its token is revoked', async (t) => {
    const { http, issuer, auth } = await startProtected(t)
    const token = await issuer.token()
    const listening = await http.open({
      ...listenPost(),
      headers: { ...listenPost().headers, ...bearer(token) },
    })
    const acknowledged = await listening.events.next()
    assert.equal(acknowledged?.message?.method, 'notifications/subscriptions/acknowledged')
    auth.revoke({ token })
    const last = await listening.events.next()
    assert.match(String(last?.message?.error?.message), /no longer valid/)
    assert.equal(await listening.events.next(), undefined)
  })
})

suite('HTTP with SSE', () => {
  test('1105.auth.001 26.security.037 25.security.006: another cannot post to a stream', async (t) => {
    const { http, issuer } = await startProtected(t, {}, { legacySse: true })
    const mine = bearer(await issuer.token())
    const stream = await http.open({ method: 'GET', path: '/sse', headers: { ...mine, accept } })
    const path = String((await stream.events.next())?.data)
    const body = initialize('2024-11-05')
    const others = [
      bearer(await issuer.token({ claims: { sub: 'bob' } })),
      bearer(await issuer.token({ claims: { client_id: 'malware' } })),
    ]
    for (const headers of others) {
      assert.equal((await http.send({ path, headers, body })).status, 404)
    }
    assert.equal((await http.send({ path, body })).status, 401)
    assert.equal((await http.send({ path, headers: mine, body })).status, 202)
    assert.equal((await stream.events.next())?.message?.id, 0)
    stream.abort()
  })

  test('ends when the token that opened it is revoked', async (t) => {
    const { http, issuer, auth } = await startProtected(t, {}, { legacySse: true })
    const token = await issuer.token()
    const headers = { ...bearer(token), accept }
    const stream = await http.open({ method: 'GET', path: '/sse', headers })
    await stream.events.next()
    auth.revoke({ token })
    assert.equal(await stream.events.next(), undefined)
  })
})

suite('WebSocket', () => {
  test('26.auth.002: asks for a token before the upgrade, with the same challenge as HTTP', async (t) => {
    const { port, ran } = await startProtected(t, {}, { webSocketPath: '/ws' })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['mcp'])
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    assert.equal(response.statusCode, 401)
    assert.match(response.headers['www-authenticate'], /^Bearer scope="mcp", resource_metadata="/)
    socket.terminate()
    assert.deepEqual(ran, [])
  })

  test('26.auth.002: a connection belongs to who opened it, and ends when the token is revoked', async (t) => {
    const { port, issuer, auth, callers } = await startProtected(t, {}, { webSocketPath: '/ws' })
    const token = await issuer.token()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['mcp'], { headers: bearer(token) })
    await once(socket, 'open')
    const answers = (async () => {
      const [first] = await once(socket, 'message')
      socket.send(JSON.stringify(request('tools/call', { name: 'whoami' }, 2)))
      const [second] = await once(socket, 'message')
      return [first, second].map((each) => JSON.parse(String(each)))
    })()
    socket.send(JSON.stringify(initialize('2025-11-25')))
    const [, called] = await answers
    assert.equal(called.id, 2)
    assert.equal(callers[0]?.subject, 'alice')
    auth.revoke({ token })
    const [code] = await once(socket, 'close')
    assert.equal(code, 1008)
  })
})

function listenPost() {
  return {
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    } as Headers,
    body: request('subscriptions/listen', {
      notifications: { toolsListChanged: true },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    }),
  }
}
