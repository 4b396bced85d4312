/** Tokens that are bound to a key: who has stolen the token alone cannot use it (RFC 9449). */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import { serveHttp } from '../../../src/http.ts'
import { oauth } from '../../../src/security.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { HttpClient } from '../../support/http.ts'
import { type SigningKey, signingKey, startIssuer } from '../../support/issuer.ts'
import { protectedServer, readChallenge, startProtected } from '../../support/protected.ts'

const resource = 'https://mcp.example.com/mcp'

interface ProofParts {
  token: string
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  without?: string
}

async function proofOf(key: SigningKey, { token, claims, header, without }: ProofParts) {
  const { kty, crv, x, y } = key.jwk as Record<string, string>
  const all: Record<string, unknown> = {
    jti: randomUUID(),
    htm: 'POST',
    htu: resource,
    iat: Math.floor(Date.now() / 1000),
    ath: createHash('sha256').update(token).digest('base64url'),
    ...claims,
  }
  if (without !== undefined) delete all[without]
  return new SignJWT(all)
    .setProtectedHeader({
      typ: 'dpop+jwt',
      alg: key.alg,
      jwk: { kty, crv, x, y } as never,
      ...header,
    })
    .sign(key.privateKey)
}

async function boundTo(key: SigningKey) {
  return { cnf: { jkt: await calculateJwkThumbprint(key.jwk) } }
}

suite('a token that is bound to a key', () => {
  test('lets in who proves to have the key, for each request anew', async (t) => {
    const { http, issuer } = await startProtected(t, { dpop: {} })
    const key = await signingKey('client')
    const token = await issuer.token({ claims: await boundTo(key) })
    for (let index = 0; index < 3; index++) {
      const headers = { authorization: `DPoP ${token}`, dpop: await proofOf(key, { token }) }
      assert.equal((await http.stateless('tools/list', {}, { headers })).status, 200)
    }
  })

  test('lets in through another path of the same server, and not under another name', async (t) => {
    const { http, issuer } = await startProtected(t)
    const key = await signingKey('client')
    const token = await issuer.token({ claims: await boundTo(key) })
    const statusFor = async (htu: string): Promise<number> => {
      const dpop = await proofOf(key, { token, claims: { htu } })
      const headers = { authorization: `DPoP ${token}`, dpop }
      const post = { headers, body: {}, path: '/json-rpc?x=1' }
      return (await http.send(post)).status
    }
    // Inside, an empty message is no message.
    assert.equal(await statusFor('https://mcp.example.com/json-rpc'), 400)
    assert.equal(await statusFor('HTTPS://MCP.example.com/json-rpc?y=2#z'), 400)
    assert.equal(await statusFor(resource), 400)
    assert.equal(await statusFor('https://mcp.example.com/other'), 401)
    assert.equal(await statusFor('https://evil.example.com/json-rpc'), 401)
  })

  test('is refused when its proof is used again (DPoP replay)', async (t) => {
    const { http, issuer } = await startProtected(t, { dpop: {} })
    const key = await signingKey('client')
    const token = await issuer.token({ claims: await boundTo(key) })
    const headers = { authorization: `DPoP ${token}`, dpop: await proofOf(key, { token }) }
    assert.equal((await http.stateless('tools/list', {}, { headers })).status, 200)
    const replayed = await http.stateless('tools/list', {}, { headers })
    assert.equal(replayed.status, 401)
    assert.match(replayed.text, /used before/)
    const { DPoP } = readChallenge(replayed.headers['www-authenticate'])
    assert.equal(DPoP?.error, 'invalid_dpop_proof')
  })

  test('is refused without a proof, and as a bearer token', async (t) => {
    const { http, issuer } = await startProtected(t)
    const key = await signingKey('client')
    const token = await issuer.token({ claims: await boundTo(key) })
    const dpop = await proofOf(key, { token })
    for (const headers of [
      { authorization: `DPoP ${token}` },
      { authorization: `Bearer ${token}` },
      { authorization: `Bearer ${token}`, dpop },
    ]) {
      assert.equal((await http.stateless('tools/list', {}, { headers })).status, 401)
    }
    const unbound = await issuer.token()
    const headers = {
      authorization: `DPoP ${unbound}`,
      dpop: await proofOf(key, { token: unbound }),
    }
    assert.equal((await http.stateless('tools/list', {}, { headers })).status, 401)
  })

  const now = Math.floor(Date.now() / 1000)
  const bad: (Omit<ProofParts, 'token'> & { name: string })[] = [
    { name: 'for another method', claims: { htm: 'GET' } },
    { name: 'for another server', claims: { htu: 'https://other.example.com/mcp' } },
    { name: 'for another token', claims: { ath: 'x' } },
    { name: 'that is too old', claims: { iat: now - 3600 } },
    { name: 'from the future', claims: { iat: now + 3600 } },
    { name: 'without a time', without: 'iat' },
    { name: 'without an id', without: 'jti' },
    { name: 'with an id that is no text', claims: { jti: 7 } },
    { name: 'with an id that is too long', claims: { jti: 'x'.repeat(300) } },
    { name: 'without the hash of the token', without: 'ath' },
    { name: 'that is another kind of token', header: { typ: 'JWT' } },
    { name: 'without its key', header: { jwk: undefined } },
    { name: 'that names another key than it is signed with', header: { jwk: 'other' } },
    { name: 'that gives the private key away', header: { jwk: 'private' } },
  ]
  for (const { name, header, ...parts } of bad) {
    test(`is refused with a proof ${name}`, async (t) => {
      const { http, issuer } = await startProtected(t)
      const key = await signingKey('client')
      const token = await issuer.token({ claims: await boundTo(key) })
      const other = (await signingKey('other')).jwk
      const jwks = { other: { jwk: other }, private: { jwk: { ...key.jwk, d: 'AAAA' } } }
      const replaced = header && (jwks[header.jwk as keyof typeof jwks] ?? header)
      const dpop = await proofOf(key, { token, ...parts, ...(replaced && { header: replaced }) })
      const headers = { authorization: `DPoP ${token}`, dpop }
      const answer = await http.stateless('tools/list', {}, { headers })
      assert.equal(answer.status, 401)
      assert.match(String(answer.headers['www-authenticate']), /invalid_dpop_proof/)
    })
  }

  test('is refused with a good proof of another key', async (t) => {
    const { http, issuer } = await startProtected(t)
    const [mine, stolen] = [await signingKey('mine'), await signingKey('client')]
    const token = await issuer.token({ claims: await boundTo(stolen) })
    const headers = { authorization: `DPoP ${token}`, dpop: await proofOf(mine, { token }) }
    assert.equal((await http.stateless('tools/list', {}, { headers })).status, 401)
  })

  test('needs a nonce of ours where that is asked for, and is told which', async (t) => {
    const { http, issuer } = await startProtected(t, { dpop: { nonce: true } })
    const key = await signingKey('client')
    const token = await issuer.token({ claims: await boundTo(key) })
    const send = async (claims: Record<string, unknown>) => {
      const dpop = await proofOf(key, { token, claims })
      return http.stateless('tools/list', {}, { headers: { authorization: `DPoP ${token}`, dpop } })
    }
    for (const claims of [{}, { nonce: 'mine' }, { nonce: 7 }]) {
      const refused = await send(claims)
      assert.equal(refused.status, 401)
      const { Bearer, DPoP } = readChallenge(refused.headers['www-authenticate'])
      assert.equal(DPoP?.error, 'use_dpop_nonce')
      assert.equal(Bearer?.error, undefined)
      const nonce = refused.headers['dpop-nonce']
      assert.equal((await send({ nonce })).status, 200)
    }
  })

  test('is the only kind that is accepted where that is asked for', async (t) => {
    const { http, issuer } = await startProtected(t, { requireBinding: 'dpop' })
    const headers = { authorization: `Bearer ${await issuer.token()}` }
    const answer = await http.stateless('tools/list', {}, { headers })
    assert.equal(answer.status, 401)
    const challenge = readChallenge(answer.headers['www-authenticate'])
    assert.deepEqual(Object.keys(challenge), ['DPoP'])
    assert.match(challenge.DPoP?.algs ?? '', /ES256/)
  })
})

