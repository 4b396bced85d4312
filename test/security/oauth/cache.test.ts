/** A token that has been checked is known from then on, and a known one lets a request in at once. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AuthRequest } from '../../../src/http.ts'
import { TokenCache } from '../../../src/security/oauth/token-cache.ts'
import type { VerifiedToken } from '../../../src/security/oauth/verified-token.ts'
import { type OAuth, oauth } from '../../../src/security.ts'
import { startIssuer, type TestIssuer } from '../../support/issuer.ts'

const resource = 'https://mcp.example.com/mcp'

function requestWith(token: string): AuthRequest {
  return {
    method: 'POST',
    target: '/mcp',
    remoteAddress: undefined,
    certificate: undefined,
    getHeader: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
  }
}

suite('a token that has been checked', () => {
  let issuer: TestIssuer
  let auth: OAuth
  const start = async (t: Parameters<typeof startIssuer>[0], options: object = {}) => {
    issuer = await startIssuer(t)
    auth = oauth({ resource, issuers: [issuer.issuer], ...options })
  }

  test('lets the next request in without a promise, and without its issuer', async (t) => {
    await start(t)
    const request = requestWith(await issuer.token())
    const first = auth.authenticate(request)
    assert.ok(first instanceof Promise)
    const known = await first
    issuer.close()
    assert.equal(auth.authenticate(request), known)
  })

  test('is checked once for all that come with it at the same time', async (t) => {
    await start(t)
    const request = requestWith(await issuer.token())
    const [one, other] = await Promise.all([auth.authenticate(request), auth.authenticate(request)])
    assert.equal(one, other)
  })

  test('is unknown again when it expires, and is then refused', async (t) => {
    await start(t, { clockToleranceSeconds: 0 })
    const now = Math.floor(Date.now() / 1000)
    const request = requestWith(await issuer.token({ claims: { exp: now + 60 } }))
    await auth.authenticate(request)
    t.mock.timers.enable({ apis: ['Date'], now: (now + 61) * 1000 })
    await assert.rejects(async () => auth.authenticate(request), { code: 'UNAUTHORIZED' })
  })

  test('is what no handler can change', async (t) => {
    await start(t)
    const found = await auth.authenticate(requestWith(await issuer.token()))
    assert.ok(found)
    assert.throws(() => (found.scopes as string[]).push('admin'), TypeError)
    assert.throws(() => {
      found.subject = 'root'
    }, TypeError)
    assert.throws(() => {
      ;(found.claims as Record<string, unknown>).sub = 'root'
    }, TypeError)
  })

  test('is among a bounded number: the oldest is checked anew', async (t) => {
    await start(t, { maxCachedTokens: 2 })
    const requests = await Promise.all([0, 1, 2].map(async () => requestWith(await issuer.token())))
    for (const request of requests) await auth.authenticate(request)
    const [first, second, third] = requests.map((request) => auth.authenticate(request))
    assert.ok(first instanceof Promise)
    assert.ok(!(second instanceof Promise))
    assert.ok(!(third instanceof Promise))
    await first
  })

  test('is kept by its hash: the token itself is nowhere', () => {
    const cache = new TokenCache(1)
    const token = { goodUntilMs: 10 } as VerifiedToken
    cache.set('hash', token)
    assert.equal(cache.get('hash', 9), token)
    assert.equal(cache.get('hash', 10), undefined)
    assert.equal(cache.size, 0)
  })
})

suite('a revocation', () => {
  const cases = [
    { name: 'of a token', of: (token: string) => ({ token }) },
    {
      name: 'of the id of a token',
      of: (_token: string, issuer: string) => ({ issuer, tokenId: 'first' }),
    },
    {
      name: 'of all tokens of a subject',
      of: (_token: string, issuer: string) => ({ issuer, subject: 'alice' }),
    },
  ]
  for (const { name, of } of cases) {
    test(`${name} holds at once, also for what is known, and for nobody else`, async (t) => {
      const issuer = await startIssuer(t)
      const auth = oauth({ resource, issuers: [issuer.issuer] })
      const token = await issuer.token({ claims: { jti: 'first' } })
      const other = await issuer.token({ claims: { jti: 'second', sub: 'bob' } })
      const found = await auth.authenticate(requestWith(token))
      await auth.authenticate(requestWith(other))
      assert.ok(found)
      assert.equal(auth.isCurrent?.(found, Date.now()), true)

      auth.revoke(of(token, issuer.issuer))
      assert.throws(() => auth.authenticate(requestWith(token)), /revoked/)
      assert.equal(auth.isCurrent?.(found, Date.now()), false)
      assert.ok(auth.authenticate(requestWith(other)))

      auth.setRevocations([])
      assert.equal(auth.authenticate(requestWith(token)), found)
    })
  }

  test('of a subject spares tokens that are issued later', async (t) => {
    const issuer = await startIssuer(t)
    const auth = oauth({ resource, issuers: [issuer.issuer] })
    const now = Math.floor(Date.now() / 1000)
    auth.revoke({ issuer: issuer.issuer, subject: 'alice', issuedUntil: now - 10 })
    assert.ok(await auth.authenticate(requestWith(await issuer.token())))
    const old = await issuer.token({ claims: { iat: now - 20 } })
    await assert.rejects(async () => auth.authenticate(requestWith(old)), /revoked/)
  })
})
