/** The keys of an issuer: fetched when needed, and no more often, whatever tokens say. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { HttpClient } from '../../support/http.ts'
import { bearer, sendJson, signingKey, startIssuer } from '../../support/issuer.ts'
import { startProtected } from '../../support/protected.ts'

const well = '/.well-known/oauth-authorization-server'

async function statusOf(http: HttpClient, token: string): Promise<number> {
  const answer = await http.stateless('tools/list', {}, { headers: bearer(token) })
  return answer.status
}

suite('the keys of an issuer', () => {
  test('are found by its metadata and fetched once for many tokens', async (t) => {
    const { http, issuer } = await startProtected(t)
    assert.deepEqual(issuer.asked, [])
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token()))
    for (const token of tokens) assert.equal(await statusOf(http, token), 200)
    assert.deepEqual(issuer.asked, [well, '/jwks'])
  })

  test('are fetched once for many requests at the same time', async (t) => {
    const { http, issuer } = await startProtected(t)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token()))
    const statuses = await Promise.all(tokens.map((token) => statusOf(http, token)))
    assert.ok(statuses.every((status) => status === 200))
    assert.equal(issuer.count('/jwks'), 1)
  })

  test('a flood of tokens with unknown keys causes no flood of fetches (JWKS flood)', async (t) => {
    const { http, issuer } = await startProtected(t)
    assert.equal(await statusOf(http, await issuer.token()), 200)
    const mine = await signingKey('mine')
    for (let index = 0; index < 50; index++) {
      const token = await issuer.token({ key: mine, header: { kid: `unknown-${index}` } })
      assert.equal(await statusOf(http, token), 401)
    }
    assert.equal(issuer.count('/jwks'), 1)
  })

  test('a new key is found when a token names it, after the cool-down', async (t) => {
    const issuer = await startIssuer(t)
    const { http } = await startProtected(t, {
      issuers: [{ issuer: issuer.issuer, keys: { cooldownMs: 0 } }],
    })
    assert.equal(await statusOf(http, await issuer.token()), 200)
    issuer.keys = [await signingKey('second'), issuer.key]
    assert.equal(await statusOf(http, await issuer.token()), 200)
    assert.equal(issuer.count('/jwks'), 2)
  })

  test('a key that the issuer has withdrawn is forgotten when it is old, and its tokens with it', async (t) => {
    const issuer = await startIssuer(t)
    const { http } = await startProtected(t, {
      issuers: [{ issuer: issuer.issuer, keys: { maxAgeMs: 0, cooldownMs: 0 } }],
    })
    const token = await issuer.token()
    assert.equal(await statusOf(http, token), 200)
    issuer.keys = [await signingKey('second')]
    assert.equal(await statusOf(http, token), 401)
  })

  test('an issuer that cannot be reached is 503 and no refusal of the token, and is left alone for a while', async (t) => {
    const { http, issuer, reported } = await startProtected(t)
    issuer.intercept = (_request, response) => {
      sendJson(response, 500, {})
      return true
    }
    for (let index = 0; index < 5; index++) {
      const answer = await http.stateless(
        'tools/list',
        {},
        { headers: bearer(await issuer.token()) },
      )
      assert.equal(answer.status, 503)
      assert.equal(answer.headers['retry-after'], '5')
      assert.equal(answer.headers['www-authenticate'], undefined)
    }
    assert.equal(issuer.count(well), 1)
    assert.equal(reported.length, 1)
  })

  test('keys that cannot be fetched are not asked for again at once', async (t) => {
    const { http, issuer } = await startProtected(t)
    issuer.intercept = (request, response) => {
      if (request.url !== '/jwks') return false
      sendJson(response, 503, {})
      return true
    }
    for (let index = 0; index < 5; index++) {
      assert.equal(await statusOf(http, await issuer.token()), 503)
    }
    assert.equal(issuer.count('/jwks'), 1)
  })

  test('keys that are no keys are 503', async (t) => {
    const { http, issuer } = await startProtected(t)
    issuer.intercept = (request, response) => {
      if (request.url !== '/jwks') return false
      sendJson(response, 200, { keys: 'none' })
      return true
    }
    assert.equal(await statusOf(http, await issuer.token()), 503)
  })
})
