import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint, statelessPost } from '../support/http.ts'
import { firstText, type Message, request } from '../support/messages.ts'
import { assertAlive, assertError, assertRefused, assertToolError } from '../support/refusals.ts'

/** What is wrong with a request that came in well: the method, its params, and how each era answers. */
const cases: [name: string, method: string, params: object, code: number, what: RegExp][] = [
  [
    '26.errors.014: an unknown method',
    'nonsense/do',
    {},
    -32601,
    /^Method not found: nonsense\/do$/,
  ],
  ['26.errors.014: a method named like a member', 'constructor', {}, -32601, /Method not found/],
  [
    '26.tools.060 26.tools.064 25.tools.015: an unknown tool',
    'tools/call',
    { name: 'nope' },
    -32602,
    /Unknown tool: nope/,
  ],
  ['26.tools.061: a tool without a name', 'tools/call', {}, -32602, /name must be a string/],
  ['26.tools.061: a name that is a number', 'tools/call', { name: 5 }, -32602, /name must be/],
  [
    '26.tools.061: arguments that are an array',
    'tools/call',
    { name: 'echo', arguments: ['x'] },
    -32602,
    /arguments must be an object/,
  ],
  [
    '26.tools.061: arguments that are text',
    'tools/call',
    { name: 'echo', arguments: 'x' },
    -32602,
    /arguments must be an object/,
  ],
  [
    '26.prompts.020 25.prompts.006: an unknown prompt',
    'prompts/get',
    { name: 'nope' },
    -32602,
    /Unknown prompt: nope/,
  ],
  ['26.prompts.020: a prompt without a name', 'prompts/get', {}, -32602, /name must be a string/],
  [
    '26.prompts.021: a missing argument',
    'prompts/get',
    { name: 'greet' },
    -32602,
    /argument name is required/,
  ],
  [
    '26.prompts.023: an argument that is no string',
    'prompts/get',
    { name: 'greet', arguments: { name: 5 } },
    -32602,
    /argument name must be a string/,
  ],
  [
    '26.prompts.023: arguments that are an array',
    'prompts/get',
    { name: 'greet', arguments: [] },
    -32602,
    /arguments must be an object/,
  ],
  [
    '26.resources.043 25.resources.012: a URI that is none',
    'resources/read',
    { uri: 'no uri' },
    -32602,
    /uri must be a URI/,
  ],
  ['26.resources.043: no URI', 'resources/read', {}, -32602, /uri must be a URI/],
  ['26.resources.043: a URI that is a number', 'resources/read', { uri: 1 }, -32602, /uri must be/],
  [
    '26.pagination.012 25.pagination.003: an unknown cursor',
    'tools/list',
    { cursor: 'x' },
    -32602,
    /unknown cursor/,
  ],
  ['26.pagination.012: an empty cursor', 'tools/list', { cursor: '' }, -32602, /unknown cursor/],
  ['26.pagination.012: a cursor that is a number', 'prompts/list', { cursor: 1 }, -32602, /cursor/],
  [
    '26.pagination.012: a cursor that is null',
    'resources/list',
    { cursor: null },
    -32602,
    /cursor/,
  ],
]

for (const era of ['2025-11-25', '2026-07-28']) {
  suite(`a call that is wrong in itself (${era})`, () => {
    for (const [name, method, params, code, what] of cases) {
      test(`${name}: ${code} with its id`, async (t) => {
        const endpoint = await startEndpoint(t, makeFixture().server)
        const isStateless = era === '2026-07-28'
        const answer = isStateless
          ? await endpoint.stateless(method, params, { id: 'c' })
          : await (await endpoint.session()).send(request(method, params, 'c'))
        // 26.http.032: only an unknown method has a status of its own.
        const status = isStateless && code === -32601 ? 404 : 200
        assertRefused(answer, { status, code, id: 'c', message: what })
        await assertAlive(endpoint)
      })
    }

    test('26.resources.038 26.resources.039 25.resources.008 25.versioning.008: a resource that is not: the URI in data', async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const isStateless = era === '2026-07-28'
      for (const uri of ['docs://nowhere', 'docs://page/404']) {
        const message = isStateless
          ? (await endpoint.stateless('resources/read', { uri })).message
          : await (await endpoint.session()).call('resources/read', { uri })
        assert.equal(message.error?.code, isStateless ? -32602 : -32002)
        assert.deepEqual(message.error?.data, { uri })
      }
    })

    test('26.prompts.022 26.resources.040 26.errors.016 26.logging.012 25.resources.009: a reader or prompt that throws: -32603, and only the operator hears why', async (t) => {
      const fixture = makeFixture()
      const endpoint = await startEndpoint(t, fixture.server)
      const calls: [string, object][] = [
        ['resources/read', { uri: 'docs://broken' }],
        ['prompts/get', { name: 'broken' }],
      ]
      for (const [method, params] of calls) {
        const answer =
          era === '2026-07-28'
            ? await endpoint.stateless(method, params, { id: 5 })
            : await (await endpoint.session()).send(request(method, params, 5))
        assertRefused(answer, { status: 200, code: -32603, id: 5, message: /^Internal error$/ })
        assert.match(String(fixture.errors.pop()), /\/work\/secret\.ts/)
      }
      await assertAlive(endpoint)
    })
  })

  suite(`a tool that fails (${era})`, () => {
    const tools: [name: string, tool: string, args: object, check: (message: Message) => void][] = [
      [
        '26.tools.062 25.tools.014: arguments that break the schema: a result for the model',
        'echo',
        { text: 5 },
        (message) =>
          assertToolError(message, /Invalid arguments for tool echo: text: must be string/),
      ],
      [
        '26.tools.062: a missing argument: a result for the model',
        'echo',
        {},
        (message) => assertToolError(message, /required property 'text'/),
      ],
      [
        '26.tools.026: an argument to a tool that takes none',
        'throws',
        { extra: 1 },
        (message) => assertToolError(message, /must NOT have additional properties \(extra\)/),
      ],
      [
        '26.tools.063 25.tools.014: an error that is thrown: its message for the model',
        'throws',
        {},
        (message) => assertToolError(message, /^The kettle is empty$/),
      ],
      [
        'a protocol error that is thrown: a JSON-RPC error',
        'rejects',
        {},
        (message) => assertError(message, { code: -32602, id: 'c', message: /^No such kettle$/ }),
      ],
      [
        '26.errors.016: a result that is nothing MCP has: -32603',
        'returns-nonsense',
        {},
        (message) =>
          assertError(message, { code: -32603, id: 'c', message: /neither text, content/ }),
      ],
      [
        '26.errors.016: a result that cannot be JSON: -32603',
        'returns-cycle',
        {},
        (message) => assertError(message, { code: -32603, id: 'c', message: /^Internal error$/ }),
      ],
      [
        '26.tools.056 25.tools.011: output that breaks its schema: -32603 that names the tool',
        'bad-output',
        {},
        (message) =>
          assertError(message, { code: -32603, id: 'c', message: /bad-output.*n: must be number/ }),
      ],
    ]
    for (const [name, tool, args, check] of tools) {
      test(name, async (t) => {
        const endpoint = await startEndpoint(t, makeFixture().server)
        const params = { name: tool, arguments: args }
        const { status, message } =
          era === '2026-07-28'
            ? await endpoint.stateless('tools/call', params, { id: 'c' })
            : await (await endpoint.session()).send(request('tools/call', params, 'c'))
        assert.equal(status, 200)
        check(message)
        await assertAlive(endpoint)
      })
    }
  })
}

