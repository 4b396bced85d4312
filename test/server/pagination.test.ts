import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectAs, connectStateful, connectStateless, type Peer } from '../support/peer.ts'

const lists = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
} as const

function makeServer(count = 5, pageSize = 2) {
  const server = defineServer({ name: 'pages', version: '1', pageSize })
  for (let index = 0; index < count; index += 1) {
    server.tool(`n${index}`, {}, () => 'x')
    server.prompt(`n${index}`, {}, () => 'x')
    server.resource(`docs://n${index}`, { name: `n${index}` }, () => 'x')
    server.resourceTemplate(`t${index}://{a}`, { name: `n${index}` }, () => 'x')
  }
  return server
}
async function page(peer: Peer, method: keyof typeof lists, cursor?: unknown) {
  const { result, error } = await peer.request(method, cursor === undefined ? {} : { cursor })
  const names = result && list(result[lists[method]]).map(({ name }) => String(name))
  return { names, next: result?.nextCursor as unknown as string | undefined, code: error?.code }
}

for (const version of ['2026-07-28', '2025-11-25', '2024-11-05']) {
  suite(`pages (${version})`, () => {
    for (const method of Object.keys(lists) as (keyof typeof lists)[]) {
      test(`26.pagination.002 26.pagination.013 25.pagination.002: of ${method} follow each other to the end`, async (t) => {
        const peer = await connectAs(t, makeServer(), version)
        const first = await page(peer, method)
        const second = await page(peer, method, first.next)
        const third = await page(peer, method, second.next)
        assert.deepEqual(first.names, ['n0', 'n1'])
        assert.deepEqual(second.names, ['n2', 'n3'])
        assert.deepEqual(third.names, ['n4'])
        assert.equal(third.next, undefined)
        // 26.pagination.005: a cursor may be used again.
        assert.deepEqual((await page(peer, method, first.next)).names, second.names)
      })
    }
  })
}

test('26.pagination.012: a cursor of one list is none of another', async (t) => {
  const peer = await connectStateless(t, makeServer())
  const { next } = await page(peer, 'tools/list')
  assert.equal((await page(peer, 'prompts/list', next)).code, -32602)
})

test('26.pagination.012 26.errors.015: a cursor wrapped in an array is none, before and after its page was seen', async (t) => {
  const peer = await connectStateless(t, makeServer())
  const { next } = await page(peer, 'tools/list')
  assert.equal((await page(peer, 'tools/list', [next])).code, -32602)
  assert.ok((await page(peer, 'tools/list', next)).names)
  assert.equal((await page(peer, 'tools/list', [next])).code, -32602)
})

test('26.pagination.012: an empty string is a cursor, and an unknown one', async (t) => {
  for (const peer of [
    await connectStateless(t, makeServer()),
    await connectStateful(t, makeServer()),
  ]) {
    for (const method of Object.keys(lists) as (keyof typeof lists)[]) {
      assert.equal((await page(peer, method, '')).code, -32602)
    }
  }
})

test('26.pagination.004: other methods have no pages', async (t) => {
  const peer = await connectStateless(t, makeServer())
  const { result } = await peer.request('server/discover', { cursor: 'x' })
  assert.ok(result)
  assert.equal(result.nextCursor, undefined)
})

test('26.pagination.006: a cursor outlives a list that becomes shorter', async (t) => {
  const server = defineServer({ name: 'shrinking', version: '1', pageSize: 2 })
  const registrations = Array.from({ length: 5 }, (_, n) => server.tool(`n${n}`, {}, () => 'x'))
  const peer = await connectStateful(t, server)
  const { next } = await page(peer, 'tools/list')
  const { next: last } = await page(peer, 'tools/list', next)
  for (const registration of registrations.slice(3)) registration.remove()
  assert.deepEqual((await page(peer, 'tools/list', next)).names, ['n2'])
  assert.deepEqual((await page(peer, 'tools/list', last)).names, [])
})

test('a page shows what was added since', async (t) => {
  const server = makeServer(2)
  const peer = await connectStateful(t, server)
  assert.equal((await page(peer, 'tools/list')).next, undefined)
  server.tool('late', {}, () => 'x')
  const { next } = await page(peer, 'tools/list')
  assert.deepEqual((await page(peer, 'tools/list', next)).names, ['late'])
})

test('pages run through what templates enumerate', async (t) => {
  const server = defineServer({ name: 'enumerating', version: '1', pageSize: 2 })
  server.resource('docs://fixed', { name: 'fixed' }, () => 'x')
  const found = ['a', 'b', 'c'].map((name) => ({ uri: `docs://${name}`, name }))
  server.resourceTemplate('docs://{name}', { list: async () => found }, () => 'x')
  const peer = await connectStateless(t, server)
  const first = await page(peer, 'resources/list')
  const second = await page(peer, 'resources/list', first.next)
  assert.deepEqual(
    [first.names, second.names],
    [
      ['fixed', 'a'],
      ['b', 'c'],
    ],
  )
  assert.equal(second.next, undefined)
  assert.equal((await page(peer, 'resources/list', 'x')).code, -32602)
})

test('a long page is the same bytes for every client, in each revision its own', async (t) => {
  const server = makeServer(300, 1000)
  const stateless = await connectStateless(t, server)
  const stateful = await connectStateful(t, server)
  const one = await stateless.request('tools/list', {}, { id: 'a' })
  const other = await stateless.request('tools/list', {}, { id: 'ü"' })
  assert.deepEqual({ ...one, id: 0 }, { ...other, id: 0 })
  assert.equal(other.id, 'ü"')
  assert.deepEqual((await stateful.request('tools/list')).result, { tools: one.result?.tools })
})

test('pageSize, ttlMs and times are checked when a server is defined', () => {
  for (const options of [
    { pageSize: 0 },
    { pageSize: 1.5 },
    { cache: { ttlMs: -1 } },
    { cache: { ttlMs: 0.5 } },
    { handlerTimeoutMs: 0 },
    { requestState: { secret: 'short' } },
  ]) {
    assert.throws(() => defineServer({ name: 's', version: '1', ...options }), RangeError)
  }
})
