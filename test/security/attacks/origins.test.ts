import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../../src/index.ts'
import { serveSecured } from '../../support/secured.ts'

const server = defineServer({ name: 'target', version: '1' })
server.tool('echo', {}, () => 'ok')
const allowedOrigins = ['https://app.example.com']

suite('a web page', () => {
  const preflight = (origin: string, wanted = 'content-type,mcp-param-region,x-evil') => ({
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': wanted,
    },
  })

  test('of an origin on the list may call, and read what it needs', async (t) => {
    const { client } = await serveSecured(t, server, { http: { allowedOrigins } })
    const asked = await client.send(preflight('https://app.example.com'))
    assert.equal(asked.status, 204)
    assert.equal(asked.headers['access-control-allow-origin'], 'https://app.example.com')
    assert.match(
      String(asked.headers['access-control-allow-headers']),
      /mcp-session-id.*mcp-param-region/,
    )
    assert.doesNotMatch(String(asked.headers['access-control-allow-headers']), /x-evil/)
    assert.equal(asked.headers['access-control-allow-credentials'], undefined)
    assert.equal(asked.headers.vary, 'origin')
    const origin = { headers: { origin: 'https://app.example.com' } }
    const answer = await client.stateless('tools/list', {}, origin)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example.com')
    assert.match(
      String(answer.headers['access-control-expose-headers']),
      /Mcp-Session-Id.*WWW-Authenticate/,
    )
    // A refusal can be read, too: it says how to be let in.
    const refused = await client.send({ ...origin, body: '{' })
    assert.equal(refused.status, 400)
    assert.equal(refused.headers['access-control-allow-origin'], 'https://app.example.com')
  })

  test('26.http.002: of any other origin may neither call nor read', async (t) => {
    const { client } = await serveSecured(t, server, { http: { allowedOrigins } })
    for (const origin of ['https://evil.example', 'https://app.example.com.evil.example', 'null']) {
      const asked = await client.send(preflight(origin))
      assert.equal(asked.status, 403, origin)
      assert.equal(asked.headers['access-control-allow-origin'], undefined)
      const answer = await client.stateless('tools/list', {}, { headers: { origin } })
      assert.equal(answer.status, 403)
      assert.equal(answer.headers['access-control-allow-origin'], undefined)
    }
  })

  test('is told nothing where there is no list', async (t) => {
    const { client } = await serveSecured(t, server)
    const asked = await client.send(preflight('http://localhost:3000'))
    assert.equal(asked.status, 405)
    assert.equal(asked.headers['access-control-allow-origin'], undefined)
  })

  test('that is called by a name of its own for this address is refused (DNS rebinding)', async (t) => {
    const { client } = await serveSecured(t, server, { http: { allowedOrigins } })
    const host = { headers: { host: 'evil.example' } }
    assert.equal((await client.stateless('tools/list', {}, host)).status, 403)
    const asked = preflight('https://app.example.com')
    const rebound = await client.send({ ...asked, headers: { ...asked.headers, ...host.headers } })
    assert.equal(rebound.status, 403)
  })
})
