/** The extensions of the protocol that a server offers (2026-07-28, basic/versioning#extension-negotiation). */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, type Server } from '../../src/index.ts'
import { startEndpoint } from '../support/http.ts'
import { connectAs, connectPeer, connectStateful, connectStateless } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'

const id = 'com.example/audit'
const declared = { extensions: { [id]: {} } }

function auditServer(requiresClient?: boolean): Server {
  const server = defineServer({ name: 'audit', version: '1' })
  server.tool('declared', {}, (_args, { clientCapabilities }) =>
    JSON.stringify(clientCapabilities.extensions ?? null),
  )
  server.extension(id, {
    settings: { depth: 3 },
    methods: {
      'audit/last': ({ count }, context) => ({ count, method: context.method }),
      'audit/slow': async () => ({ slow: true }),
      'audit/partial': () => ({ resultType: 'com.example/partial', from: 1 }),
    },
    ...(requiresClient !== undefined && { requiresClient }),
  })
  return server
}

suite('What is advertised', () => {
  test('26.versioning.006: discovery tells identifiers and settings', async (t) => {
    const peer = await connectStateless(t, auditServer())
    const { capabilities } = (await peer.request('server/discover')).result ?? {}
    assert.deepEqual(capabilities?.extensions, { [id]: { depth: 3 } })
  })

  test('26.versioning.006 26.discover.014: nothing, unless one is added', async (t) => {
    const peer = await connectStateless(t, defineServer({ name: 'x', version: '1' }))
    const { capabilities } = (await peer.request('server/discover')).result ?? {}
    assert.equal(Object.hasOwn(capabilities ?? {}, 'extensions'), false)
  })

  test('26.versioning.006: revisions without the member do not see it', async (t) => {
    for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
      const peer = await connectAs(t, auditServer(), version, declared)
      assert.equal(peer.received[0]?.result?.capabilities?.extensions, undefined)
      assert.equal((await peer.request('audit/last')).error?.code, -32601)
    }
  })

  for (const bad of [
    'audit',
    '/audit',
    'com.example/',
    '-com.example/audit',
    'com..example/audit',
    'com.example/a b',
    'com.example/audit-',
    '',
  ]) {
    test(`26.versioning.005 26.discover.013 26.base.050: "${bad}" is no identifier`, () => {
      const server = defineServer({ name: 'x', version: '1' })
      assert.throws(() => server.extension(bad), /Not the identifier of an extension/)
    })
  }

  test('26.versioning.006: settings are an object', () => {
    const server = defineServer({ name: 'x', version: '1' })
    for (const settings of [true, null, [], 'x']) {
      assert.throws(
        () => server.extension(id, { settings: settings as never }),
        /settings of the extension com.example\/audit must be an object/,
      )
    }
  })

  test('26.versioning.005: there is each extension once, and tsmcp’s own are not added by hand', () => {
    const server = auditServer()
    assert.throws(() => server.extension(id), /There is an extension com.example\/audit already/)
    for (const own of ['tasks', 'skills', 'ui']) {
      assert.throws(() => server.extension(`io.modelcontextprotocol/${own}`), /offered by itself/)
    }
  })
})

suite('What a client declares', () => {
  test('26.versioning.006: handlers see it', async (t) => {
    const capabilities = { extensions: { 'com.example/other': { mode: 'x' } } }
    for (const version of ['2026-07-28', '2025-11-25']) {
      const peer = await connectAs(t, auditServer(), version, capabilities)
      const { result } = await peer.request('tools/call', { name: 'declared' })
      assert.match(JSON.stringify(result), /com.example\/other.*mode/)
    }
  })

  for (const settings of [true, null, [], 'x', 1]) {
    test(`26.versioning.006 26.discover.017: settings of ${JSON.stringify(settings)} are refused`, async (t) => {
      const capabilities = { extensions: { 'a.b/c': settings } }
      const peer = await connectStateless(t, auditServer(), capabilities)
      const answer = await peer.request('tools/list')
      assertError(answer, { code: -32602, id: answer.id!, message: /extensions.a.b\/c must be an/ })
      const older = await connectPeer(t, auditServer())
      const opened = await older.open('2025-11-25', capabilities)
      assert.equal(opened.error?.code, -32602)
    })
  }
})

suite('Methods of an extension', () => {
  test('26.versioning.007: answer a client that declares it', async (t) => {
    const peer = await connectStateless(t, auditServer(), declared)
    const { result } = await peer.request('audit/last', { count: 2 })
    const { _meta, ...members } = result ?? {}
    assert.deepEqual(members, { count: 2, method: 'audit/last', resultType: 'complete' })
    assert.equal((await peer.request('audit/slow')).result?.slow, true)
  })

  test('26.base.013 26.base.014: may have kinds of result of their own, for clients that declare it', async (t) => {
    const peer = await connectStateless(t, auditServer(), declared)
    const { result } = await peer.request('audit/partial')
    assert.deepEqual([result?.resultType, result?.from], ['com.example/partial', 1])
    const other = await connectStateless(t, auditServer())
    assert.equal((await other.request('audit/partial')).error?.code, -32021)
  })

  test('26.versioning.007 26.discover.016 26.base.014: refuse a client that does not, and say what is missing', async (t) => {
    const endpoint = await startEndpoint(t, auditServer())
    const { status, message } = await endpoint.stateless('audit/last', {})
    assert.equal(status, 400)
    assert.equal(message.error?.code, -32021)
    assert.deepEqual(message.error?.data, {
      requiredCapabilities: { extensions: { [id]: {} } },
    })
  })

  test('26.versioning.007: or serve everybody, if they are meant to', async (t) => {
    const peer = await connectStateless(t, auditServer(false))
    assert.equal((await peer.request('audit/last')).error, undefined)
  })

  test('26.versioning.007: an extension that is not there has no methods', async (t) => {
    const peer = await connectStateless(t, auditServer(), declared)
    assert.equal((await peer.request('audit/none')).error?.code, -32601)
    const stateful = await connectStateful(t, auditServer(), '2025-11-25', declared)
    assert.equal((await stateful.request('audit/last')).error?.code, -32601)
  })

  for (const method of [
    'tools/call',
    'initialize',
    'tasks/foo',
    'tasks/list',
    'notifications/tasks/status',
    'skills/list',
    'resources/directory/read',
    'ui/message',
    'rpc.discover',
    '',
  ]) {
    test(`26.tasks.083: "${method}" cannot be a method of another extension`, () => {
      const server = defineServer({ name: 'x', version: '1' })
      const methods = { [method]: () => ({}) }
      assert.throws(() => server.extension(id, { methods }), /the name is taken/)
    })
  }
})
