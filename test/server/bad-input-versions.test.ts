import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { makeFixture } from '../support/fixture-server.ts'
import { type Headers, type Sent, startEndpoint, statelessPost } from '../support/http.ts'
import { allVersions, clientInfo, initialize, key, metaOf, request } from '../support/messages.ts'
import { assertAlive, assertRefused, type Refusal } from '../support/refusals.ts'

type Case = [name: string, sent: Sent, refusal: Refusal]

const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'server/discover' }
const withMeta = (_meta: unknown, more: Headers = {}, id: string | number = 1): Sent => ({
  headers: { ...headers, ...more },
  body: request('server/discover', { _meta }, id),
})
const meta = (changes: object) => ({ ...metaOf(), ...changes })

suite('the _meta of a stateless request', () => {
  const refused = { status: 400, code: -32602, id: 1 }
  const cases: Case[] = [
    [
      '26.base.056 26.base.057: no params',
      { headers, body: request('server/discover') },
      { ...refused, message: /_meta is required/ },
    ],
    [
      '26.base.056: params without _meta',
      { headers, body: request('server/discover', {}) },
      { ...refused, message: /_meta is required/ },
    ],
    [
      '26.base.056: _meta that is no object',
      withMeta('2026-07-28'),
      { ...refused, message: /_meta/ },
    ],
    [
      '26.base.056: no protocolVersion',
      withMeta({ [key.capabilities]: {} }),
      { ...refused, message: /protocolVersion is required/ },
    ],
    [
      '26.base.056: no clientCapabilities',
      withMeta({ [key.version]: '2026-07-28' }),
      { ...refused, message: /clientCapabilities is required/ },
    ],
    [
      '26.base.061: protocolVersion that is no string',
      withMeta(meta({ [key.version]: 5 })),
      { ...refused, message: /protocolVersion must be a string/ },
    ],
    [
      '26.base.061: clientCapabilities that are an array',
      withMeta(meta({ [key.capabilities]: [] })),
      { ...refused, message: /clientCapabilities must be an object/ },
    ],
    [
      '26.versioning.035: a capability that is true',
      withMeta(meta({ [key.capabilities]: { sampling: true } })),
      { ...refused, message: /clientCapabilities.sampling must be an object/ },
    ],
    [
      '26.base.060: clientInfo without a name',
      withMeta(meta({ [key.clientInfo]: {} })),
      { ...refused, message: /clientInfo.name must be a string/ },
    ],
    [
      '26.base.060: clientInfo without a version',
      withMeta(meta({ [key.clientInfo]: { name: 'x' } })),
      { ...refused, message: /clientInfo.version must be a string/ },
    ],
    [
      '26.logging.011: an unknown logLevel',
      withMeta(meta({ [key.logLevel]: 'loud' })),
      { ...refused, message: /logLevel must be one of debug, info/ },
    ],
  ]
  for (const [name, sent, refusal] of cases) {
    test(`${name}: 400 with -32602`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      assertRefused(await endpoint.send(sent), refusal)
      await assertAlive(endpoint)
    })
  }

  test('26.base.023 26.base.066: a good request before does not make up for it', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    await assertAlive(endpoint)
    const answer = await endpoint.send({ headers, body: request('server/discover', {}, 'b') })
    assertRefused(answer, { ...refused, id: 'b', message: /_meta is required/ })
  })

  test('26.base.059: clientInfo may be missing', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    assert.equal((await endpoint.send(withMeta(metaOf()))).status, 200)
  })

  test('26.base.047 25.base.018 26.base.070: odd values under other reserved keys do no harm', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const value of [null, [], 1, 'x', { deep: [{}] }]) {
      const odd = { 'io.modelcontextprotocol/future': value, traceparent: value, '': value }
      assert.equal((await endpoint.send(withMeta(meta(odd)))).status, 200)
    }
  })
})

suite('the protocol version of a stateless request', () => {
  const cases: Case[] = [
    [
      '26.http.034: no header',
      withMeta(metaOf(), { 'mcp-protocol-version': undefined }),
      { status: 400, code: -32020, id: 1, message: /MCP-Protocol-Version is required/ },
    ],
    [
      '26.http.030: header and body version differ',
      withMeta(meta({ [key.version]: 'v999.0.0' })),
      { status: 400, code: -32020, id: 1, message: /MCP-Protocol-Version does not agree/ },
    ],
    [
      '26.http.030: a stateful version in the header',
      withMeta(metaOf(), { 'mcp-protocol-version': '2025-11-25' }),
      { status: 400, code: -32020, id: 1, message: /MCP-Protocol-Version does not agree/ },
    ],
    [
      '26.http.031 26.versioning.001: an unknown version in both',
      withMeta(meta({ [key.version]: 'v999.0.0' }), { 'mcp-protocol-version': 'v999.0.0' }, 301),
      { status: 400, code: -32022, id: 301, message: /supported: 2026-07-28/ },
    ],
    [
      '26.versioning.001: a version of long ago in both',
      withMeta(meta({ [key.version]: '1900-01-01' }), { 'mcp-protocol-version': '1900-01-01' }),
      { status: 400, code: -32022, id: 1, message: /Unsupported protocol version/ },
    ],
    [
      '26.versioning.001: a stateful version in both',
      withMeta(meta({ [key.version]: '2025-11-25' }), { 'mcp-protocol-version': '2025-11-25' }),
      { status: 400, code: -32022, id: 1, message: /Unsupported protocol version/ },
    ],
  ]
  for (const [name, sent, refusal] of cases) {
    test(`${name}: 400 with ${refusal.code}`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      assertRefused(await endpoint.send(sent), refusal)
      await assertAlive(endpoint)
    })
  }

  test('26.errors.017 26.discover.003: -32022 names what is supported and what was asked', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const version = 'v999.0.0'
    const { message } = await endpoint.send(
      withMeta(meta({ [key.version]: version }), { 'mcp-protocol-version': version }),
    )
    assert.deepEqual(message.error?.data, { supported: [...allVersions], requested: version })
  })
})

