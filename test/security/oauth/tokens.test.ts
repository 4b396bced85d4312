/** Tokens that must not open the door, and those that must. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { suite, test } from 'node:test'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose'
import { oauth } from '../../../src/security.ts'
import type { HttpClient } from '../../support/http.ts'
import { bearer, signingKey, startIssuer } from '../../support/issuer.ts'
import { type Protected, readChallenge, startProtected } from '../../support/protected.ts'

const resource = 'https://mcp.example.com/mcp'

async function call(http: HttpClient, token: string) {
  return http.stateless('tools/call', { name: 'whoami' }, { headers: bearer(token) })
}

/** The token is refused as the specification says, and nothing has run. */
async function assertInvalid({ http, ran }: Protected, token: string): Promise<void> {
  const answer = await call(http, token)
  assert.equal(answer.status, 401, answer.text)
  const { Bearer } = readChallenge(answer.headers['www-authenticate'])
  assert.equal(Bearer?.error, 'invalid_token')
  assert.ok(Bearer?.error_description)
  assert.deepEqual(ran, [])
}

suite('a token that is good', () => {
  test('26.auth.045 25.auth.016: lets the request in, and the handler knows who calls', async (t) => {
    const { http, issuer, callers } = await startProtected(t)
    const answer = await call(http, await issuer.token({ claims: { scope: 'mcp files:read' } }))
    assert.equal(answer.status, 200)
    const [caller] = callers
    assert.equal(caller?.subject, 'alice')
    assert.equal(caller.issuer, issuer.issuer)
    assert.equal(caller.clientId, 'desktop')
    assert.deepEqual(caller.scopes, ['mcp', 'files:read'])
    assert.equal(typeof caller.expiresAt, 'number')
    assert.equal(typeof caller.claims?.jti, 'string')
  })

  for (const alg of ['RS256', 'PS256', 'ES384', 'EdDSA']) {
    test(`may be signed with ${alg}`, async (t) => {
      const { http, issuer } = await startProtected(t, { alg })
      assert.equal((await call(http, await issuer.token())).status, 200)
    })
  }

  test('may be of any of several issuers', async (t) => {
    const other = await startIssuer(t)
    const one = await startIssuer(t)
    const { http, callers } = await startProtected(t, { issuers: [one.issuer, other.issuer] })
    for (const issuer of [one, other]) {
      assert.equal((await call(http, await issuer.token())).status, 200)
    }
    assert.deepEqual(
      callers.map((caller) => caller?.issuer),
      [one.issuer, other.issuer],
    )
  })

  test('may lack what RFC 9068 asks for, where the operator says so', async (t) => {
    const issuer = await startIssuer(t)
    const { http } = await startProtected(t, {
      issuers: [{ issuer: issuer.issuer, tokenType: 'any' }],
    })
    const token = await issuer.token({ header: { typ: 'JWT' }, without: ['client_id', 'jti'] })
    assert.equal((await call(http, token)).status, 200)
  })

  test('within the tolerance of clocks is neither expired nor early', async (t) => {
    const { http, issuer } = await startProtected(t, { clockToleranceSeconds: 60 })
    const now = Math.floor(Date.now() / 1000)
    assert.equal((await call(http, await issuer.token({ claims: { exp: now - 30 } }))).status, 200)
    assert.equal((await call(http, await issuer.token({ claims: { nbf: now + 30 } }))).status, 200)
  })
})

