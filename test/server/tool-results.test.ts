import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import {
  audio,
  defineServer,
  embeddedResource,
  image,
  resourceLink,
  type Server,
  text,
  toolError,
  toolResult,
} from '../../src/index.ts'
import { firstText, key, list } from '../support/messages.ts'
import { connectAs, connectStateful, connectStateless } from '../support/peer.ts'
import { assertToolError } from '../support/refusals.ts'

const makeServer = () => defineServer({ name: 'results', version: '1.2.3' })
function withTool(returned: unknown, output?: object): Server {
  const server = makeServer()
  const config = output === undefined ? {} : { output: output as never }
  server.tool('tool', config, () => returned as never)
  return server
}

suite('what a tool returns', () => {
  test('26.tools.017 25.tools.012: text becomes one text block', async (t) => {
    const peer = await connectStateful(t, withTool('hi'))
    const { result } = await peer.request('tools/call', { name: 'tool' })
    assert.deepEqual(result, { content: [{ type: 'text', text: 'hi' }] })
  })

  test('26.tools.017: nothing becomes no content', async (t) => {
    const peer = await connectStateful(t, withTool(undefined))
    assert.deepEqual((await peer.request('tools/call', { name: 'tool' })).result, { content: [] })
  })

  test('26.tools.046 26.tools.050 26.tools.051 26.schema.001 26.schema.002 26.schema.003 26.schema.004 26.schema.005 26.schema.006 25.tools.013: blocks of every kind', async (t) => {
    const bytes = new Uint8Array([0, 255, 128])
    const annotations = { audience: ['user' as const], priority: 0.5 }
    const blocks = [
      { ...text('t'), annotations },
      image(bytes, 'image/png'),
      image('AAA=', 'image/png'),
      audio(bytes.subarray(1), 'audio/wav'),
      resourceLink({ uri: 'docs://a', name: 'a', title: 'A' }),
      embeddedResource({ uri: 'docs://b', text: 'b', mimeType: 'text/plain' }),
      embeddedResource({ uri: 'docs://c', blob: 'Yw==' }),
    ]
    const peer = await connectStateless(t, withTool(blocks))
    assert.deepEqual((await peer.request('tools/call', { name: 'tool' })).result?.content, [
      { type: 'text', text: 't', annotations },
      { type: 'image', data: 'AP+A', mimeType: 'image/png' },
      { type: 'image', data: 'AAA=', mimeType: 'image/png' },
      { type: 'audio', data: '/4A=', mimeType: 'audio/wav' },
      { type: 'resource_link', uri: 'docs://a', name: 'a', title: 'A' },
      { type: 'resource', resource: { uri: 'docs://b', text: 'b', mimeType: 'text/plain' } },
      { type: 'resource', resource: { uri: 'docs://c', blob: 'Yw==' } }, // 26.tools.048
    ])
  })

  test('one block stands for itself', async (t) => {
    const peer = await connectStateful(t, withTool(text('one')))
    assert.equal(firstText(await peer.request('tools/call', { name: 'tool' })), 'one')
  })

  test('26.base.011 26.schema.007 26.schema.008: a whole result passes with its own members', async (t) => {
    const whole = { content: [text('x')], isError: false, _meta: { 'com.example/a': 1 }, extra: 2 }
    const stateful = await connectStateful(t, withTool(whole))
    assert.deepEqual((await stateful.request('tools/call', { name: 'tool' })).result, whole)
    const stateless = await connectStateless(t, withTool(whole))
    const { result } = await stateless.request('tools/call', { name: 'tool' })
    assert.equal(result?.extra, 2)
    assert.equal(result?._meta?.['com.example/a'], 1)
    assert.equal(result?._meta?.[key.serverInfo]?.name, 'results')
  })

  test('26.tools.018: toolError and toolResult set isError', async (t) => {
    const peer = await connectStateful(t, withTool(toolError('too late')))
    assertToolError(await peer.request('tools/call', { name: 'tool' }), /^too late$/)
    const whole = toolResult({ content: [text('a')], isError: true, _meta: { b: 1 } })
    const other = await connectStateful(t, withTool(whole))
    const { result } = await other.request('tools/call', { name: 'tool' })
    assert.deepEqual(result, {
      content: [{ type: 'text', text: 'a' }],
      isError: true,
      _meta: { b: 1 },
    })
  })
})

test('26.tools.052 26.schema.027: blocks of every kind may carry annotations', async (t) => {
  const annotations = {
    audience: ['assistant' as const],
    priority: 0.25,
    lastModified: '2026-07-28',
  }
  const blocks = [
    text('t'),
    image('AAA=', 'image/png'),
    audio('AAA=', 'audio/wav'),
    resourceLink({ uri: 'docs://a', name: 'a' }),
    embeddedResource({ uri: 'docs://b', text: 'b' }),
  ].map((block) => ({ ...block, annotations }))
  for (const version of ['2026-07-28', '2025-11-25']) {
    const peer = await connectAs(t, withTool(blocks), version)
    const { result } = await peer.request('tools/call', { name: 'tool' })
    assert.deepEqual(result?.content, blocks)
  }
})

