import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { completeFrom, defineServer } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectAs, connectStateless, type Peer } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'

const many = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`)

function makeServer() {
  const server = defineServer({ name: 'completion', version: '1', onError: () => {} })
  server.prompt(
    'greet',
    {
      arguments: {
        name: {
          complete: (value) => ['Ada', 'Alan', 'Bob'].filter((each) => each.startsWith(value)),
        },
        count: { complete: async (value) => many(Number(value)) },
        city: { complete: (value, context) => [`${context.arguments.country ?? '?'}-${value}`] },
        plain: {},
        broken: {
          complete: () => {
            throw new Error('secret')
          },
        },
      },
    },
    () => 'hi',
  )
  server.resourceTemplate(
    'docs://{book}/{page}',
    { complete: { page: (value, { arguments: { book } }) => [`${book}:${value}`] } },
    () => 'page',
  )
  return server
}
const prompt = { type: 'ref/prompt', name: 'greet' }
const ask = (peer: Peer, name: string, value: string, more: object = {}) =>
  peer.request('completion/complete', { ref: prompt, argument: { name, value }, ...more })

for (const version of ['2026-07-28', '2025-11-25', '2025-03-26', '2024-11-05']) {
  suite(`completion (${version})`, () => {
    test('26.completion.006 26.completion.008 26.completion.009 26.completion.014 25.completion.002 1105.completion.001: values in the order they are given', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const { result } = await ask(peer, 'name', 'A')
      assert.deepEqual(result?.completion, { values: ['Ada', 'Alan'], total: 2, hasMore: false })
    })

    test('26.completion.007: at most 100 of them, and the number of all', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      for (const [count, sent, hasMore] of [
        [0, 0, false],
        [100, 100, false],
        [101, 100, true],
        [5000, 100, true],
      ] as const) {
        const { result } = await ask(peer, 'count', String(count))
        assert.equal(list(result?.completion?.values).length, sent)
        assert.equal(result?.completion?.total, count)
        assert.equal(result?.completion?.hasMore, hasMore)
      }
    })

    test('1105.completion.002: what is known of other arguments reaches the completer', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const context = { arguments: { country: 'NO' } }
      const { result } = await ask(peer, 'city', 'Os', { context })
      assert.deepEqual(result?.completion?.values, ['NO-Os'])
      const { result: page } = await peer.request('completion/complete', {
        ref: { type: 'ref/resource', uri: 'docs://{book}/{page}' },
        argument: { name: 'page', value: '1' },
        context: { arguments: { book: 'atlas' } },
      })
      assert.deepEqual(page?.completion?.values, ['atlas:1'])
    })

    test('an argument that nobody completes has no values', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const { result } = await ask(peer, 'plain', 'x')
      assert.deepEqual(result?.completion, { values: [], hasMore: false })
    })

    test('26.completion.011 26.completion.012 26.completion.017 26.completion.021 25.completion.003: what is wrong with a question: -32602', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const argument = { name: 'name', value: '' }
      const cases: [object, RegExp][] = [
        [{ argument }, /ref must be an object/],
        [{ ref: { type: 'ref/tool', name: 'x' }, argument }, /ref.type must be/],
        [{ ref: { type: 'ref/prompt' }, argument }, /ref.name must be a string/],
        [{ ref: { type: 'ref/resource' }, argument }, /ref.uri must be a string/],
        [{ ref: { type: 'ref/prompt', name: 'nope' }, argument }, /unknown prompt: nope/],
        [{ ref: { type: 'ref/resource', uri: 'docs://x' }, argument }, /unknown resource template/],
        [{ ref: prompt }, /argument must have name and value/],
        [{ ref: prompt, argument: { name: 'name' } }, /argument must have name and value/],
        [{ ref: prompt, argument: { name: 'name', value: 5 } }, /both strings/],
        [{ ref: prompt, argument: { name: 'nope', value: '' } }, /unknown argument: nope/],
        [
          { ref: prompt, argument, context: { arguments: { a: 5 } } },
          /context.arguments must map names to strings/,
        ],
        [{ ref: prompt, argument, context: { arguments: [] } }, /context.arguments/],
      ]
      for (const [params, message] of cases) {
        const answer = await peer.request('completion/complete', params, { id: 'c' })
        assertError(answer, { code: -32602, id: 'c', message })
      }
    })

    test('26.completion.013: a completer that throws: -32603', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const answer = await peer.request('completion/complete', {
        ref: prompt,
        argument: { name: 'broken', value: '' },
      })
      assertError(answer, { code: -32603, id: 1, message: /^Internal error$/ })
    })
  })
}

test('26.completion.001 26.completion.010: without completers the method is unknown and not advertised', async (t) => {
  const server = defineServer({ name: 'none', version: '1' })
  server.prompt('greet', { arguments: { name: {} } }, () => 'hi')
  const peer = await connectStateless(t, server)
  assert.equal((await ask(peer, 'name', '')).error?.code, -32601)
  const { result } = await peer.request('server/discover')
  assert.equal(result?.capabilities?.completions, undefined)
  const withCompleters = await connectStateless(t, makeServer())
  const { result: other } = await withCompleters.request('server/discover')
  assert.deepEqual(other?.capabilities?.completions, {})
})

test('26.completion.015 26.completion.009: completeFrom finds what begins so, has a word that does, or has the letters, in that order', async (t) => {
  const server = defineServer({ name: 's', version: '1' })
  const colors = ['dark red', 'Red', 'green', 'blue', 'crimson', 'red-orange', 'Bordeaux']
  server.prompt('paint', { arguments: { color: { complete: completeFrom(colors) } } }, () => 'x')
  const peer = await connectStateless(t, server)
  const complete = async (value: string) => {
    const ref = { type: 'ref/prompt', name: 'paint' }
    const params = { ref, argument: { name: 'color', value } }
    return (await peer.request('completion/complete', params)).result?.completion?.values
  }
  assert.deepEqual(await complete('red'), ['Red', 'red-orange', 'dark red'])
  assert.deepEqual(await complete('RE'), ['Red', 'red-orange', 'dark red', 'green', 'Bordeaux'])
  assert.deepEqual(await complete('bu'), ['blue', 'Bordeaux'])
  assert.deepEqual(await complete('xyz'), [])
  assert.deepEqual(await complete('.*'), [])
  assert.deepEqual(await complete(''), colors)
})
