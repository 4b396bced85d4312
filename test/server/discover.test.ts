import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { allVersions, firstText, key, statefulVersions } from '../support/messages.ts'
import { connectPeer, connectStateful, connectStateless } from '../support/peer.ts'

const info = {
  name: 'about',
  version: '3.1.4',
  title: 'About',
  description: 'Says who it is',
  websiteUrl: 'https://example.com',
  icons: [{ src: 'https://example.com/i.png', sizes: ['48x48'], theme: 'dark' as const }],
}

suite('server/discover', () => {
  test('26.versioning.003 26.versioning.025 26.versioning.026 26.versioning.027 26.versioning.028 26.versioning.029 26.discover.001 26.discover.002: says what is spoken and offered', async (t) => {
    const server = defineServer({
      ...info,
      instructions: 'Ask nicely',
      cache: { ttlMs: 60_000, scope: 'public' },
    })
    server.tool('x', {}, () => 'x')
    const peer = await connectStateless(t, server)
    const { result } = await peer.request('server/discover')
    assert.deepEqual(result, {
      supportedVersions: [...allVersions],
      capabilities: { logging: {}, tools: { listChanged: true } },
      instructions: 'Ask nicely', // 26.versioning.031
      ttlMs: 60_000,
      cacheScope: 'public',
      resultType: 'complete',
      _meta: { [key.serverInfo]: info }, // 26.versioning.030 26.schema.010
    })
  })

  test('26.base.002 26.versioning.031: of a server with nothing to offer', async (t) => {
    const peer = await connectStateless(
      t,
      defineServer({ name: 'bare', version: '0', logging: false }),
    )
    const { result } = await peer.request('server/discover')
    assert.deepEqual(result?.capabilities, {})
    assert.equal(result?.instructions, undefined)
    assert.deepEqual(result?._meta, { [key.serverInfo]: { name: 'bare', version: '0' } })
  })

  test('26.versioning.032 26.errors.014: what is not advertised is not known, what is is', async (t) => {
    const methods = {
      tools: ['tools/list', 'tools/call'],
      prompts: ['prompts/list', 'prompts/get'],
      resources: ['resources/list', 'resources/templates/list', 'resources/read'],
      completions: ['completion/complete'],
    }
    for (const server of [defineServer({ name: 'bare', version: '0' }), makeFixture().server]) {
      const peer = await connectStateless(t, server)
      const { capabilities } = (await peer.request('server/discover')).result ?? {}
      for (const [capability, names] of Object.entries(methods)) {
        for (const name of names) {
          const isKnown = (await peer.request(name)).error?.code !== -32601
          assert.equal(isKnown, capabilities?.[capability] !== undefined, name)
        }
      }
    }
  })
})

suite('initialize', () => {
  for (const version of statefulVersions) {
    test(`25.lifecycle.003 25.lifecycle.009 0618.lifecycle.001 1105.lifecycle.001 26.versioning.018: ${version} is answered with ${version}`, async (t) => {
      const server = defineServer({ ...info, instructions: 'Ask nicely' })
      server.prompt('x', { arguments: { a: { complete: () => [] } } }, () => 'x')
      const peer = await connectPeer(t, server)
      const { result } = await peer.open(version, {})
      assert.equal(result?.protocolVersion, version)
      assert.equal(result?.instructions, 'Ask nicely')
      assert.deepEqual(result?.capabilities?.prompts, { listChanged: true })
      // 26.errors.014 25.versioning.005: nothing of 2026-07-28 in it.
      assert.deepEqual(Object.keys(result ?? {}).toSorted(), [
        'capabilities',
        'instructions',
        'protocolVersion',
        'serverInfo',
      ])
    })
  }

  test('0618.lifecycle.002 26.schema.010: shows of itself what the revision knows', async (t) => {
    const shown = async (version: string) => {
      const peer = await connectPeer(t, defineServer(info))
      return (await peer.open(version)).result?.serverInfo
    }
    const { name, version, title } = info
    assert.deepEqual(await shown('2025-11-25'), info)
    assert.deepEqual(await shown('2025-06-18'), { name, version, title })
    assert.deepEqual(await shown('2025-03-26'), { name, version })
    assert.deepEqual(await shown('2024-11-05'), { name, version })
  })

  test('25.sessions.001 25.sessions.002 25.sessions.003 25.sessions.016 25.sessions.018: over HTTP gives a session id that nobody guesses', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const ids = new Set<string>()
    for (let index = 0; index < 50; index += 1) ids.add((await endpoint.session()).id)
    assert.equal(ids.size, 50)
    for (const id of ids) assert.match(id, /^[\x21-\x7e]{22,}$/)
  })

  test('25.sessions.020 25.lifecycle.027: what the client said stays in force for its session', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    server.tool('who', {}, (_args, { clientInfo, clientCapabilities, revision, sessionId }) => {
      return JSON.stringify([clientInfo, clientCapabilities, revision, typeof sessionId])
    })
    const endpoint = await startEndpoint(t, server)
    const one = await endpoint.session('2025-06-18', { sampling: {} })
    const other = await endpoint.session('2025-11-25', {})
    const who = async (session: typeof one) => {
      return JSON.parse(firstText(await session.call('tools/call', { name: 'who' })))
    }
    const client = { name: 'test', version: '1' }
    assert.deepEqual(await who(one), [client, { sampling: {} }, '2025-06-18', 'string'])
    assert.deepEqual(await who(other), [client, {}, '2025-11-25', 'string'])
    assert.deepEqual(await who(one), [client, { sampling: {} }, '2025-06-18', 'string'])
  })
})

test('26.base.024 26.base.062 26.base.068: each stateless request is judged by its own _meta', async (t) => {
  const server = defineServer({ name: 's', version: '1' })
  server.tool(
    'who',
    {},
    (_args, { clientInfo, clientCapabilities, revision, sessionId, meta }) => ({
      content: [],
      structuredContent: {
        clientInfo,
        clientCapabilities,
        revision,
        sessionId,
        traced: meta.traceparent,
      },
    }),
  )
  const endpoint = await startEndpoint(t, server)
  const who = async (capabilities: object, meta: object) =>
    (await endpoint.stateless('tools/call', { name: 'who' }, { capabilities, meta })).message.result
      ?.structuredContent
  const [one, other] = await Promise.all([
    who({ roots: {} }, { [key.clientInfo]: { name: 'a', version: '1' }, traceparent: '00-1' }),
    who({}, {}),
  ])
  assert.deepEqual(one, {
    clientInfo: { name: 'a', version: '1' },
    clientCapabilities: { roots: {} },
    revision: '2026-07-28',
    traced: '00-1',
  })
  assert.deepEqual(other, { clientCapabilities: {}, revision: '2026-07-28' })
})

test('25.ping.001 25.ping.010: ping is answered with an empty result, in a session of any revision', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  for (const version of statefulVersions) {
    const session = await endpoint.session(version)
    assert.deepEqual((await session.call('ping')).result, {})
    const peer = await connectStateful(t, makeFixture().server, version)
    assert.deepEqual((await peer.request('ping')).result, {})
    assert.deepEqual((await peer.request('ping', { _meta: { a: 1 } })).result, {})
  }
})