test('26.base.014: what kind of result it is, no handler says', async (t) => {
  const claimed = { resultType: 'com.example/partial' }
  const server = withTool({ content: [text('x')], ...claimed })
  server.tool('whole', {}, () => toolResult({ content: [text('x')], ...claimed } as object))
  server.tool('structured', { output: { type: 'object' } as never }, () =>
    toolResult({ structuredContent: {}, ...claimed } as object),
  )
  server.prompt('prompt', {}, () => ({
    messages: [{ role: 'user', content: text('x') }],
    ...claimed,
  }))
  server.resource('docs://a', {}, () => ({ text: 'a', ...claimed }))
  const peer = await connectStateless(t, server)
  for (const [method, params] of [
    ['tools/call', { name: 'tool' }],
    ['tools/call', { name: 'whole' }],
    ['tools/call', { name: 'structured' }],
    ['prompts/get', { name: 'prompt' }],
    ['resources/read', { uri: 'docs://a' }],
  ] as const) {
    assert.equal((await peer.request(method, params)).result?.resultType, 'complete', method)
  }
  const older = await connectStateful(t, server)
  const { result } = await older.request('tools/call', { name: 'tool' })
  assert.deepEqual(result, { content: [text('x')] })
})

suite('structured content', () => {
  const values: unknown[] = [{ a: 1 }, [1, 2], 'text', 7, 0, '', false, null, true, [], {}]

  for (const value of values) {
    test(`26.tools.029 26.tools.053 26.tools.055 26.tools.057: ${JSON.stringify(value)} in 2026-07-28`, async (t) => {
      const peer = await connectStateless(t, withTool(value, z.any().optional() as never))
      const { result } = await peer.request('tools/call', { name: 'tool' })
      assert.ok(Object.hasOwn(result ?? {}, 'structuredContent'))
      assert.deepEqual(result?.structuredContent, value)
      assert.deepEqual(JSON.parse(String(list(result?.content)[0]?.text)), value)
    })
  }

  for (const version of ['2025-11-25', '2025-06-18']) {
    test(`25.tools.008 25.tools.010 0618.tools.001: in ${version} objects only, the text always`, async (t) => {
      for (const value of values) {
        const peer = await connectStateful(t, withTool(value, z.any().optional() as never), version)
        const { result } = await peer.request('tools/call', { name: 'tool' })
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
        assert.equal(
          Object.hasOwn(result ?? {}, 'structuredContent'),
          isObject,
          JSON.stringify(value),
        )
        assert.deepEqual(JSON.parse(String(list(result?.content)[0]?.text)), value)
      }
    })
  }

  for (const version of ['2025-03-26', '2024-11-05']) {
    test(`0326.tools.001 1105.tools.001: none in ${version}`, async (t) => {
      const peer = await connectStateful(t, withTool({ a: 1 }, { type: 'object' }), version)
      const { result } = await peer.request('tools/call', { name: 'tool' })
      assert.deepEqual(result, { content: [{ type: 'text', text: '{"a":1}' }] })
      assert.equal(
        list((await peer.request('tools/list')).result?.tools)[0]?.outputSchema,
        undefined,
      )
    })
  }

  test('25.tools.007 0618.tools.001: an output schema that is no object is listed in 2026-07-28 alone', async (t) => {
    const output = { type: 'array', items: { type: 'number' } }
    const shown = async (version: string) => {
      const peer = await connectAs(t, withTool([1], output), version)
      return list((await peer.request('tools/list')).result?.tools)[0]?.outputSchema
    }
    assert.deepEqual(await shown('2026-07-28'), output)
    assert.equal(await shown('2025-11-25'), undefined)
    assert.equal(await shown('2025-06-18'), undefined)
  })

  test('26.tools.056 26.tools.057 26.tools.070: is checked, and required, when it succeeds', async (t) => {
    const output = z.object({ n: z.number() })
    for (const wrong of [{ n: 'x' }, {}, undefined, toolResult({ content: [text('x')] })]) {
      const peer = await connectStateless(t, withTool(wrong, output as never))
      const { error } = await peer.request('tools/call', { name: 'tool' })
      assert.equal(error?.code, -32603, JSON.stringify(wrong))
      assert.match(
        error?.message ?? '',
        /Tool tool returned (what its output schema forbids|nothing)/,
      )
    }
  })

  test('26.tools.057: a tool with an output schema that returns nothing at all has failed', async (t) => {
    const peer = await connectStateless(t, withTool(undefined, {}))
    const { error } = await peer.request('tools/call', { name: 'tool' })
    assert.equal(error?.code, -32603)
  })

  test('is not asked of a result that says it is an error', async (t) => {
    const peer = await connectStateless(t, withTool(toolError('no luck'), { type: 'object' }))
    assertToolError(await peer.request('tools/call', { name: 'tool' }), /no luck/)
  })

  test('toolResult repeats it as text unless content is given', async (t) => {
    const whole = toolResult({ structuredContent: { n: 1 } })
    const peer = await connectStateless(t, withTool(whole, { type: 'object' }))
    assert.equal(firstText(await peer.request('tools/call', { name: 'tool' })), '{"n":1}')
    const own = toolResult({ content: [text('one')], structuredContent: { n: 1 } })
    const other = await connectStateless(t, withTool(own, { type: 'object' }))
    const { result } = await other.request('tools/call', { name: 'tool' })
    assert.equal(list(result?.content)[0]?.text, 'one')
    assert.deepEqual(result?.structuredContent, { n: 1 })
  })
})