suite('the version of a stateful message', () => {
  const refused = { status: 400, code: -32602, id: 0 }
  const hello = (params: object): Sent => ({ body: request('initialize', params, 0) })
  const cases: Case[] = [
    [
      'initialize without params',
      { body: request('initialize', undefined, 0) },
      { ...refused, status: 200, message: /protocolVersion must be a string/ },
    ],
    [
      'initialize without a version',
      hello({ capabilities: {}, clientInfo }),
      { ...refused, status: 200, message: /protocolVersion must be a string/ },
    ],
    [
      'initialize without capabilities',
      hello({ protocolVersion: '2025-11-25', clientInfo }),
      { ...refused, message: /capabilities must be an object/ },
    ],
    [
      'initialize without clientInfo',
      hello({ protocolVersion: '2025-11-25', capabilities: {} }),
      { ...refused, message: /clientInfo must be an object/ },
    ],
    [
      'initialize with a clientInfo that has no version',
      hello({ protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x' } }),
      { ...refused, message: /clientInfo.version must be a string/ },
    ],
    [
      'initialize with a capability that is no object',
      hello({ protocolVersion: '2025-11-25', capabilities: { roots: 1 }, clientInfo }),
      { ...refused, message: /capabilities.roots must be an object/ },
    ],
  ]
  for (const [name, sent, refusal] of cases) {
    test(`${name}: -32602 and no session`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const answer = await endpoint.send(sent)
      assertRefused(answer, refusal)
      assert.equal(answer.headers['mcp-session-id'], undefined)
      assert.equal(endpoint.engine.sessions.size, 0)
      await assertAlive(endpoint)
    })
  }

  for (const version of ['2099-01-01', 'nonsense', '', '2023-01-01', '2026-07-28']) {
    test(`25.http.048 0618.http.002: the header "${version}" in a session: 400`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const session = await endpoint.session()
      const answer = await session.send(request('tools/list', {}, 5), {
        'mcp-protocol-version': version,
      })
      assertRefused(answer, { status: 400, code: -32022, id: 5, message: /supported: 2026/ })
      for (const method of ['GET', 'DELETE']) {
        const refused = await endpoint.send({
          method,
          headers: { ...session.headers, 'mcp-protocol-version': version },
        })
        assert.equal(refused.status, 400)
      }
      assert.ok((await session.call('tools/list')).result)
    })
  }

  test('25.http.047 0326.http.007 26.http.033: no version header in a session is fine', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const version of ['2025-11-25', '2025-03-26', '2024-11-05']) {
      const session = await endpoint.session(version)
      const answer = await session.send(request('tools/list'), {
        'mcp-protocol-version': undefined,
      })
      assert.equal(answer.status, 200)
    }
  })

  test('25.lifecycle.010 25.lifecycle.011 25.lifecycle.026 25.versioning.003: an unknown version is answered with the newest stateful one', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const version of ['2099-01-01', '2026-07-28', 'nonsense', '']) {
      const { status, message } = await endpoint.send({ body: initialize(version) })
      assert.equal(status, 200)
      assert.equal(message.result?.protocolVersion, '2025-11-25')
    }
  })

  test('initialize is taken whatever the version header says', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const version of ['2025-11-25', '2025-06-18', '2026-07-28', 'v999', undefined]) {
      const answer = await endpoint.send({
        headers: { 'mcp-protocol-version': version, 'mcp-method': 'initialize' },
        body: initialize('2025-11-25'),
      })
      assert.equal(answer.status, 200, `${version}: ${answer.text}`)
    }
  })
})

test('26.versioning.021 26.http.032: methods that 2026-07-28 has taken away: 404 with -32601', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  for (const method of [
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
  ]) {
    const { headers, body } = statelessPost(method, { uri: 'docs://readme', level: 'info' })
    const answer = await endpoint.send({ headers, body })
    assertRefused(answer, { status: 404, code: -32601, id: 1, message: /Method not found/ })
  }
  await assertAlive(endpoint)
})

test('25.versioning.007: methods of 2026-07-28 in a session: -32601', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  const session = await endpoint.session()
  for (const method of ['server/discover', 'subscriptions/listen']) {
    const message = await session.call(method, { notifications: {} })
    assert.equal(message.error?.code, -32601)
  }
})
