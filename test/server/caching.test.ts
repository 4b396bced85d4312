import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, type ServerOptions } from '../../src/index.ts'
import { formSchema } from '../support/fixture-server.ts'
import { key, type Loose, statefulVersions } from '../support/messages.ts'
import { connectStateful, connectStateless } from '../support/peer.ts'

function makeServer(options: Partial<ServerOptions> = {}) {
  const server = defineServer({ name: 'cache', version: '1', pageSize: 1, ...options })
  for (const name of ['a', 'b']) {
    server.tool(name, {}, () => 'x')
    server.resource(`docs://${name}`, {}, () => 'x')
    server.resourceTemplate(`t${name}://{x}`, { complete: { x: () => [] } }, () => 'x')
    server.prompt(name, {}, () => 'x')
  }
  server.resource('docs://asks', {}, async (_request, { elicit }) => {
    return (await elicit({ message: 'm', schema: formSchema })).action
  })
  return server
}

const cacheable: [method: string, params: object][] = [
  ['server/discover', {}],
  ['tools/list', {}],
  ['prompts/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'docs://a' }],
]
const others: [method: string, params: object][] = [
  ['tools/call', { name: 'a' }],
  ['prompts/get', { name: 'a' }],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'ta://{x}' }, argument: { name: 'x', value: '' } },
  ],
]
const hints = (result: Loose | undefined) => [result?.ttlMs, result?.cacheScope]

suite('caching hints', () => {
  test('26.caching.001 26.caching.002 26.caching.014 26.caching.026 26.caching.035 26.tools.014: are on what may be cached, by default for no time and privately', async (t) => {
    const peer = await connectStateless(t, makeServer())
    for (const [method, params] of cacheable) {
      const { result } = await peer.request(method, params)
      assert.deepEqual(hints(result), [0, 'private'], method)
    }
  })

  test('26.caching.036: are what the server was defined with', async (t) => {
    const peer = await connectStateless(t, makeServer({ cache: { ttlMs: 5000, scope: 'public' } }))
    for (const [method, params] of cacheable) {
      const { result } = await peer.request(method, params)
      assert.deepEqual(hints(result), [5000, 'public'], method)
    }
  })

  test('26.caching.034: are the same on all pages of one list', async (t) => {
    const peer = await connectStateless(t, makeServer({ cache: { ttlMs: 5, scope: 'public' } }))
    const { result } = await peer.request('tools/list')
    const next = await peer.request('tools/list', { cursor: result?.nextCursor })
    assert.deepEqual(hints(next.result), hints(result))
  })

  test('are on nothing else', async (t) => {
    const peer = await connectStateless(t, makeServer())
    for (const [method, params] of others) {
      const { result } = await peer.request(method, params)
      assert.ok(result, method)
      assert.deepEqual(hints(result), [undefined, undefined], method)
    }
  })

  test('26.caching.003: are not on a read that asks for input', async (t) => {
    const peer = await connectStateless(t, makeServer(), { elicitation: {} })
    const { result } = await peer.request('resources/read', { uri: 'docs://asks' })
    assert.equal(result?.resultType, 'input_required')
    assert.deepEqual(hints(result), [undefined, undefined])
  })
})

suite('members of 2026-07-28', () => {
  test('26.base.012 26.base.067: resultType and the name of the server are on every result', async (t) => {
    const peer = await connectStateless(t, makeServer(), { elicitation: {} })
    for (const [method, params] of [...cacheable, ...others]) {
      const { result } = await peer.request(method, params)
      assert.equal(result?.resultType, 'complete', method)
      assert.deepEqual(result?._meta?.[key.serverInfo], { name: 'cache', version: '1' }, method)
    }
    const { result } = await peer.request('resources/read', { uri: 'docs://asks' })
    assert.deepEqual(result?._meta?.[key.serverInfo], { name: 'cache', version: '1' })
  })

  for (const version of statefulVersions) {
    test(`25.versioning.005 25.tools.003 25.resources.002 25.prompts.002: are on nothing in ${version}`, async (t) => {
      const peer = await connectStateful(t, makeServer(), version)
      for (const [method, params] of [...cacheable.slice(1), ...others]) {
        const { result } = await peer.request(method, params)
        assert.ok(result, method)
        for (const member of ['resultType', 'ttlMs', 'cacheScope', '_meta']) {
          assert.equal(result[member], undefined, `${method} ${member}`)
        }
      }
    })
  }
})
