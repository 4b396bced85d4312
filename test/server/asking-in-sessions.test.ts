import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Context, defineServer, type McpError } from '../../src/index.ts'
import { formSchema } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import {
  ableClient,
  firstText,
  list,
  type Message,
  notification,
  request,
  statefulVersions,
} from '../support/messages.ts'
import { connectStateful, type Peer } from '../support/peer.ts'
import { assertError, assertToolError } from '../support/refusals.ts'

/** A server whose one tool does what the test says with its context. */
function makeServer(handle: (context: Context) => Promise<unknown>) {
  const server = defineServer({ name: 'asks', version: '1', onError: () => {} })
  server.tool('ask', {}, async (_args, context) => JSON.stringify(await handle(context)))
  return server
}
const elicitName = ({ elicit }: Context) => elicit({ message: 'Name?', schema: formSchema })
const sampleHi = ({ sample }: Context) =>
  sample({ messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }], maxTokens: 10 })
const sampled = { role: 'assistant', content: { type: 'text', text: 'yo' }, model: 'm' }

/** Calls the tool, gives the question it asks, and answers it. */
async function askThrough(
  peer: Peer,
  answer: object,
): Promise<{ question: Message; reply: Message }> {
  const reply = peer.request('tools/call', { name: 'ask' }, { id: 'call' })
  const question = await peer.next()
  peer.send({ jsonrpc: '2.0', id: question.id, ...answer })
  return { question, reply: await reply }
}
const accept = (content: object) => ({ result: { action: 'accept', content } })

suite('elicitation by form', () => {
  for (const version of ['2025-11-25', '2025-06-18'] as const) {
    test(`26.schema.027: numbers may be fractional (${version})`, async (t) => {
      const number = { type: 'number', minimum: 0.25, maximum: 0.75, default: 0.5 }
      const schema = { type: 'object', properties: { number } } as const
      const server = makeServer(({ elicit }) => elicit({ message: 'm', schema }))
      const peer = await connectStateful(t, server, version, ableClient)
      const { question, reply } = await askThrough(peer, accept({ number: 0.7 }))
      // In 2025-06-18 only booleans have a default.
      const { default: _, ...plain } = number
      const properties = { number: version === '2025-06-18' ? plain : number }
      assert.deepEqual(question.params?.requestedSchema, { type: 'object', properties })
      assert.equal(JSON.parse(firstText(reply)).content.number, 0.7)
      for (const wrong of [0.2, 0.76]) {
        const refused = await askThrough(peer, accept({ number: wrong }))
        assert.equal(refused.reply.error?.code, -32603)
      }
    })
  }

  test('0618.elicitation.003: what the client leaves out is left out, whatever the default', async (t) => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'Ada' },
        age: { type: 'integer', default: 36 },
      },
    } as const
    const server = makeServer(({ elicit }) => elicit({ message: 'm', schema }))
    const peer = await connectStateful(t, server, '2025-06-18', ableClient)
    const { reply } = await askThrough(peer, accept({}))
    assert.deepEqual(JSON.parse(firstText(reply)), { action: 'accept', content: {} })
  })

  test('25.elicitation.003 25.elicitation.005 25.elicitation.007 25.base.010: is a request to the client, with the schema as it is', async (t) => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 9, default: 'x', pattern: '^x' },
        mail: { type: 'string', format: 'email' },
        age: { type: 'integer', minimum: 0, maximum: 150, default: 1 },
        ratio: { type: 'number', default: 0.5 },
        sure: { type: 'boolean', default: true },
        size: { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] },
        color: { type: 'string', oneOf: [{ const: 'r', title: 'Red' }], default: 'r' },
        many: {
          type: 'array',
          items: { type: 'string', enum: ['a', 'b'] },
          minItems: 1,
          default: ['a'],
        },
        titled: { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] } },
      },
      required: ['name'],
    } as const
    const server = makeServer(({ elicit }) => elicit({ message: 'All', schema }))
    const peer = await connectStateful(t, server, '2025-11-25', { elicitation: {} })
    const content = { name: 'x', many: ['a', 'b'], color: 'r', age: 3 }
    const { question, reply } = await askThrough(peer, accept(content))
    assert.equal(question.method, 'elicitation/create')
    assert.deepEqual(question.params, { mode: 'form', message: 'All', requestedSchema: schema })
    assert.deepEqual(JSON.parse(firstText(reply)), { action: 'accept', content })
  })

  for (const action of ['decline', 'cancel']) {
    test(`25.elicitation.025 26.elicitation.033 26.elicitation.042 26.elicitation.043: ${action} reaches the handler`, async (t) => {
      const peer = await connectStateful(t, makeServer(elicitName), '2025-11-25', ableClient)
      const { reply } = await askThrough(peer, { result: { action } })
      assert.deepEqual(JSON.parse(firstText(reply)), { action })
    })
  }

  test('26.elicitation.064 0618.elicitation.006: an answer that does not fit the form is an error', async (t) => {
    for (const result of [
      { action: 'accept' },
      { action: 'accept', content: {} },
      { action: 'accept', content: { name: 5 } },
      { action: 'maybe' },
      { action: ['accept'], content: { name: 'x' } },
      {},
    ]) {
      const peer = await connectStateful(t, makeServer(elicitName), '2025-11-25', ableClient)
      const { reply } = await askThrough(peer, { result })
      const message =
        /The client's answer to elicitation\/create (does not fit|must have an action)/
      assertError(reply, { code: -32603, id: 'call', message })
    }
  })

  test('25.elicitation.025: an error of the client ends the call, and says what it was', async (t) => {
    const peer = await connectStateful(t, makeServer(elicitName), '2025-11-25', ableClient)
    const { reply } = await askThrough(peer, { error: { code: -1, message: 'User is away' } })
    assertError(reply, { code: -32603, id: 'call', message: /User is away \(-1\)/ })
  })

  test('0618.elicitation.001 0618.elicitation.002: in 2025-06-18 has no mode, and choices without titles', async (t) => {
    const schema = {
      type: 'object',
      properties: {
        color: { type: 'string', oneOf: [{ const: 'r', title: 'Red' }, { const: 'g' }] },
      },
    } as const
    const server = makeServer(({ elicit }) => elicit({ message: 'Color?', schema }))
    const peer = await connectStateful(t, server, '2025-06-18', { elicitation: {} })
    const { question } = await askThrough(peer, accept({ color: 'g' }))
    const color = { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'g'] }
    const requestedSchema = { type: 'object', properties: { color } }
    assert.deepEqual(question.params, { message: 'Color?', requestedSchema })
  })

  test('0618.elicitation.002: a choice of several cannot be asked in 2025-06-18', async (t) => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'array', items: { enum: ['x'] } } },
    } as const
    const server = makeServer(({ elicit }) => elicit({ message: 'm', schema }))
    const peer = await connectStateful(t, server, '2025-06-18', { elicitation: {} })
    assertToolError(await peer.request('tools/call', { name: 'ask' }), /choice of several/)
  })
})

