/** Clients that are known by their certificates, over HTTPS, WSS and TCP. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { suite, type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { serveHttp } from '../../../src/http.ts'
import { type CertificateOptions, certificates, firstOf, oauth } from '../../../src/security.ts'
import { serveTcp } from '../../../src/tcp.ts'
import { localNames, startAuthority } from '../../support/authority.ts'
import { bearer, startIssuer } from '../../support/issuer.ts'
import { initialize, type Message, request } from '../../support/messages.ts'
import { protectedServer } from '../../support/protected.ts'
import { SecureClient, tlsConnection, trusting } from '../../support/secure.ts'

async function start(t: TestContext, options: CertificateOptions = {}, optional = false) {
  const authority = await startAuthority()
  const { cert, key } = await authority.issue({ name: 'CN=localhost', names: localNames })
  const alice = await authority.issue({
    name: 'O=Example, CN=alice',
    names: [
      { type: 'url', value: 'spiffe://example/alice' },
      { type: 'dns', value: 'alice.example.com' },
      { type: 'email', value: 'alice@example.com' },
    ],
  })
  const fixture = protectedServer()
  const tls = { cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: !optional }
  const authenticate = certificates(options)
  const serve = async (further: object = {}) => {
    const listener = await serveHttp(fixture.server, {
      port: 0,
      drainMs: 0,
      tls: { ...tls, ...further },
      authenticate,
      webSocketPath: '/ws',
    })
    t.after(() => listener.close())
    return listener
  }
  return { ...fixture, authority, alice, tls, authenticate, serve }
}

suite('a certificate over HTTPS', () => {
  const names = [
    ['subject', 'CN=alice,O=Example'],
    ['common-name', 'alice'],
    ['uri', 'spiffe://example/alice'],
    ['dns', 'alice.example.com'],
    ['email', 'alice@example.com'],
  ] as const
  for (const [by, name] of names) {
    test(`says by its ${by} who calls`, async (t) => {
      const { serve, authority, alice, callers } = await start(t, { by, scopes: ['files:read'] })
      const listener = await serve()
      assert.match(listener.url, /^https:/)
      const client = new SecureClient(t, listener.port, trusting(authority, alice))
      const { status } = await client.stateless('tools/call', { name: 'whoami' })
      assert.equal(status, 200)
      const [caller] = callers
      assert.equal(caller?.subject, name)
      assert.equal(caller.issuer, 'x509')
      assert.deepEqual(caller.scopes, ['files:read'])
      assert.equal(caller.certificate?.subject, 'CN=alice,O=Example')
      assert.ok(caller.certificate.altNames.includes('URI:spiffe://example/alice'))
      assert.equal(caller.expiresAt, caller.certificate.expiresAt)
    })
  }

  test('is mapped to an identity and its scopes, and one that nobody has listed is refused', async (t) => {
    const { serve, authority, alice, callers } = await start(t, {
      by: 'uri',
      identities: {
        'spiffe://example/alice': { subject: 'alice', scopes: ['files:read', 'files:write'] },
      },
    })
    const { port } = await serve()
    const mallory = await authority.issue({
      name: 'CN=alice',
      names: [{ type: 'url', value: 'spiffe://example/mallory' }],
    })
    const good = new SecureClient(t, port, trusting(authority, alice))
    assert.equal((await good.stateless('tools/call', { name: 'write' })).status, 200)
    assert.equal(callers[0]?.subject, 'alice')
    const bad = new SecureClient(t, port, trusting(authority, mallory))
    const refused = await bad.stateless('tools/call', { name: 'whoami' })
    assert.equal(refused.status, 401)
    assert.equal(callers.length, 1)
  })

  test("with two names of the kind that counts is nobody's", async (t) => {
    const { serve, authority } = await start(t, { by: 'dns' })
    const two = await authority.issue({
      name: 'CN=x',
      names: [
        { type: 'dns', value: 'a.example.com' },
        { type: 'dns', value: 'b.example.com' },
      ],
    })
    const client = new SecureClient(t, (await serve()).port, trusting(authority, two))
    assert.equal((await client.stateless('tools/list')).status, 401)
  })

  test('whose name holds the separators of names is not taken for another', async (t) => {
    const { serve, authority, callers } = await start(t, { by: 'uri' })
    const value = 'spiffe://example/x, URI:spiffe://example/alice'
    const forged = await authority.issue({ name: 'CN=x', names: [{ type: 'url', value }] })
    const client = new SecureClient(t, (await serve()).port, trusting(authority, forged))
    assert.equal((await client.stateless('tools/call', { name: 'whoami' })).status, 200)
    assert.equal(callers[0]?.subject, value)
  })

  test('of another authority, an expired one, or none is cut off', async (t) => {
    const { serve, authority, ran } = await start(t)
    const { port } = await serve()
    const stranger = await (await startAuthority('CN=Other')).issue({ name: 'CN=alice' })
    const namesake = await (await startAuthority()).issue({ name: 'CN=alice' })
    const expired = await authority.issue({ name: 'CN=alice', notAfterMs: Date.now() - 1000 })
    for (const certificate of [stranger, namesake, expired, undefined]) {
      const client = new SecureClient(t, port, trusting(authority, certificate))
      await assert.rejects(client.stateless('tools/call', { name: 'whoami' }))
    }
    assert.deepEqual(ran, [])
  })

  test('that is not required may be missing, and must not be bad', async (t) => {
    const { serve, authority, alice, ran } = await start(t, {}, true)
    const { port } = await serve()
    const none = new SecureClient(t, port, trusting(authority))
    assert.equal((await none.stateless('tools/call', { name: 'whoami' })).status, 401)
    const good = new SecureClient(t, port, trusting(authority, alice))
    assert.equal((await good.stateless('tools/call', { name: 'whoami' })).status, 200)
    const stranger = await (await startAuthority('CN=Other')).issue({ name: 'CN=alice' })
    const bad = new SecureClient(t, port, trusting(authority, stranger))
    await assert.rejects(bad.stateless('tools/call', { name: 'whoami' }))
    assert.deepEqual(ran, ['whoami'])
  })

  test('TLS 1.2 is refused unless the operator has chosen it', async (t) => {
    const { serve, authority, alice } = await start(t)
    const old = { ...trusting(authority, alice), maxVersion: 'TLSv1.2' as const }
    const { port } = await serve()
    await assert.rejects(
      new SecureClient(t, port, old).stateless('tools/list'),
      /protocol version/i,
    )
    const lenient = await serve({ minVersion: 'TLSv1.2' })
    const client = new SecureClient(t, lenient.port, old)
    assert.equal((await client.stateless('tools/list')).status, 200)
  })
})

suite('a certificate over WSS', () => {
  test('26.auth.002: says who has opened the connection', async (t) => {
    const { serve, authority, alice, callers } = await start(t, { by: 'common-name' })
    const { port } = await serve()
    const options = { ...trusting(authority, alice), servername: 'localhost' }
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, ['mcp'], options)
    await once(socket, 'open')
    socket.send(JSON.stringify(initialize('2025-11-25')))
    await once(socket, 'message')
    socket.send(JSON.stringify(request('tools/call', { name: 'whoami' }, 2)))
    await once(socket, 'message')
    assert.equal(callers[0]?.subject, 'alice')
    socket.terminate()
  })
})

suite('a certificate over TCP', () => {
  async function serveSecureTcp(t: TestContext, options: CertificateOptions) {
    const fixture = await start(t, options, true)
    const { server, tls, authenticate } = fixture
    const listener = await serveTcp(server, { port: 0, drainMs: 0, tls, authenticate })
    t.after(() => listener.close())
    return { ...fixture, listener }
  }

  test('26.auth.002 26.security.037: says who is at the other end', async (t) => {
    const { listener, authority, alice, callers } = await serveSecureTcp(t, { by: 'common-name' })
    const socket = await tlsConnection(t, listener.port, trusting(authority, alice))
    const lines = createInterface(socket)[Symbol.asyncIterator]()
    // Sent before anyone knows who it is; nothing of it is lost.
    socket.write(`${JSON.stringify(initialize('2025-11-25'))}\n`)
    socket.write(`${JSON.stringify(request('tools/call', { name: 'whoami' }, 2))}\n`)
    assert.equal((JSON.parse(String((await lines.next()).value)) as Message).id, 0)
    assert.equal((JSON.parse(String((await lines.next()).value)) as Message).id, 2)
    assert.equal(callers[0]?.subject, 'alice')
  })

  test('26.auth.002: without one the connection is refused and closed', async (t) => {
    const { listener, authority, ran } = await serveSecureTcp(t, {})
    const socket = await tlsConnection(t, listener.port, trusting(authority))
    socket.write(`${JSON.stringify(initialize('2025-11-25'))}\n`)
    const lines: string[] = []
    for await (const line of createInterface(socket)) lines.push(line)
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /Authentication required/)
    assert.deepEqual(ran, [])
  })

  test('one that is revoked while it is open ends the connection', async (t) => {
    const { server, tls, authority, alice } = await start(t)
    let isGood = true
    const listener = await serveTcp(server, {
      port: 0,
      drainMs: 0,
      tls,
      authenticate: { ...certificates(), isCurrent: () => isGood },
    })
    t.after(() => listener.close())
    const socket = await tlsConnection(t, listener.port, trusting(authority, alice))
    socket.on('error', () => {})
    socket.write(`${JSON.stringify(initialize('2025-11-25'))}\n`)
    await once(socket, 'data')
    isGood = false
    await once(socket, 'close')
  })
})

suite('a token that is bound to a certificate', () => {
  async function startBound(t: TestContext, options: object = {}) {
    const { server, tls, authority, alice, ran } = await start(t, {}, true)
    const issuer = await startIssuer(t)
    const auth = oauth({ resource: issuer.resource, issuers: [issuer.issuer], ...options })
    const listener = await serveHttp(server, { port: 0, drainMs: 0, tls, authenticate: auth })
    t.after(() => listener.close())
    const { createHash } = await import('node:crypto')
    const der = Buffer.from(alice.certificate.rawData)
    const thumbprint = createHash('sha256').update(der).digest('base64url')
    const token = await issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint } } })
    const statusWith = async (certificate: typeof alice | undefined, given = token) => {
      const client = new SecureClient(t, listener.port, trusting(authority, certificate))
      return (await client.stateless('tools/call', { name: 'whoami' }, bearer(given))).status
    }
    return { authority, alice, issuer, statusWith, ran }
  }

  test('is of no use to who has stolen it, with another certificate or none (stolen mTLS-bound token)', async (t) => {
    const { authority, alice, statusWith, ran } = await startBound(t)
    const thief = await authority.issue({ name: 'O=Example, CN=alice' })
    assert.equal(await statusWith(thief), 401)
    assert.equal(await statusWith(undefined), 401)
    assert.deepEqual(ran, [])
    assert.equal(await statusWith(alice), 200)
    // Also when the token is known by now.
    assert.equal(await statusWith(thief), 401)
    assert.deepEqual(ran, ['whoami'])
  })

  test('is the only kind that is accepted where that is asked for', async (t) => {
    const { alice, issuer, statusWith } = await startBound(t, { requireBinding: 'certificate' })
    assert.equal(await statusWith(alice), 200)
    assert.equal(await statusWith(alice, await issuer.token()), 401)
  })
})

suite('a token or a certificate', () => {
  test('either lets in, and a bad token is not helped by a good certificate', async (t) => {
    const { server, tls, authority, alice, authenticate, callers } = await start(t, {}, true)
    const issuer = await startIssuer(t)
    const auth = oauth({ resource: issuer.resource, issuers: [issuer.issuer] })
    const listener = await serveHttp(server, {
      port: 0,
      drainMs: 0,
      tls,
      authenticate: firstOf(auth, authenticate),
    })
    t.after(() => listener.close())
    const withCertificate = new SecureClient(t, listener.port, trusting(authority, alice))
    const without = new SecureClient(t, listener.port, trusting(authority))
    const call = { name: 'whoami' }
    assert.equal((await withCertificate.stateless('tools/call', call)).status, 200)
    const token = bearer(await issuer.token())
    assert.equal((await without.stateless('tools/call', call, token)).status, 200)
    assert.deepEqual(
      callers.map((caller) => caller?.subject),
      ['CN=alice,O=Example', 'alice'],
    )
    const bad = await withCertificate.stateless('tools/call', call, bearer('nonsense'))
    assert.equal(bad.status, 401)
    const none = await without.stateless('tools/call', call)
    assert.equal(none.status, 401)
    assert.match(String(none.headers['www-authenticate']), /^Bearer resource_metadata=/)
    // What lets a connection in is asked of both.
    const found = await auth.authenticate({
      method: 'POST',
      target: '/mcp',
      remoteAddress: undefined,
      certificate: undefined,
      getHeader: () => token.authorization,
    })
    assert.ok(found)
    auth.revoke({ issuer: issuer.issuer, subject: 'alice' })
    assert.equal(firstOf(auth, authenticate).isCurrent?.(found, Date.now()), false)
  })
})