suite('a token is refused', () => {
  const now = Math.floor(Date.now() / 1000)
  const attacks = [
    {
      name: '26.auth.046 26.auth.050 26.auth.146 26.security.028 25.auth.017 25.auth.019 25.auth.028 25.security.003: that is for another server',
      claims: { aud: 'https://other.example.com/mcp' },
    },
    {
      name: '26.auth.050 25.auth.019: that is for a resource beside this one',
      claims: { aud: 'https://mcp.example.com/other' },
    },
    {
      name: 'that is for the whole host',
      claims: { aud: 'https://mcp.example.com' },
    },
    {
      name: '26.auth.051 25.auth.020: that is for this server and another, which could use it here',
      claims: { aud: [resource, 'https://other.example.com/mcp'] },
    },
    { name: '26.auth.146: that is for nobody', without: ['aud'] },
    { name: 'that is for an empty list', claims: { aud: [] } },
    {
      name: 'of another issuer, even signed with a key that this one has',
      claims: { iss: 'https://evil.example.com' },
    },
    { name: 'of an issuer with a slash more', issuerSuffix: '/' },
    {
      name: '26.auth.047 26.auth.048 25.auth.018: that has expired',
      claims: { exp: now - 3600, iat: now - 7200 },
    },
    { name: 'that is not valid yet', claims: { nbf: now + 3600 } },
    { name: 'that never expires', without: ['exp'] },
    { name: 'that names no subject', without: ['sub'] },
    { name: 'without a client, which RFC 9068 asks for', without: ['client_id'] },
    { name: 'without an id, which RFC 9068 asks for', without: ['jti'] },
    { name: 'that is an ID token', header: { typ: 'JWT' } },
    { name: 'that is bound to something unknown', claims: { cnf: { kid: 'x' } } },
    { name: 'that is bound to nonsense', claims: { cnf: 'x' } },
    {
      name: 'that is bound to a certificate, over plain HTTP',
      claims: { cnf: { 'x5t#S256': 'x' } },
    },
  ]
  for (const { name, claims = {}, issuerSuffix, ...parts } of attacks) {
    test(name, async (t) => {
      const server = await startProtected(t)
      const iss = issuerSuffix && { iss: server.issuer.issuer + issuerSuffix }
      const token = await server.issuer.token({ claims: { ...claims, ...iss }, ...parts })
      await assertInvalid(server, token)
    })
  }

  test('that one issuer has signed in the name of another', async (t) => {
    const other = await startIssuer(t)
    const one = await startIssuer(t)
    const server = await startProtected(t, { issuers: [one.issuer, other.issuer] })
    await assertInvalid(server, await one.token({ key: other.key }))
    await assertInvalid(server, await other.token({ claims: { iss: one.issuer } }))
  })

  test('that is not signed (alg none)', async (t) => {
    const server = await startProtected(t)
    const [, payload] = (await server.issuer.token()).split('.')
    for (const alg of ['none', 'None', 'NONE']) {
      const header = { alg, typ: 'at+jwt' }
      await assertInvalid(server, `${base64(header)}.${payload}.`)
      await assertInvalid(server, `${base64({ ...header, kid: 'first' })}.${payload}.AAAA`)
    }
  })

  test('whose signature is the public key used as a secret (HS/RS confusion)', async (t) => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    const server = await startProtected(t, { alg: 'RS256' })
    const [, payload] = (await server.issuer.token()).split('.')
    const published = (await importJWK(server.issuer.key.jwk)) as CryptoKey
    const secrets = [
      await exportSPKI(published),
      JSON.stringify(server.issuer.key.jwk),
      String((await exportJWK(published)).n),
      await exportSPKI(publicKey),
    ]
    for (const secret of secrets) {
      const head = `${base64({ alg: 'HS256', typ: 'at+jwt', kid: 'first' })}.${payload}`
      const signature = createHmac('sha256', secret).update(head).digest('base64url')
      await assertInvalid(server, `${head}.${signature}`)
    }
  })

  test('that is signed with a secret which the issuer has put among its keys', async (t) => {
    const server = await startProtected(t)
    const secret = Buffer.from('a shared secret of thirty-two by')
    const k = secret.toString('base64url')
    const published = { ...server.issuer.key, jwk: { kty: 'oct', k, kid: 'shared', alg: 'HS256' } }
    server.issuer.keys = [published as typeof server.issuer.key]
    const [, payload] = (await server.issuer.token()).split('.')
    const head = `${base64({ alg: 'HS256', typ: 'at+jwt', kid: 'shared' })}.${payload}`
    const signature = createHmac('sha256', secret).update(head).digest('base64url')
    await assertInvalid(server, `${head}.${signature}`)
  })

  test('that brings the key to check it with: in the token, by URL, or by the path of a file (kid injection)', async (t) => {
    const server = await startProtected(t)
    const evil = await startIssuer(t)
    const mine = await signingKey('first')
    for (const header of [
      { jwk: mine.jwk },
      { jku: `${evil.issuer}/jwks` },
      { x5u: `${evil.issuer}/jwks` },
      { kid: '../../../../dev/null' },
      { kid: `${evil.issuer}/jwks` },
      { kid: "x' UNION SELECT 'k" },
      { kid: '__proto__' },
      { kid: '' },
      { crit: ['b64'], b64: true },
    ]) {
      await assertInvalid(server, await server.issuer.token({ key: mine, header }))
    }
    assert.deepEqual(evil.asked, [])
  })

  test('with a signature of another token, or cut short', async (t) => {
    const server = await startProtected(t)
    const token = await server.issuer.token()
    const [head, payload] = token.split('.')
    const [, , signature] = (await server.issuer.token({ claims: { sub: 'bob' } })).split('.')
    await assertInvalid(server, `${head}.${payload}.${signature}`)
    await assertInvalid(server, token.slice(0, -10))
    await assertInvalid(server, `${head}.${payload}.`)
    await assertInvalid(server, 'opaque')
    await assertInvalid(server, 'a.b.c')
  })
})

suite('the options', () => {
  for (const algorithms of [['none'], ['HS256'], ['RS256', 'HS512'], [], ['RSA1_5']]) {
    test(`do not allow the algorithms [${algorithms}]`, () => {
      const issuers = [{ issuer: 'https://login.example.com', algorithms }]
      assert.throws(() => oauth({ resource, issuers }), RangeError)
    })
  }

  test('narrow the algorithms down', async (t) => {
    const issuer = await startIssuer(t)
    const { http } = await startProtected(t, {
      issuers: [{ issuer: issuer.issuer, algorithms: ['RS256'] }],
    })
    assert.equal((await call(http, await issuer.token())).status, 401)
  })

  test('name another audience where an issuer cannot use the URI', async (t) => {
    const issuer = await startIssuer(t)
    const { http } = await startProtected(t, {
      issuers: [{ issuer: issuer.issuer, audience: 'api://vault' }],
    })
    const token = await issuer.token({ claims: { aud: 'api://vault' } })
    assert.equal((await call(http, token)).status, 200)
    assert.equal((await call(http, await issuer.token())).status, 401)
  })
})

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
