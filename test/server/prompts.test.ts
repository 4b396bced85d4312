import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  audio,
  defineServer,
  embeddedResource,
  image,
  resourceLink,
  text,
} from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectAs, connectStateful, connectStateless } from '../support/peer.ts'

function makeServer() {
  const server = defineServer({ name: 'prompts', version: '1' })
  server.prompt(
    'compare',
    {
      title: 'Compare',
      description: 'Compares two things',
      icons: [{ src: 'https://example.com/i.png' }],
      arguments: { a: { title: 'A', description: 'first', required: true }, b: {} },
      _meta: { 'com.example/x': 1 },
    },
    ({ a, b }) => `Compare ${a} and ${b ?? 'nothing'}`,
  )
  server.prompt('plain', {}, () => 'Plain')
  return server
}

for (const version of ['2026-07-28', '2025-11-25']) {
  suite(`prompts (${version})`, () => {
    test('26.prompts.002 26.prompts.007 26.prompts.008 25.prompts.002: are listed with their arguments', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const { result } = await peer.request('prompts/list')
      assert.deepEqual(result?.prompts, [
        {
          name: 'compare',
          title: 'Compare',
          description: 'Compares two things',
          arguments: [
            { name: 'a', title: 'A', description: 'first', required: true },
            { name: 'b' },
          ],
          _meta: { 'com.example/x': 1 },
          icons: [{ src: 'https://example.com/i.png' }],
        },
        { name: 'plain' },
      ])
      assert.equal(result?.nextCursor, undefined)
    })

    test('26.prompts.010 26.prompts.015: text becomes a message of the user, with the description', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const params = { name: 'compare', arguments: { a: 'x' } }
      const { result } = await peer.request('prompts/get', params)
      assert.equal(result?.description, 'Compares two things')
      const content = { type: 'text', text: 'Compare x and nothing' }
      assert.deepEqual(result?.messages, [{ role: 'user', content }])
      const { result: plain } = await peer.request('prompts/get', { name: 'plain' })
      assert.equal(plain?.description, undefined)
    })

    test('26.prompts.016 26.prompts.017 26.prompts.018 26.prompts.019 25.prompts.004 25.prompts.005: messages hold content of any kind', async (t) => {
      const server = makeServer()
      const blocks = [
        text('t'),
        image(new Uint8Array([1]), 'image/png'),
        audio(new Uint8Array([2]), 'audio/wav'),
        resourceLink({ uri: 'docs://a', name: 'a' }),
        embeddedResource({ uri: 'docs://b', mimeType: 'text/plain', text: 'b' }),
      ]
      server.prompt('all', {}, async () =>
        blocks.map((content) => ({ role: 'assistant', content })),
      )
      const peer = await connectAs(t, server, version)
      const { result } = await peer.request('prompts/get', { name: 'all' })
      assert.deepEqual(
        list(result?.messages).map(({ role, content }) => [role, content]),
        blocks.map((block) => ['assistant', block]),
      )
    })

    test('a whole result passes as it is', async (t) => {
      const server = makeServer()
      const messages = [{ role: 'user' as const, content: text('x') }]
      server.prompt('whole', { description: 'listed' }, () => ({ description: 'given', messages }))
      const peer = await connectAs(t, server, version)
      const { result } = await peer.request('prompts/get', { name: 'whole' })
      assert.equal(result?.description, 'given')
      assert.deepEqual(result?.messages, messages)
    })

    test('25.prompts.007: arguments that nobody has asked for do not reach the handler', async (t) => {
      const server = makeServer()
      server.prompt('keys', { arguments: { a: {} } }, (args) => Object.keys(args).join())
      const peer = await connectAs(t, server, version)
      const given = { a: '1', b: '2', toString: '3' }
      const { result } = await peer.request('prompts/get', { name: 'keys', arguments: given })
      assert.equal(list(result?.messages)[0]?.content?.text, 'a')
    })
  })
}

test('26.prompts.011: the result of prompts/get has no caching hints', async (t) => {
  const peer = await connectStateless(t, makeServer())
  const { result } = await peer.request('prompts/get', { name: 'plain' })
  assert.equal(result?.ttlMs, undefined)
  assert.equal(result?.cacheScope, undefined)
  assert.equal(result?.resultType, 'complete')
})

test('26.errors.014 26.prompts.025: a server without prompts knows no method of theirs, and does not claim to', async (t) => {
  const server = defineServer({ name: 'none', version: '1' })
  const peer = await connectStateless(t, server)
  for (const method of ['prompts/list', 'prompts/get', 'tools/list', 'tools/call']) {
    assert.equal((await peer.request(method, { name: 'x' })).error?.code, -32601)
  }
  const { result } = await peer.request('server/discover')
  assert.equal(result?.capabilities?.prompts, undefined)
})

test('26.prompts.003 26.prompts.004: prompts come and go, and an empty list is a list', async (t) => {
  const server = defineServer({ name: 'changing', version: '1' })
  const registration = server.prompt('one', {}, () => 'x')
  const peer = await connectStateful(t, server)
  registration.remove()
  registration.remove()
  assert.deepEqual((await peer.request('prompts/list')).result, { prompts: [] })
  assert.equal((await peer.request('prompts/get', { name: 'one' })).error?.code, -32602)
  server.prompt('one', {}, () => 'again')
  assert.equal(list((await peer.request('prompts/list')).result?.prompts).length, 1)
})

test('a prompt needs a name of its own', () => {
  const server = makeServer()
  assert.throws(() => server.prompt('', {}, () => 'x'), /needs a name/)
  assert.throws(() => server.prompt('plain', {}, () => 'x'), /already in prompts: plain/)
})