suite('a handler that does not answer', () => {
  test('25.lifecycle.021 26.cancel.008: is given up when its time is over, and what it says later is dropped', async (t) => {
    const fixture = makeFixture({ handlerTimeoutMs: 5000 })
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const stateful = session.send(request('tools/call', { name: 'hangs' }, 'a'))
    const stateless = endpoint.stateless('tools/call', { name: 'hangs' }, { id: 'b' })
    const signal = await fixture.begun.get('hangs')!.promise
    while (endpoint.engine.running < 2) await endpoint.stateless('tools/list')

    endpoint.engine.sweep.run(Date.now() + 4000)
    assert.equal(endpoint.engine.running, 2)
    endpoint.engine.sweep.run(Date.now() + 5001)
    const message = /^tools\/call did not answer within 5000 ms$/
    assertRefused(await stateful, { status: 200, code: -32603, id: 'a', message })
    assertRefused(await stateless, { status: 200, code: -32603, id: 'b', message })
    assert.ok(signal.aborted)
    assert.equal(endpoint.engine.running, 0)

    fixture.release()
    // The id is free again, and the session can be idle.
    const again = await session.send(request('tools/call', { name: 'hangs' }, 'a'))
    assert.equal(firstText(again.message), 'released')
    await assertAlive(endpoint)
  })

  test('25.base.005: its id is refused to a second request, which does not touch the first', async (t) => {
    const fixture = makeFixture()
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const first = session.send(request('tools/call', { name: 'hangs' }, 'same'))
    await fixture.begun.get('hangs')!.promise
    while (endpoint.engine.running < 1) await endpoint.stateless('tools/list')
    const second = await session.send(request('tools/call', { name: 'hangs' }, 'same'))
    const refused = { status: 400, code: -32600, id: 'same', message: /id same is in use/ }
    assertRefused(second, refused)
    // Another session has ids of its own, and stateless requests have none to collide with.
    const other = await endpoint.session()
    assert.ok((await other.send(request('tools/list', {}, 'same'))).message.result)
    assert.ok((await endpoint.stateless('tools/list', {}, { id: 'same' })).message.result)
    fixture.release()
    assert.equal(firstText((await first).message), 'released')
  })

  test('and its like can be only so many in one session', async (t) => {
    const fixture = makeFixture()
    const endpoint = await startEndpoint(t, fixture.server, { maxInFlight: 2 })
    const session = await endpoint.session()
    const running = [1, 2].map((id) => session.send(request('tools/call', { name: 'hangs' }, id)))
    while (endpoint.engine.running < 2) await endpoint.stateless('tools/list')
    const answer = await session.send(request('tools/call', { name: 'hangs' }, 3))
    const message = /Too many requests in flight: 2 at a time/
    assertRefused(answer, { status: 200, code: -32603, id: 3, message })
    fixture.release()
    for (const each of running) assert.equal(firstText((await each).message), 'released')
    assert.equal(endpoint.engine.running, 0)
  })

  test('26.cancel.005 26.http.025: and whose client has left is told so; its answer is dropped', async (t) => {
    const fixture = makeFixture()
    const endpoint = await startEndpoint(t, fixture.server)
    const { headers, body } = statelessPost('tools/call', {
      name: 'hangs',
    })
    const leaving = new AbortController()
    const call = fetch(`http://127.0.0.1:${endpoint.port}/mcp`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' } as Record<string, string>,
      body: JSON.stringify(body),
      signal: leaving.signal,
    })
    const signal = await fixture.begun.get('hangs')!.promise
    const aborted = once(signal, 'abort')
    leaving.abort()
    await assert.rejects(call)
    await aborted
    assert.match(String(signal.reason), /client went away/)
    fixture.release()
    while (endpoint.engine.running > 0) await endpoint.stateless('tools/list')
    assert.deepEqual(fixture.errors, [])
    await assertAlive(endpoint)
  })
})
