/** `tsmcp serve` behind OAuth and TLS, as its settings say. */
import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openAccess } from '../../src/cli/access-options.ts'
import { listen } from '../../src/cli/listen.ts'
import { resolveSettings, serveSettings } from '../../src/cli/settings.ts'
import { localNames, startAuthority } from '../support/authority.ts'
import { HttpClient } from '../support/http.ts'
import { bearer, startIssuer } from '../support/issuer.ts'
import { protectedServer } from '../support/protected.ts'
import { folderWith, SecureClient, trusting } from '../support/secure.ts'

const place = { env: {}, cwd: '/' }
const resource = 'https://mcp.example.com/mcp'

function valuesOf(env: Record<string, string>) {
  const named = Object.entries(env).map(([name, value]) => [`TSMCP_${name}`, value])
  return resolveSettings(serveSettings, { flags: {}, env: Object.fromEntries(named) })
}

async function serve(t: TestContext, env: Record<string, string>, secrets = {}) {
  const fixture = protectedServer()
  const values = valuesOf({ PORT: '0', DRAIN_MS: '0', ...env })
  const listeners = await listen(fixture.server, values, 'server.ts', { ...place, env: secrets })
  t.after(() => listeners.close())
  return { ...fixture, ...listeners, port: Number(new URL(listeners.url).port) }
}

async function tlsFolder(t: TestContext) {
  const authority = await startAuthority()
  const { cert, key } = await authority.issue({ name: 'CN=localhost', names: localNames })
  const { paths, write } = folderWith(t, {
    cert,
    key,
    ca: authority.ca,
    crl: await authority.crl(),
    secret: 's:ecret\n',
    revoked: '[]',
  })
  return {
    authority,
    paths: paths as Record<'cert' | 'key' | 'ca' | 'crl' | 'secret' | 'revoked', string>,
    write,
  }
}

suite('serve with --auth settings', () => {
  test('26.security.040: lets in who has a token for it, and says to others where to get one', async (t) => {
    const issuer = await startIssuer(t)
    const { port, callers } = await serve(t, {
      AUTH_ISSUERS: issuer.issuer,
      AUTH_RESOURCE: resource,
      AUTH_SCOPES: 'mcp',
    })
    const http = new HttpClient(t, port)
    const refused = await http.stateless('tools/list')
    assert.equal(refused.status, 401)
    assert.match(String(refused.headers['www-authenticate']), /scope="mcp"/)
    const headers = bearer(await issuer.token())
    const answer = await http.stateless('tools/call', { name: 'whoami' }, { headers })
    assert.equal(answer.status, 200)
    assert.equal(callers[0]?.subject, 'alice')
  })

  test('asks the issuer about opaque tokens, with a secret from where secrets belong', async (t) => {
    const { paths } = await tlsFolder(t)
    const { paths: credentials } = folderWith(t, { 'tsmcp-auth-client-secret': 's:ecret' })
    const folder = dirname(credentials['tsmcp-auth-client-secret'] ?? '')
    for (const [settings, secrets] of [
      [{ AUTH_CLIENT_SECRET_FILE: paths.secret }, {}],
      [{}, { TSMCP_AUTH_CLIENT_SECRET: 's:ecret' }],
      [{}, { CREDENTIALS_DIRECTORY: folder }],
    ] as const) {
      const issuer = await startIssuer(t)
      const { port } = await serve(
        t,
        {
          AUTH_ISSUERS: issuer.issuer,
          AUTH_RESOURCE: resource,
          AUTH_CLIENT_ID: 'mcp server',
          ...settings,
        },
        secrets,
      )
      const exp = Math.floor(Date.now() / 1000) + 60
      issuer.opaque.set('good', { sub: 'alice', aud: resource, exp })
      const http = new HttpClient(t, port)
      const answer = await http.stateless('tools/list', {}, { headers: bearer('good') })
      assert.equal(answer.status, 200)
    }
  })

  test('takes a client secret from one place only, and names both', async (t) => {
    const { paths } = await tlsFolder(t)
    await assert.rejects(
      serve(t, { AUTH_CLIENT_SECRET_FILE: paths.secret }, { TSMCP_AUTH_CLIENT_SECRET: 'other' }),
      /TSMCP_AUTH_CLIENT_SECRET and TSMCP_AUTH_CLIENT_SECRET_FILE are given both/,
    )
  })

  test('refuses what is on the list of revoked tokens, from when the file says so', async (t) => {
    const issuer = await startIssuer(t)
    const { paths, write } = await tlsFolder(t)
    const security = await openAccess(
      valuesOf({
        AUTH_ISSUERS: issuer.issuer,
        AUTH_RESOURCE: resource,
        AUTH_REVOKED_FILE: paths.revoked,
      }),
      undefined,
      '/',
    )
    const stop = security.watch(() => {}, 10)
    t.after(stop)
    const authorization = `Bearer ${await issuer.token({ claims: { jti: 'lost' } })}`
    const request = {
      method: 'POST',
      target: '/mcp',
      remoteAddress: undefined,
      certificate: undefined,
      getHeader: () => authorization,
    }
    const ask = async () => security.authenticate?.authenticate(request)
    assert.ok(await ask())
    write('revoked', JSON.stringify([{ issuer: issuer.issuer, tokenId: 'lost' }]))
    for (;;) {
      try {
        await ask()
      } catch (error) {
        assert.match(String(error), /revoked/)
        break
      }
      await setTimeout(10)
    }
  })
})