suite('proofs and nonces of several processes that serve the same data', () => {
  test('are good with each, once', async (t) => {
    const data = temporaryFolder(t)
    const issuer = await startIssuer(t)
    const clients = []
    for (let index = 0; index < 2; index++) {
      const auth = oauth({ resource, issuers: [issuer.issuer], dpop: { nonce: true } })
      const { server } = protectedServer()
      const listener = await serveHttp(server, { port: 0, drainMs: 0, authenticate: auth, data })
      t.after(() => listener.close())
      clients.push(new HttpClient(t, listener.port))
    }
    const [one, two] = clients as [HttpClient, HttpClient]
    const key = await signingKey('client')
    const token = await issuer.token({ claims: await boundTo(key) })
    const send = async (client: HttpClient, dpop: string) =>
      client.stateless('tools/list', {}, { headers: { authorization: `DPoP ${token}`, dpop } })
    const asked = await send(one, await proofOf(key, { token }))
    const nonce = asked.headers['dpop-nonce']
    assert.ok(nonce)
    const proof = await proofOf(key, { token, claims: { nonce } })
    const answers = await Promise.all([one, two, one, two].map((client) => send(client, proof)))
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 401, 401, 401])
    for (const client of [one, two]) {
      const fresh = await proofOf(key, { token, claims: { nonce } })
      assert.equal((await send(client, fresh)).status, 200)
    }
  })
})