suite('elicitation by page', () => {
  const visit = ({ elicit }: Context) =>
    elicit({ message: 'Pay', url: 'https://pay.example.com/1' })

  test('25.elicitation.008: carries an id of its own', async (t) => {
    const peer = await connectStateful(t, makeServer(visit), '2025-11-25', {
      elicitation: { url: {} },
    })
    const { question, reply } = await askThrough(peer, { result: { action: 'accept' } })
    const { elicitationId, ...rest } = question.params ?? {}
    assert.deepEqual(rest, { mode: 'url', message: 'Pay', url: 'https://pay.example.com/1' })
    assert.match(String(elicitationId), /^[\w-]{22}$/)
    assert.deepEqual(JSON.parse(firstText(reply)), { action: 'accept' })
  })

  test('25.elicitation.009 26.elicitation.027: needs a URL', async (t) => {
    const server = makeServer(({ elicit }) => elicit({ message: 'm', url: 'not a url' }))
    const peer = await connectStateful(t, server, '2025-11-25', ableClient)
    assertToolError(await peer.request('tools/call', { name: 'ask' }), /Not a URL/)
  })
})

suite('sampling and roots', () => {
  test('25.sampling.005 25.sampling.010 25.tools.024: sampling goes to the client, and its answer comes back', async (t) => {
    const peer = await connectStateful(t, makeServer(sampleHi), '2025-11-25', { sampling: {} })
    const { question, reply } = await askThrough(peer, { result: sampled })
    assert.equal(question.method, 'sampling/createMessage')
    assert.deepEqual(question.params, {
      messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }],
      maxTokens: 10,
    })
    assert.deepEqual(JSON.parse(firstText(reply)), sampled)
  })

  test('25.roots.009: roots come as they are', async (t) => {
    const roots = [{ uri: 'file:///a', name: 'a' }]
    const peer = await connectStateful(
      t,
      makeServer((context) => context.roots()),
      '2025-06-18',
      { roots: {} },
    )
    const { question, reply } = await askThrough(peer, { result: { roots } })
    assert.equal(question.method, 'roots/list')
    assert.deepEqual(JSON.parse(firstText(reply)), roots)
  })

  test('an answer of the wrong shape is an error that names what is missing', async (t) => {
    const cases: [(context: Context) => Promise<unknown>, object, RegExp][] = [
      [sampleHi, { role: 'assistant' }, /must have role, content and model/],
      [sampleHi, { ...sampled, content: 'text' }, /must have role, content and model/],
      [(context) => context.roots(), { roots: 'file:///' }, /must have roots, an array/],
    ]
    for (const [handle, result, message] of cases) {
      const peer = await connectStateful(t, makeServer(handle), '2025-11-25', ableClient)
      const { reply } = await askThrough(peer, { result })
      assertError(reply, { code: -32603, id: 'call', message })
    }
  })

  test('what a handler asks wrongly is told to the model, and never sent', async (t) => {
    const cases: [(context: Context) => Promise<unknown>, RegExp][] = [
      [({ sample }) => sample({ messages: [], maxTokens: 0 }), /maxTokens/],
      [({ sample }) => sample({ messages: 'hi' as never, maxTokens: 1 }), /messages/],
      [
        ({ elicit }) => elicit({ message: 'm', schema: { type: 'string' } as never }),
        /type "object"/,
      ],
    ]
    for (const [handle, message] of cases) {
      const peer = await connectStateful(t, makeServer(handle), '2025-11-25', ableClient)
      assertToolError(await peer.request('tools/call', { name: 'ask' }), message)
    }
  })

  test('1105.sampling.001: 2024-11-05 samples no audio', async (t) => {
    const content = { type: 'audio' as const, data: 'AA==', mimeType: 'audio/wav' }
    const server = makeServer(({ sample }) =>
      sample({ messages: [{ role: 'user', content }], maxTokens: 1 }),
    )
    const peer = await connectStateful(t, server, '2024-11-05', { sampling: {} })
    assertToolError(await peer.request('tools/call', { name: 'ask' }), /knows no audio/)
  })
})

