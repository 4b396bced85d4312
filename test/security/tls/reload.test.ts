/** Certificates and revocation lists that change while the server runs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import { serveHttp } from '../../../src/http.ts'
import { certificates, loadTls, watchFiles } from '../../../src/security.ts'
import { serveTcp } from '../../../src/tcp.ts'
import { localNames, startAuthority } from '../../support/authority.ts'
import { selfSigned } from '../../support/certificate.ts'
import { protectedServer } from '../../support/protected.ts'
import { folderWith, SecureClient, tlsConnection, trusting } from '../../support/secure.ts'

async function start(t: TestContext) {
  const authority = await startAuthority()
  const first = await authority.issue({ name: 'CN=localhost', names: localNames })
  const alice = await authority.issue({ name: 'CN=alice' })
  const { paths, write } = folderWith(t, {
    'cert.pem': first.cert,
    'key.pem': first.key,
    'ca.pem': authority.ca,
    'crl.pem': await authority.crl(),
  })
  const files = {
    cert: paths['cert.pem']!,
    key: paths['key.pem']!,
    ca: paths['ca.pem']!,
    crl: paths['crl.pem']!,
  }
  return { authority, first, alice, files, write }
}

suite('new certificates', () => {
  test('are shown to new connections, and the old ones go on', async (t) => {
    const { authority, alice, files, write } = await start(t)
    const { server } = protectedServer()
    const authenticate = certificates()
    const listener = await serveHttp(server, {
      port: 0,
      drainMs: 0,
      tls: await loadTls(files),
      authenticate,
    })
    t.after(() => listener.close())
    const before = new SecureClient(t, listener.port, trusting(authority, alice))
    assert.equal((await before.stateless('tools/list')).status, 200)
    const old = await tlsConnection(t, listener.port, trusting(authority, alice))

    const second = await authority.issue({ name: 'CN=localhost', names: localNames })
    write('cert.pem', second.cert)
    write('key.pem', second.key)
    listener.setTls(await loadTls(files))

    const fresh = await tlsConnection(t, listener.port, trusting(authority, alice))
    const serialOf = (socket: typeof fresh) =>
      Number.parseInt(socket.getPeerCertificate().serialNumber, 16)
    assert.equal(serialOf(fresh), Number.parseInt(second.certificate.serialNumber, 16))
    assert.notEqual(serialOf(old), serialOf(fresh))
    assert.equal((await before.stateless('tools/list')).status, 200)
    assert.equal(old.destroyed, false)
  })

  test('over TCP, too; and the versions of TLS stay as they were', async (t) => {
    const { authority, alice, files } = await start(t)
    const { server } = protectedServer()
    const tls = await loadTls(files)
    const listener = await serveTcp(server, { port: 0, drainMs: 0, tls })
    t.after(() => listener.close())
    const second = await authority.issue({ name: 'CN=localhost', names: localNames })
    listener.setTls({ cert: second.cert, key: second.key, ca: authority.ca })
    const socket = await tlsConnection(t, listener.port, trusting(authority, alice))
    assert.equal(socket.getProtocol(), 'TLSv1.3')
    const old = { ...trusting(authority, alice), maxVersion: 'TLSv1.2' as const }
    await assert.rejects(tlsConnection(t, listener.port, old))
  })

  test('a listener without TLS takes none', async (t) => {
    const { server } = protectedServer()
    const http = await serveHttp(server, { port: 0, drainMs: 0 })
    const tcp = await serveTcp(server, { port: 0, drainMs: 0 })
    t.after(() => Promise.all([http.close(), tcp.close()]))
    const { cert, key } = await selfSigned()
    assert.throws(() => http.setTls({ cert, key }), /does not speak TLS/)
    assert.throws(() => tcp.setTls({ cert, key }), /does not speak TLS/)
  })
})

suite('a list of revoked certificates', () => {
  test('keeps out those on it, from the next connection on, even one that resumes an old session', async (t) => {
    const { authority, alice, files, write } = await start(t)
    const { server, ran } = protectedServer()
    const bob = await authority.issue({ name: 'CN=bob' })
    const listener = await serveHttp(server, {
      port: 0,
      drainMs: 0,
      tls: await loadTls(files),
      authenticate: certificates(),
    })
    t.after(() => listener.close())
    const first = await tlsConnection(t, listener.port, trusting(authority, alice))
    const [session] = (await once(first, 'session')) as [Buffer]
    authority.revoke(alice)
    write('crl.pem', await authority.crl())
    listener.setTls(await loadTls(files))

    const bobs = new SecureClient(t, listener.port, trusting(authority, bob))
    assert.equal((await bobs.stateless('tools/call', { name: 'whoami' })).status, 200)
    for (const further of [{}, { session }]) {
      const options = { ...trusting(authority, alice), ...further }
      const again = new SecureClient(t, listener.port, options)
      await assert.rejects(again.stateless('tools/call', { name: 'whoami' }))
    }
    assert.deepEqual(ran, ['whoami'])
  })

  test('that is out of date keeps everybody out', async (t) => {
    const { authority, alice, files, write } = await start(t)
    write('crl.pem', await authority.crl(Date.now() - 1000))
    const listener = await serveHttp(protectedServer().server, {
      port: 0,
      drainMs: 0,
      tls: await loadTls(files),
      authenticate: certificates(),
    })
    t.after(() => listener.close())
    const client = new SecureClient(t, listener.port, trusting(authority, alice))
    await assert.rejects(client.stateless('tools/list'))
  })
})

suite('certificates from files', () => {
  test('are refused with the name of the file that is wrong', async (t) => {
    const { files, write } = await start(t)
    await assert.rejects(
      loadTls({ ...files, key: '/nowhere/key.pem' }),
      /tls\.key: .*\/nowhere\/key/,
    )
    const { cert, key } = files
    await assert.rejects(loadTls({ cert, key, crl: files.crl }), /without ca/)
    await assert.rejects(loadTls({ cert, key, clientCertificate: 'optional' }), /without ca/)
    const other = await selfSigned()
    await assert.rejects(
      loadTls({ ...files, key: write('other.pem', other.key) }),
      /tls: .*other\.pem/,
    )
    await assert.rejects(
      loadTls({ ...files, cert: write('empty.pem', '') }),
      /tls\.cert: .*empty\.pem/,
    )
    await assert.rejects(loadTls({ ...files, crl: write('bad.pem', 'x') }), /tls: .*bad\.pem/)
  })

  test('ask for certificates of clients as they are told', async (t) => {
    const { files } = await start(t)
    const { cert, key, ca } = files
    assert.equal((await loadTls({ cert, key })).requestCert, undefined)
    const required = await loadTls({ cert, key, ca })
    assert.deepEqual([required.requestCert, required.rejectUnauthorized], [true, true])
    const optional = await loadTls({ cert, key, ca, clientCertificate: 'optional' })
    assert.deepEqual([optional.requestCert, optional.rejectUnauthorized], [true, false])
    assert.equal(optional.minVersion, 'TLSv1.3')
  })

  test('with a key that has a passphrase', async (t) => {
    const { createPrivateKey } = await import('node:crypto')
    const { cert, key } = await selfSigned()
    const locked = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    })
    const { paths } = folderWith(t, { cert, key: String(locked), word: 'open sesame\n' })
    const files = { cert: paths.cert!, key: paths.key! }
    await assert.rejects(loadTls(files))
    const { passphrase } = await loadTls({ ...files, passphrase: paths.word! })
    assert.equal(passphrase, 'open sesame')
  })
})

suite('watched files', () => {
  test('are loaded anew when one has changed, and once more where that failed', async (t) => {
    const { paths, write } = folderWith(t, { a: '1', b: '1' })
    let failures = 1
    const loaded = Promise.withResolvers<void>()
    const failed = Promise.withResolvers<unknown>()
    let loads = 0
    const watch = watchFiles(
      Object.values(paths),
      async () => {
        loads += 1
        if (failures-- > 0) throw new Error('half written')
        loaded.resolve()
      },
      failed.resolve,
      10,
    )
    t.after(() => watch.close())
    await watch.reload()
    assert.match(String(await failed.promise), /half written/)
    assert.equal(loads, 1)
    write('b', 'another')
    await loaded.promise
    assert.equal(loads, 2)
  })

  test('are not loaded while they stay the same', async (t) => {
    const { paths } = folderWith(t, { a: '1' })
    let loads = 0
    let looks = 0
    const watch = watchFiles(
      [paths.a!],
      async () => void loads++,
      (error) => assert.fail(String(error)),
      5,
    )
    t.after(() => watch.close())
    const done = Promise.withResolvers<void>()
    const timer = setInterval(() => ++looks > 5 && done.resolve(), 5)
    await done.promise
    clearInterval(timer)
    assert.equal(loads, 0)
  })
})
