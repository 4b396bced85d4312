/** Statuses and challenges of refusals, and what they give away. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Headers } from '../../support/http.ts'
import { bearer } from '../../support/issuer.ts'
import { initialize, request } from '../../support/messages.ts'
import { readChallenge, startProtected } from '../../support/protected.ts'

const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
const secrets = /vault|ledger|Top secret|whoami|write|capabilities|serverInfo|gold/

suite('a request without good credentials', () => {
  const requests = [
    ['server/discover', {}],
    ['tools/list', {}],
    ['tools/call', { name: 'whoami' }],
    ['resources/read', { uri: 'vault://ledger' }],
    ['nosuch/method', {}],
  ] as const

  test('26.auth.144 26.auth.145 25.auth.016 25.auth.027: is refused before anything is done or said, whatever it asks for', async (t) => {
    const { http, issuer, ran } = await startProtected(t)
    const expired = await issuer.token({ claims: { exp: 1000 } })
    for (const [method, params] of requests) {
      for (const headers of [
        {},
        bearer(expired),
        bearer('nonsense'),
        { authorization: 'Basic YTpi' },
      ]) {
        const answer = await http.stateless(method, params, { headers })
        assert.equal(answer.status, 401)
        assert.doesNotMatch(answer.text, secrets)
        assert.equal(answer.message.id, undefined)
      }
    }
    const opening = await http.send({ body: initialize('2025-11-25'), headers: bearer(expired) })
    assert.equal(opening.status, 401)
    assert.doesNotMatch(opening.text, secrets)
    assert.deepEqual(ran, [])
  })

  test('is refused even where its body is not JSON, too long or missing', async (t) => {
    const { http } = await startProtected(t, {}, { maxBodyBytes: 10 })
    for (const body of ['{', 'x'.repeat(1000), undefined]) {
      assert.equal((await http.send({ body })).status, 401)
    }
  })

  test('26.security.034 25.auth.015: is refused on a connection and in a session that good ones came on', async (t) => {
    const { http, issuer } = await startProtected(t)
    const headers = bearer(await issuer.token())
    const opened = await http.send({ body: initialize('2025-11-25'), headers })
    const session = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
    const list = request('tools/list')
    assert.equal((await http.send({ body: list, headers: { ...session, ...headers } })).status, 200)
    const withoutToken: { method: string; headers: Headers; body?: object }[] = [
      { method: 'POST', headers: session, body: list },
      { method: 'GET', headers: { ...session, accept: 'text/event-stream' } },
      {
        method: 'GET',
        headers: { ...session, accept: 'text/event-stream', 'last-event-id': '1-1' },
      },
      { method: 'DELETE', headers: session },
    ]
    for (const sent of withoutToken) assert.equal((await http.send(sent)).status, 401)
    // The session has not been ended.
    assert.equal((await http.send({ body: list, headers: { ...session, ...headers } })).status, 200)
  })
})

suite('a malformed authorization request', () => {
  const malformed = [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer "quoted"',
    'Bearer é',
    'bearer a,b',
    'DPoP',
    `Bearer ${'x'.repeat(12_000)} y`,
  ]
  test('26.auth.059 25.auth.021: is 400 with invalid_request', async (t) => {
    const { http, ran } = await startProtected(t)
    for (const authorization of malformed) {
      const value = Buffer.from(authorization).toString('latin1')
      const answer = await http.stateless('tools/list', {}, { headers: { authorization: value } })
      assert.equal(answer.status, 400, authorization)
      assert.equal(
        readChallenge(answer.headers['www-authenticate']).Bearer?.error,
        'invalid_request',
      )
    }
    assert.deepEqual(ran, [])
  })

  test('26.auth.059 25.auth.021: a token in the query is 400, good as it may be and with a header beside it', async (t) => {
    const { http, issuer, ran } = await startProtected(t)
    const token = await issuer.token()
    for (const query of [
      `access_token=${token}`,
      `x=1&access_token=${token}`,
      `access%5Ftoken=${token}`,
      'access_token=',
    ]) {
      for (const headers of [{}, bearer(token)]) {
        const body = request('tools/call', { name: 'whoami' })
        const answer = await http.send({ path: `/mcp?${query}`, headers, body })
        assert.equal(answer.status, 400, query)
        assert.match(answer.text, /must not be in the URL/)
        assert.ok(!answer.text.includes(token))
      }
    }
    assert.deepEqual(ran, [])
  })

  test('the scheme may be in any case', async (t) => {
    const { http, issuer } = await startProtected(t)
    for (const scheme of ['bearer', 'BEARER']) {
      const headers = { authorization: `${scheme} ${await issuer.token()}` }
      assert.equal((await http.stateless('tools/list', {}, { headers })).status, 200)
    }
  })
})

suite('a good token that allows too little', () => {
  test('26.auth.058 26.auth.060 26.auth.061 26.auth.062 26.auth.063 25.auth.021 25.auth.022 25.auth.023: is 403 with all scopes that the operation needs', async (t) => {
    const { http, issuer, ran } = await startProtected(t)
    const headers = bearer(await issuer.token({ claims: { scope: 'mcp files:read' } }))
    const answer = await http.stateless('tools/call', { name: 'write' }, { headers })
    assert.equal(answer.status, 403)
    assert.deepEqual(readChallenge(answer.headers['www-authenticate']), {
      Bearer: {
        error: 'insufficient_scope',
        scope: 'mcp files:read files:write',
        resource_metadata: metadata,
      },
    })
    assert.deepEqual(answer.message.error?.data, { requiredScopes: ['files:read', 'files:write'] })
    assert.deepEqual(ran, [])
  })

  test('26.auth.058: is 403 at the door without what every request needs', async (t) => {
    const { http, issuer } = await startProtected(t)
    for (const claims of [
      { scope: '' },
      { scope: undefined },
      { scope: 'other' },
      { scope: 'mcps' },
    ]) {
      const headers = bearer(await issuer.token({ claims }))
      const answer = await http.stateless('tools/list', {}, { headers })
      assert.equal(answer.status, 403)
      assert.doesNotMatch(answer.text, secrets)
      const { Bearer } = readChallenge(answer.headers['www-authenticate'])
      assert.equal(Bearer?.error, 'insufficient_scope')
      assert.equal(Bearer.scope, 'mcp')
    }
  })

  const operations = [
    ['resources/read', { uri: 'vault://ledger' }],
    ['resources/read', { uri: 'vault://box/1' }],
    ['prompts/get', { name: 'audit' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'audit' }, argument: { name: 'of', value: '' } },
    ],
    [
      'completion/complete',
      {
        ref: { type: 'ref/resource', uri: 'vault://box/{number}' },
        argument: { name: 'number', value: '' },
      },
    ],
  ] as const
  for (const [method, params] of operations) {
    test(`26.security.012 25.security.001: may not ${method} ${JSON.stringify(params).slice(0, 40)}`, async (t) => {
      const { http, issuer } = await startProtected(t)
      const little = bearer(await issuer.token())
      const answer = await http.stateless(method, params, { headers: little })
      assert.equal(answer.status, 403)
      assert.doesNotMatch(answer.text, /gold/)
      const { Bearer } = readChallenge(answer.headers['www-authenticate'])
      assert.equal(Bearer?.scope, 'mcp files:read')
      const enough = bearer(await issuer.token({ claims: { scope: 'mcp files:read' } }))
      assert.equal((await http.stateless(method, params, { headers: enough })).status, 200)
    })
  }

  test('may not use methods that need a scope', async (t) => {
    const { http, issuer } = await startProtected(
      t,
      {},
      { methodScopes: { 'prompts/list': ['p'] } },
    )
    const little = bearer(await issuer.token())
    assert.equal((await http.stateless('prompts/list', {}, { headers: little })).status, 403)
    assert.equal((await http.stateless('tools/list', {}, { headers: little })).status, 200)
    const enough = bearer(await issuer.token({ claims: { scope: 'mcp p' } }))
    assert.equal((await http.stateless('prompts/list', {}, { headers: enough })).status, 200)
  })

  test('26.auth.073: is enough where one scope comes with another', async (t) => {
    const { http, issuer, callers } = await startProtected(t, {
      impliedScopes: {
        admin: ['files:write'],
        'files:write': ['files:read', 'mcp', 'files:write'],
      },
    })
    const headers = bearer(await issuer.token({ claims: { scope: 'admin' } }))
    const answer = await http.stateless('tools/call', { name: 'write' }, { headers })
    assert.equal(answer.status, 200)
    assert.deepEqual(callers[0]?.scopes, ['admin', 'files:write', 'files:read', 'mcp'])
  })

  test('26.auth.060 25.auth.022: in a session, the step up is one with a better token and the same session', async (t) => {
    const { http, issuer } = await startProtected(t)
    const little = bearer(await issuer.token())
    const opened = await http.send({ body: initialize('2025-11-25'), headers: little })
    const session = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
    const write = (headers: Headers) =>
      http.send({
        headers: { ...session, ...headers },
        body: request('tools/call', { name: 'write' }),
      })
    const refused = await write(little)
    assert.equal(refused.status, 403)
    const { Bearer } = readChallenge(refused.headers['www-authenticate'])
    const better = bearer(await issuer.token({ claims: { scope: Bearer?.scope } }))
    assert.equal((await write(better)).status, 200)
    // What the better token allows is not the session's.
    assert.equal((await write(little)).status, 403)
  })

  test('26.security.050: works for what it covers', async (t) => {
    const { http, issuer } = await startProtected(t)
    const headers = bearer(await issuer.token({ claims: { scope: 'mcp files:read' } }))
    const read = { uri: 'vault://ledger' }
    assert.equal((await http.stateless('resources/read', read, { headers })).status, 200)
  })
})

test('26.auth.001 25.auth.001: authorization is optional: a server without it serves, scopes or not', async (t) => {
  const { http } = await startProtected(t, {}, { authenticate: undefined as never })
  const answer = await http.stateless('tools/call', { name: 'write' })
  assert.equal(answer.status, 200)
})

test('scopes of tools, resources and prompts are for the server alone', async (t) => {
  const { http, issuer } = await startProtected(t)
  const headers = bearer(await issuer.token())
  for (const method of [
    'tools/list',
    'resources/list',
    'resources/templates/list',
    'prompts/list',
  ]) {
    const answer = await http.stateless(method, {}, { headers })
    assert.doesNotMatch(answer.text, /scopes|files:/)
  }
})