test('several questions at once are answered in any order', async (t) => {
  const server = makeServer((context) =>
    Promise.all([elicitName(context), sampleHi(context), context.roots()]),
  )
  const peer = await connectStateful(t, server, '2025-11-25', ableClient)
  const reply = peer.request('tools/call', { name: 'ask' })
  const questions = [await peer.next(), await peer.next(), await peer.next()]
  assert.equal(new Set(questions.map(({ id }) => id)).size, 3)
  const answers: Record<string, object> = {
    'elicitation/create': { action: 'accept', content: { name: 'x' } },
    'sampling/createMessage': sampled,
    'roots/list': { roots: [] },
  }
  for (const { id, method } of questions.toReversed()) {
    peer.send({ jsonrpc: '2.0', id, result: answers[method ?? ''] })
  }
  const [elicited, model, roots] = JSON.parse(firstText(await reply))
  assert.deepEqual([elicited.action, model.model, roots], ['accept', 'm', []])
})

test('a question of a call that is cancelled is cancelled at the client', async (t) => {
  const peer = await connectStateful(t, makeServer(elicitName), '2025-11-25', ableClient)
  void peer.request('tools/call', { name: 'ask' }, { id: 'call' })
  const question = await peer.next()
  peer.notify('notifications/cancelled', { requestId: 'call' })
  const { method, params } = await peer.next()
  assert.equal(method, 'notifications/cancelled')
  assert.equal(params?.requestId, question.id)
  peer.send({ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } })
  assert.deepEqual(await peer.settled(), [])
})

test('25.cancel.006: over HTTP an answer that comes after the cancellation is taken, and ignored', async (t) => {
  const endpoint = await startEndpoint(t, makeServer(elicitName))
  const session = await endpoint.session('2025-11-25', { elicitation: {} })
  const stream = await session.open(request('tools/call', { name: 'ask' }, 'call'))
  const question = await stream.events.nextMessage()
  await session.send(notification('notifications/cancelled', { requestId: 'call' }))
  assert.equal(
    (await session.send({ jsonrpc: '2.0', id: question?.id, ...accept({}) })).status,
    202,
  )
  assert.equal((await session.send({ jsonrpc: '2.0', id: 99, ...accept({}) })).status, 400)
})