suite('what a tool throws', () => {
  const thrown: [name: string, value: unknown, told: RegExp][] = [
    ['an Error', new RangeError('out of range'), /^out of range$/],
    ['an Error without words', new Error(''), /^The tool failed$/],
    ['text', 'just text', /^just text$/],
  ]
  for (const [name, value, told] of thrown) {
    test(`26.tools.063: ${name} is told to the model, and the operator`, async (t) => {
      const errors: unknown[] = []
      const server = defineServer({
        name: 's',
        version: '1',
        onError: (error, request) => errors.push([error, request?.method]),
      })
      server.tool('sync', {}, () => {
        throw value
      })
      server.tool('async', {}, async () => {
        throw value
      })
      const peer = await connectStateless(t, server)
      assertToolError(await peer.request('tools/call', { name: 'sync' }), told)
      assertToolError(await peer.request('tools/call', { name: 'async' }), told)
      assert.deepEqual(errors, [
        [value, 'tools/call'],
        [value, 'tools/call'],
      ])
    })
  }

  test('26.tools.070: is told without credentials and without a stack', async (t) => {
    const server = defineServer({ name: 's', version: '1', onError: () => {} })
    server.tool('tool', {}, () => {
      const cause = new Error('GET https://ada:hunter2@example.com/ with Bearer abc.def failed')
      throw new Error(`Upstream: ${cause.stack}`)
    })
    const peer = await connectStateless(t, server)
    const answer = await peer.request('tools/call', { name: 'tool' })
    const told =
      'Upstream: Error: GET https://[redacted]@example.com/ with Bearer [redacted] failed'
    assertToolError(answer, /^Upstream/)
    assert.equal(firstText(answer), told)
    server.tool('long', {}, () => {
      throw new Error('x'.repeat(1_000_000))
    })
    const long = await peer.request('tools/call', { name: 'long' })
    assert.equal(firstText(long).length, 10_000)
  })

  test('26.errors.016: an operator who throws while being told does no harm', async (t) => {
    const server = defineServer({
      name: 's',
      version: '1',
      onError: () => {
        throw new Error('the log is full')
      },
    })
    server.tool('tool', {}, async () => {
      throw new Error('first')
    })
    server.prompt('prompt', {}, async () => {
      throw new Error('first')
    })
    const peer = await connectStateless(t, server)
    const { error } = await peer.request('prompts/get', { name: 'prompt' })
    assert.equal(error?.code, -32603)
    assert.ok(await peer.request('tools/call', { name: 'tool' }))
  })
})

test('26.tools.038 26.tools.041: names are case-sensitive and unique', async (t) => {
  const server = makeServer()
  server.tool('Tool', {}, () => 'upper')
  server.tool('tool', {}, () => 'lower')
  assert.throws(() => server.tool('tool', {}, () => 'x'), /already in tools: tool/)
  assert.throws(() => server.tool('', {}, () => 'x'), /needs a name/)
  const peer = await connectStateless(t, server)
  assert.equal(firstText(await peer.request('tools/call', { name: 'Tool' })), 'upper')
  const { tools } = (await peer.request('tools/list')).result ?? {}
  assert.deepEqual(
    list(tools).map(({ name }) => name),
    ['Tool', 'tool'],
  ) // 26.tools.011
})

for (const version of ['2025-06-18', '2025-03-26', '2024-11-05']) {
  test(`0618.tools.002: in ${version} arguments that break the schema are an error of the protocol`, async (t) => {
    const server = makeServer()
    server.tool('tool', { input: { type: 'object', required: ['a'] } }, () => 'x')
    const peer = await connectAs(t, server, version)
    const answer = await peer.request('tools/call', { name: 'tool', arguments: {} })
    assert.equal(answer.error?.code, -32602)
  })
}