suite('serve with --tls settings', () => {
  test('speaks HTTPS, WSS and TLS, and knows clients by their certificates', async (t) => {
    const { authority, paths } = await tlsFolder(t)
    const { url, others, port, callers } = await serve(t, {
      TLS_CERT: paths.cert,
      TLS_KEY: paths.key,
      TLS_CA: paths.ca,
      TLS_CRL: paths.crl,
      TLS_CLIENT_NAME: 'common-name',
      WS: '/ws',
      SSE: 'true',
      TCP: ':0',
    })
    assert.match(url, /^https:/)
    assert.match(others.WebSocket ?? '', /^wss:/)
    assert.match(others.SSE ?? '', /^https:/)
    assert.match(others.TCP ?? '', /^tls:/)
    const alice = await authority.issue({ name: 'CN=alice' })
    const client = new SecureClient(t, port, trusting(authority, alice))
    assert.equal((await client.stateless('tools/call', { name: 'whoami' })).status, 200)
    assert.equal(callers[0]?.subject, 'alice')
    const nobody = new SecureClient(t, port, trusting(authority))
    await assert.rejects(nobody.stateless('tools/list'))
  })

  test('a certificate that is required does not stand for the token that is asked for', async (t) => {
    const issuer = await startIssuer(t)
    const { authority, paths } = await tlsFolder(t)
    const { port } = await serve(t, {
      TLS_CERT: paths.cert,
      TLS_KEY: paths.key,
      TLS_CA: paths.ca,
      TLS_MIN: '1.2',
      AUTH_ISSUERS: issuer.issuer,
      AUTH_RESOURCE: resource,
    })
    const alice = await authority.issue({ name: 'CN=alice' })
    const client = new SecureClient(t, port, trusting(authority, alice))
    assert.equal((await client.stateless('tools/list')).status, 401)
    const token = bearer(await issuer.token())
    assert.equal((await client.stateless('tools/list', {}, token)).status, 200)
  })
})

suite('settings about security that do not go together', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ AUTH_ISSUERS: 'https://login.example.com' }, /--auth-resource/],
    [{ AUTH_RESOURCE: resource }, /--auth-issuer/],
    [{ AUTH_SCOPES: 'mcp' }, /--auth-issuer/],
    [{ TLS_CERT: 'cert.pem' }, /--tls-key/],
    [{ TLS_CA: 'ca.pem' }, /--tls-cert/],
    [{ TLS_CERT: 'c', TLS_KEY: 'k', TLS_CRL: 'crl.pem' }, /--tls-ca/],
    [{ TLS_CERT: '/no/cert', TLS_KEY: '/no/key' }, /tls\.(cert|key): .*\/no\//],
    [{ TLS_CLIENT_NAME: 'uri' }, /--tls-ca/],
    [
      { AUTH_ISSUERS: 'https://l.example', AUTH_RESOURCE: resource, AUTH_CLIENT_ID: 'x' },
      /--auth-client-secret-file/,
    ],
    [{ AUTH_ISSUERS: 'http://l.example', AUTH_RESOURCE: resource }, /issuer must be https/],
    [{ AUTH_ISSUERS: 'https://l.example', AUTH_RESOURCE: 'http://mcp.example.com' }, /https/],
    [
      {
        AUTH_ISSUERS: 'https://l.example',
        AUTH_RESOURCE: resource,
        AUTH_REVOKED_FILE: '/no/file',
      },
      /--auth-revoked-file: .*\/no\/file/,
    ],
  ]
  for (const [env, message] of cases) {
    test(`${Object.keys(env).join(', ')}`, async () => {
      await assert.rejects(
        listen(protectedServer().server, valuesOf(env), 'server.ts', place),
        message,
      )
    })
  }

  test('a list of revoked tokens that is none is refused', async (t) => {
    const { paths, write } = await tlsFolder(t)
    const values = valuesOf({
      AUTH_ISSUERS: 'https://l.example',
      AUTH_RESOURCE: resource,
      AUTH_REVOKED_FILE: paths.revoked,
    })
    for (const text of ['{}', '[1]', '[{"issuer":"x"}]', 'x', '[null]']) {
      write('revoked', text)
      await assert.rejects(openAccess(values, undefined, '/'), /revoked/)
    }
  })
})
