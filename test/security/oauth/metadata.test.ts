/** What a client is told before it has a token. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFetchHandler } from '../../../src/fetch.ts'
import { serveHttp } from '../../../src/http.ts'
import { oauth } from '../../../src/security.ts'
import { HttpClient } from '../../support/http.ts'
import { bearer, startIssuer } from '../../support/issuer.ts'
import { initialize } from '../../support/messages.ts'
import { protectedServer, readChallenge, startProtected } from '../../support/protected.ts'

const wellKnown = '/.well-known/oauth-protected-resource'
const resource = 'https://mcp.example.com/mcp'
const issuers = ['https://login.example.com']

suite('the metadata of the protected resource', () => {
  test('26.auth.007 26.auth.074 26.auth.078 25.auth.008 25.auth.009 25.auth.011: is served under the path of the endpoint and at the root', async (t) => {
    const { http, issuer } = await startProtected(t, {
      resourceName: 'The vault',
      resourceDocumentation: 'https://example.com/docs',
    })
    for (const path of [`${wellKnown}/mcp`, wellKnown]) {
      const answer = await http.send({ method: 'GET', path })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(answer.headers['access-control-allow-origin'], '*')
      assert.deepEqual(JSON.parse(answer.text), {
        resource,
        authorization_servers: [issuer.issuer],
        scopes_supported: ['mcp'],
        bearer_methods_supported: ['header'],
        resource_name: 'The vault',
        resource_documentation: 'https://example.com/docs',
      })
    }
    const elsewhere = await http.send({ method: 'GET', path: `${wellKnown}/other` })
    assert.equal(elsewhere.status, 404)
  })

  test('a page of a browser may ask for it, and nobody may change it', async (t) => {
    const { http } = await startProtected(t)
    const preflight = await http.send({ method: 'OPTIONS', path: `${wellKnown}/mcp` })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-headers'], 'mcp-protocol-version')
    const post = await http.send({ method: 'POST', path: `${wellKnown}/mcp`, body: '{}' })
    assert.equal(post.status, 405)
    assert.equal(post.text, '')
  })

  test('26.auth.078: the fetch handler serves it, too', async () => {
    const handler = createFetchHandler(protectedServer().server, {
      allowedHosts: ['mcp.example.com'],
      authenticate: oauth({ resource, issuers }),
    })
    for (const path of [`${wellKnown}/mcp`, wellKnown]) {
      const answer = await handler.fetch(new Request(`https://mcp.example.com${path}`))
      assert.equal(answer.status, 200)
      assert.equal(((await answer.json()) as { resource: string }).resource, resource)
    }
    const refused = await handler.fetch(
      new Request(resource, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(initialize('2025-11-25')),
      }),
    )
    assert.equal(refused.status, 401)
    assert.match(String(refused.headers.get('www-authenticate')), /^Bearer .*resource_metadata=/)
    await handler.close(0)
  })

  test('a resource without a path has it at the root alone', () => {
    const auth = oauth({ resource: 'https://mcp.example.com', issuers })
    assert.deepEqual([...auth.documents.keys()], [wellKnown])
    assert.equal(auth.metadataUrl, `https://mcp.example.com${wellKnown}`)
  })

  test('26.auth.074 25.auth.009: a server without an authorization server is refused', () => {
    assert.throws(() => oauth({ resource, issuers: [] }), /issuers must name at least one/)
  })

  test('says which bindings of tokens are asked for', () => {
    const documentOf = (options: object) =>
      JSON.parse(oauth({ resource, issuers, ...options }).documents.get(wellKnown)!)
    const bound = documentOf({ requireBinding: 'dpop' })
    assert.equal(bound.dpop_bound_access_tokens_required, true)
    assert.ok(bound.dpop_signing_alg_values_supported.includes('ES256'))
    assert.ok(!bound.dpop_signing_alg_values_supported.includes('HS256'))
    const certificate = documentOf({ requireBinding: 'certificate' })
    assert.equal(certificate.tls_client_certificate_bound_access_tokens, true)
  })
})

suite('the canonical URI of the resource', () => {
  test('26.auth.039: scheme and host may be in capitals', async (t) => {
    const auth = oauth({ resource: 'HTTPS://MCP.Example.com:443/mcp', issuers })
    assert.equal(auth.resource, resource)
    const { http, issuer } = await startProtected(t)
    const token = await issuer.token({ claims: { aud: 'HTTPS://MCP.Example.com/mcp' } })
    assert.equal((await http.stateless('tools/list', {}, { headers: bearer(token) })).status, 200)
    const otherCase = await issuer.token({ claims: { aud: 'https://mcp.example.com/MCP' } })
    const refused = await http.stateless('tools/list', {}, { headers: bearer(otherCase) })
    assert.equal(refused.status, 401)
  })

  test('26.auth.040: has no slash where that is all of its path, and keeps one that matters', () => {
    assert.equal(oauth({ resource: 'https://h.example/', issuers }).resource, 'https://h.example')
    const withPath = oauth({ resource: 'https://h.example/mcp/', issuers })
    assert.equal(withPath.resource, 'https://h.example/mcp/')
  })

  for (const wrong of [
    'mcp.example.com',
    'http://mcp.example.com/mcp',
    'https://mcp.example.com/mcp#top',
    'https://mcp.example.com/mcp?x=1',
    'https://user:pass@mcp.example.com/mcp',
    'ftp://mcp.example.com',
  ]) {
    test(`is not ${wrong}`, () => {
      assert.throws(() => oauth({ resource: wrong, issuers }), TypeError)
    })
  }

  for (const issuer of [
    'login',
    'http://login.example.com',
    'https://login.example.com?x=1',
    'https://login.example.com#x',
    'https://me@login.example.com',
  ]) {
    test(`an issuer is not ${issuer}`, () => {
      assert.throws(() => oauth({ resource, issuers: [issuer] }), /issuer/)
    })
  }
})

suite('the challenge of a 401', () => {
  test('26.auth.012 26.auth.057 26.auth.077 25.auth.010 25.auth.012 0618.auth.001 0326.auth.001: names the metadata and the scopes to ask for', async (t) => {
    const { http } = await startProtected(t, { initialScopes: ['files:read'] })
    for (const answer of [
      await http.stateless('tools/list'),
      await http.send({ body: initialize('2025-11-25') }),
      await http.send({ body: initialize('2025-06-18') }),
      await http.send({ body: initialize('2025-03-26') }),
    ]) {
      assert.equal(answer.status, 401)
      assert.deepEqual(readChallenge(answer.headers['www-authenticate']), {
        Bearer: {
          scope: 'mcp files:read',
          resource_metadata: `https://mcp.example.com${wellKnown}/mcp`,
        },
      })
    }
  })

  test('26.auth.062: the URL that it names is where the metadata is', async (t) => {
    const issuer = await startIssuer(t)
    const { server } = protectedServer()
    // Which port it is must be known before what it is called.
    const first = await serveHttp(server, { port: 0, drainMs: 0 })
    await first.close()
    const auth = oauth({ resource: first.url, issuers: [issuer.issuer] })
    const listener = await serveHttp(server, { port: first.port, drainMs: 0, authenticate: auth })
    t.after(() => listener.close())
    const http = new HttpClient(t, listener.port)
    const refused = await http.stateless('tools/list')
    const place = readChallenge(refused.headers['www-authenticate']).Bearer?.resource_metadata
    const found = await fetch(place!)
    assert.equal(((await found.json()) as { resource: string }).resource, listener.url)
  })

  test('26.auth.013 25.auth.013: scopes that are asked for need not be among those that the metadata lists', async (t) => {
    const { http, auth } = await startProtected(t, { scopesSupported: ['files:read'] })
    const answer = await http.stateless('tools/list')
    assert.equal(readChallenge(answer.headers['www-authenticate']).Bearer?.scope, 'mcp')
    const document = JSON.parse(auth.documents.get(wellKnown)!)
    assert.deepEqual(document.scopes_supported, ['files:read'])
  })

  test('26.auth.017 26.auth.064 25.auth.014: the same request is always asked for the same scopes', async (t) => {
    const { http, issuer } = await startProtected(t)
    const refused = [await http.stateless('tools/list'), await http.stateless('tools/list')]
    const [first, second] = refused.map(({ headers }) => headers['www-authenticate'])
    assert.equal(first, second)
    const challenges = new Set<unknown>()
    for (const scope of ['mcp', 'mcp files:read', 'mcp something:else']) {
      const headers = bearer(await issuer.token({ claims: { scope } }))
      const answer = await http.stateless('tools/call', { name: 'write' }, { headers })
      challenges.add(answer.headers['www-authenticate'])
    }
    assert.equal(challenges.size, 1)
  })

  test('26.auth.056: offline_access is asked for and listed nowhere', () => {
    for (const name of ['requiredScopes', 'initialScopes', 'scopesSupported']) {
      assert.throws(() => oauth({ resource, issuers, [name]: ['offline_access'] }), {
        name: 'TypeError',
        message: /offline_access/,
      })
    }
  })

  test('a scope that would break out of the challenge is refused', () => {
    for (const scope of ['a"b', 'a b', 'a\\b', '', 'é', 'a\r\nx: y']) {
      assert.throws(() => oauth({ resource, issuers, requiredScopes: [scope] }), TypeError)
    }
  })
})