test('25.lifecycle.023 1105.lifecycle.003 26.errors.011: each question has the time that it is given, and the handler can tell that from an answer', async (t) => {
  for (const version of statefulVersions) {
    const outcomes: unknown[] = []
    const errors = makeServer(async ({ sample }) => {
      const request = { messages: [], maxTokens: 1 }
      const wait = (timeoutMs?: number) =>
        sample({ ...request, ...(timeoutMs && { timeoutMs }) }).catch(
          (error: McpError) => error.code,
        )
      outcomes.push(...(await Promise.all([wait(20), wait(), wait()])))
      return 'done'
    })
    const peer = await connectStateful(t, errors, version, ableClient)
    const reply = peer.request('tools/call', { name: 'ask' })
    const asked = [await peer.next(), await peer.next(), await peer.next()]
    const cancelled = await peer.next()
    assert.equal(cancelled.method, 'notifications/cancelled')
    assert.equal(cancelled.params?.requestId, asked[0]?.id)
    assert.ok(asked.every(({ params }) => params !== undefined && !('timeoutMs' in params)))
    const failure = { code: -32001, message: 'Request timed out' }
    peer.send({ jsonrpc: '2.0', id: asked[1]?.id, error: failure })
    const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } }
    peer.send({ jsonrpc: '2.0', id: asked[2]?.id, result })
    await reply
    assert.deepEqual(outcomes, ['CLIENT_TIMEOUT', 'INTERNAL_ERROR', result])
  }
})

test('25.http.020 25.http.031 25.http.032 25.http.037: over HTTP a question comes on the stream of its call, the answer by POST', async (t) => {
  const endpoint = await startEndpoint(t, makeServer(elicitName))
  const session = await endpoint.session('2025-11-25', { elicitation: {} })
  const listening = await session.listen()
  const stream = await session.open(request('tools/call', { name: 'ask' }, 'call'))
  const question = await stream.events.nextMessage()
  assert.equal(question?.method, 'elicitation/create')
  const result = { action: 'accept', content: { name: 'x' } }
  const answered = await session.send({ jsonrpc: '2.0', id: question.id, result })
  assert.equal(answered.status, 202) // 25.http.009
  assert.equal(answered.text, '')
  const again = await session.send({ jsonrpc: '2.0', id: question.id, result })
  assert.equal(again.status, 202)
  const [reply, ...more] = await stream.events.rest()
  assert.equal(reply?.id, 'call')
  assert.deepEqual(more, [])
  await session.end()
  assert.deepEqual(await listening.events.rest(), [])
})

test('a client may leave only so many questions unanswered', async (t) => {
  const server = makeServer((context) =>
    Promise.all(Array.from({ length: 65 }, () => elicitName(context))),
  )
  const peer = await connectStateful(t, server, '2025-11-25', ableClient)
  const reply = await peer.request('tools/call', { name: 'ask' }, { id: 'call' })
  assertError(reply, { code: -32603, id: 'call', message: /Too many requests to the client/ })
  assert.equal(list(peer.received).filter(({ method }) => method !== undefined).length, 64)
})

test('25.lifecycle.021 25.lifecycle.022 25.lifecycle.026: a question that is not answered in time is cancelled at the client, and the call given up', async (t) => {
  const endpoint = await startEndpoint(t, makeServer(elicitName))
  const session = await endpoint.session('2025-11-25', { elicitation: {} })
  const { events } = await session.open(request('tools/call', { name: 'ask' }, 'call'))
  const question = await events.nextMessage()
  endpoint.engine.sweep.run(Date.now() + 301_000)
  const [failure, cancelled] = (await events.rest()).toSorted((a) => (a.id === 'call' ? -1 : 1))
  assertError(failure ?? {}, { code: -32603, id: 'call', message: /did not answer within/ })
  if (cancelled !== undefined) assert.equal(cancelled.params?.requestId, question?.id)
})

test('26.errors.004: codes that a client answers with mean nothing but an error', async (t) => {
  const codes = [-32000, -32001, -32002, -32010, -32019, -32042, 7]
  const server = makeServer(async ({ roots }) => {
    try {
      return await roots()
    } catch (error) {
      const { code, data } = error as McpError
      return { code, data }
    }
  })
  const peer = await connectStateful(t, server, '2025-11-25', ableClient)
  for (const code of codes) {
    const error = { code, message: 'no', data: { supported: ['x'], requiredCapabilities: {} } }
    const { reply } = await askThrough(peer, { error })
    assert.deepEqual(JSON.parse(firstText(reply)), { code: 'INTERNAL_ERROR' }, String(code))
  }
})

test("25.elicitation.012 26.elicitation.066: the answer of another session is nobody's", async (t) => {
  const endpoint = await startEndpoint(t, makeServer(elicitName))
  const session = await endpoint.session('2025-11-25', { elicitation: {} })
  const stranger = await endpoint.session('2025-11-25', { elicitation: {} })
  const { events } = await session.open(request('tools/call', { name: 'ask' }, 'call'))
  const { id } = (await events.nextMessage()) ?? {}
  const answer = (name: string) => ({ jsonrpc: '2.0', id, ...accept({ name }) })
  assert.equal((await stranger.send(answer('mallory'))).status, 400)
  assert.equal((await session.send(answer('ada'))).status, 202)
  assert.match(firstText((await events.nextMessage()) ?? {}), /ada/)
})
