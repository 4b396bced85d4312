/** Where metadata of an issuer leads, and where it must not (SSRF). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { metadataUrls } from '../../../src/security/oauth/issuer-metadata.ts'
import { isPublicAddress } from '../../../src/security/oauth/public-address.ts'
import { fetchJson } from '../../../src/security/oauth/safe-fetch.ts'
import { bearer, sendJson, startIssuer } from '../../support/issuer.ts'
import { startProtected } from '../../support/protected.ts'

const openId = '/.well-known/openid-configuration'
const oauthServer = '/.well-known/oauth-authorization-server'

suite('the metadata of an issuer', () => {
  test('is looked for where RFC 8414 and OpenID Connect put it', () => {
    assert.deepEqual(metadataUrls(new URL('https://login.example.com')), [
      `https://login.example.com${oauthServer}`,
      `https://login.example.com${openId}`,
    ])
    assert.deepEqual(metadataUrls(new URL('https://login.example.com/tenant')), [
      `https://login.example.com${oauthServer}/tenant`,
      `https://login.example.com${openId}/tenant`,
      `https://login.example.com/tenant${openId}`,
    ])
  })

  test('is found where only OpenID Connect has it', async (t) => {
    const { http, issuer } = await startProtected(t)
    issuer.intercept = (request, response) => {
      if (request.url !== openId) return request.url === oauthServer && notFound(response)
      sendJson(response, 200, { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` })
      return true
    }
    const headers = bearer(await issuer.token())
    assert.equal((await http.stateless('tools/list', {}, { headers })).status, 200)
  })

  for (const [name, metadata] of [
    ['names another issuer', { issuer: 'https://evil.example.com' }],
    ['names the issuer with a slash more', { issuer: 'http://127.0.0.1/' }],
    ['has no keys', { jwks_uri: undefined }],
    ['has nonsense for the place of its keys', { jwks_uri: 'keys' }],
  ] as const) {
    test(`is not taken when it ${name}`, async (t) => {
      const { http, issuer } = await startProtected(t)
      issuer.metadata = metadata
      const headers = bearer(await issuer.token())
      assert.equal((await http.stateless('tools/list', {}, { headers })).status, 503)
      assert.equal(issuer.count('/jwks'), 0)
    })
  }
})

suite('what is fetched in the name of an issuer (SSRF through metadata)', () => {
  const issuer = new URL('https://login.example.com')
  const forbidden = [
    'http://login.example.com/jwks',
    'http://127.0.0.1/jwks',
    'http://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254/jwks',
    'https://127.0.0.1/jwks',
    'https://127.1/jwks',
    'https://0x7f.1/jwks',
    'https://2130706433/jwks',
    'https://[::1]/jwks',
    'https://[::ffff:127.0.0.1]/jwks',
    'https://[::ffff:7f00:1]/jwks',
    'https://[64:ff9b::7f00:1]/jwks',
    'https://10.0.0.1/jwks',
    'https://192.168.1.1/jwks',
    'https://[fd00::1]/jwks',
    'https://localhost/jwks',
    'https://user:pass@login.example.com/jwks',
    'file:///etc/passwd',
    'ftp://login.example.com/jwks',
    'javascript:alert(1)',
  ]
  for (const url of forbidden) {
    test(`is not ${url}`, async () => {
      await assert.rejects(fetchJson({ url, issuer }), /(?:is|are not) allowed|has a password/)
    })
  }

  test('keys of a loopback issuer are not fetched from elsewhere in the machine by https names', async (t) => {
    const { http, issuer: local, reported } = await startProtected(t)
    local.metadata = { jwks_uri: 'https://localhost:1/jwks' }
    const headers = bearer(await local.token())
    assert.equal((await http.stateless('tools/list', {}, { headers })).status, 503)
    assert.match(String((reported[0] as Error).cause), /private addresses are not allowed/)
  })

  test('redirects are not followed', async (t) => {
    const elsewhere = await startIssuer(t)
    const { http, issuer: redirecting } = await startProtected(t)
    redirecting.intercept = (request, response) => {
      if (request.url !== '/jwks') return false
      response.writeHead(302, { location: `${elsewhere.issuer}/jwks` }).end()
      return true
    }
    const headers = bearer(await redirecting.token({ key: elsewhere.key }))
    assert.equal((await http.stateless('tools/list', {}, { headers })).status, 503)
    assert.deepEqual(elsewhere.asked, [])
  })

  test('an answer that is too long is not read to its end, and one that never ends is given up', async (t) => {
    let written = 0
    const endless = createServer((request, response) => {
      response.writeHead(200)
      if (request.url === '/silent') return
      const more = (): void => {
        if (response.destroyed) return
        written += 65_536
        response.write(' '.repeat(65_536), more)
      }
      more()
    })
    endless.listen(0, '127.0.0.1')
    await once(endless, 'listening')
    t.after(() => {
      endless.close()
      endless.closeAllConnections()
    })
    const { port } = endless.address() as AddressInfo
    const local = new URL(`http://127.0.0.1:${port}`)
    await assert.rejects(fetchJson({ url: `${local.origin}/long`, issuer: local }), /over 524288/)
    assert.ok(written < 64 * 1024 * 1024)
    await assert.rejects(fetchJson({ url: `${local.origin}/silent`, issuer: local }), {
      name: /Timeout|Abort/,
    })
  })

  test('public addresses are told from all others', () => {
    for (const address of ['8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8']) {
      assert.ok(isPublicAddress(address), address)
    }
    for (const address of [
      '0.0.0.0',
      '100.64.0.1',
      '172.31.255.255',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fe80::1',
      'fc00::1',
      'ff02::1',
      '::ffff:10.0.0.1',
      '2002:7f00:1::',
      'localhost',
      '',
    ]) {
      assert.ok(!isPublicAddress(address), address)
    }
  })
})

function notFound(response: Parameters<typeof sendJson>[0]): boolean {
  sendJson(response, 404, {})
  return true
}
