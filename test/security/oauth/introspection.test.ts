/** Tokens that are no JWT: the authorization server says what they are (RFC 7662). */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { bearer, sendJson, startIssuer } from '../../support/issuer.ts'
import { startProtected } from '../../support/protected.ts'

const credentials = { clientId: 'mcp server', clientSecret: 's:ecret' }

async function startOpaque(t: TestContext, options: object = {}) {
  const issuer = await startIssuer(t)
  const fixture = await startProtected(t, {
    issuers: [{ issuer: issuer.issuer, introspection: { ...credentials, ...options } }],
  })
  const now = Math.floor(Date.now() / 1000)
  const good = {
    sub: 'alice',
    aud: issuer.resource,
    client_id: 'desktop',
    scope: 'mcp files:read',
    exp: now + 300,
  }
  const statusOf = async (token: string): Promise<number> =>
    (await fixture.http.stateless('tools/call', { name: 'whoami' }, { headers: bearer(token) }))
      .status
  return { ...fixture, issuer, good, now, statusOf }
}

suite('an opaque token', () => {
  test('is what the issuer says, and asked about once a while', async (t) => {
    const { issuer, good, callers, statusOf } = await startOpaque(t)
    issuer.opaque.set('good', good)
    assert.equal(await statusOf('good'), 200)
    assert.equal(await statusOf('good'), 200)
    assert.equal(issuer.count('/introspect'), 1)
    assert.equal(callers[0]?.subject, 'alice')
    assert.equal(callers[0].issuer, issuer.issuer)
    assert.deepEqual(callers[0].scopes, ['mcp', 'files:read'])
  })

  test('that the issuer revokes is refused when the answer is old', async (t) => {
    const { issuer, good, statusOf } = await startOpaque(t, { cacheMs: 0 })
    issuer.opaque.set('good', good)
    assert.equal(await statusOf('good'), 200)
    issuer.opaque.delete('good')
    assert.equal(await statusOf('good'), 401)
  })

  test('is refused when it is unknown, void, for another server, or of another issuer', async (t) => {
    const { issuer, good, now, ran, statusOf } = await startOpaque(t)
    const bad = {
      'for-another': { ...good, aud: 'https://other.example.com/mcp' },
      'for-two': { ...good, aud: [issuer.resource, 'https://other.example.com/mcp'] },
      'for-nobody': { ...good, aud: undefined },
      expired: { ...good, exp: now - 60 },
      early: { ...good, nbf: now + 60 },
      eternal: { ...good, exp: undefined },
      nobody: { ...good, sub: undefined },
      inactive: { ...good, active: false },
      foreign: { ...good, iss: 'https://evil.example.com' },
    }
    for (const [token, answer] of Object.entries(bad)) {
      issuer.opaque.set(token, answer)
      assert.equal(await statusOf(token), 401, token)
    }
    assert.equal(await statusOf('unknown'), 401)
    assert.deepEqual(ran, [])
  })

  test('is not judged when there is no answer, or one that is no object', async (t) => {
    const { issuer, statusOf } = await startOpaque(t)
    const answers: unknown[] = ['yes', [], 1]
    issuer.intercept = (request, response) => {
      if (request.url !== '/introspect') return false
      const answer = answers.pop()
      sendJson(response, answer === undefined ? 500 : 200, answer)
      return true
    }
    for (let index = 0; index < 4; index++) assert.equal(await statusOf(`token-${index}`), 503)
  })

  test('is not sent to an issuer that it was not configured for', async (t) => {
    const { http, issuer } = await startProtected(t)
    issuer.opaque.set('good', {})
    const answer = await http.stateless('tools/list', {}, { headers: bearer('good') })
    assert.equal(answer.status, 401)
    assert.deepEqual(issuer.asked, [])
  })

  test('of either of two issuers is found, and the one that cannot be asked is not taken for a no', async (t) => {
    const one = await startIssuer(t)
    const two = await startIssuer(t)
    const { http } = await startProtected(t, {
      issuers: [one, two].map(({ issuer }) => ({ issuer, introspection: credentials })),
    })
    const exp = Math.floor(Date.now() / 1000) + 300
    two.opaque.set('second', { sub: 'bob', aud: two.resource, scope: 'mcp', exp })
    const statusOf = async (token: string): Promise<number> =>
      (await http.stateless('tools/list', {}, { headers: bearer(token) })).status
    assert.equal(await statusOf('second'), 200)
    one.close()
    assert.equal(await statusOf('unknown'), 503)
  })
})
