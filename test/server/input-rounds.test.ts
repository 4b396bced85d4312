import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Context, defineServer } from '../../src/index.ts'
import { formSchema } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { ableClient, firstText, type Loose, type Message } from '../support/messages.ts'
import { connectStateless } from '../support/peer.ts'
import { assertError, assertToolError } from '../support/refusals.ts'

const form = { message: 'Name?', schema: formSchema }
const accepted = (name: string) => ({ action: 'accept', content: { name } })
const sampling = {
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'hi' } }],
  maxTokens: 5,
}
const sampled = { role: 'assistant', content: { type: 'text', text: 'yo' }, model: 'm' }

function makeServer(handle: (context: Context) => Promise<unknown>) {
  const runs = { count: 0 }
  const server = defineServer({ name: 'rounds', version: '1', onError: () => {} })
  server.tool('ask', { input: { type: 'object' } }, async (_args, context) => {
    runs.count += 1
    return JSON.stringify(await handle(context))
  })
  return { server, runs }
}
async function start(
  t: Parameters<typeof connectStateless>[0],
  handle: (context: Context) => Promise<unknown>,
) {
  const { server, runs } = makeServer(handle)
  const peer = await connectStateless(t, server, ableClient)
  return {
    runs,
    peer,
    call: (params: object = {}) => peer.request('tools/call', { name: 'ask', ...params }),
  }
}
/** The questions of an answer that asks for input. */
function asked({ result }: Message): Loose {
  assert.equal(result?.resultType, 'input_required', JSON.stringify(result))
  return result?.inputRequests ?? ({} as Loose)
}
const stateOf = ({ result }: Message) => result?.requestState

suite('a round trip for input', () => {
  test('26.mrtr.001 26.mrtr.003 26.mrtr.006 26.mrtr.008 26.mrtr.018 26.schema.019 26.elicitation.011 26.elicitation.012 26.elicitation.016: asks in the result and answers the retry', async (t) => {
    const { call, runs, peer } = await start(t, ({ elicit }) => elicit({ key: 'who', ...form }))
    const first = await call()
    assert.deepEqual(asked(first), {
      who: {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'Name?', requestedSchema: formSchema },
      },
    })
    assert.equal(typeof stateOf(first), 'string')
    assert.equal(first.result?.content, undefined)
    const second = await call({
      inputResponses: { who: accepted('Ada') }, // 26.schema.022
      requestState: stateOf(first),
    })
    assert.deepEqual(JSON.parse(firstText(second)), accepted('Ada'))
    assert.equal(runs.count, 2)
    // 26.base.076: nothing but responses was sent.
    assert.ok(peer.received.every(({ method }) => method === undefined))
  })

  test('26.mrtr.021: goes on for as many rounds as it takes, and carries the earlier answers', async (t) => {
    const { call, runs } = await start(t, async ({ elicit }) => {
      const one = await elicit({ key: 'one', ...form })
      const two = await elicit({ key: 'two', ...form })
      const three = await elicit({ key: 'three', ...form })
      return [one, two, three].map((each) => each.content?.name)
    })
    let answer = await call()
    const states = [stateOf(answer)]
    for (const key of ['one', 'two', 'three']) {
      assert.deepEqual(Object.keys(asked(answer)), [key])
      const inputResponses = { [key]: accepted(key) }
      answer = await call({ inputResponses, requestState: stateOf(answer) })
      states.push(stateOf(answer))
    }
    assert.deepEqual(JSON.parse(firstText(answer)), ['one', 'two', 'three'])
    assert.equal(new Set(states.slice(0, 3)).size, 3)
    assert.equal(runs.count, 4)
  })

  test('26.mrtr.006 26.mrtr.007 26.sampling.013 26.roots.005: asks everything that is asked at once', async (t) => {
    const { call, runs } = await start(t, ({ elicit, sample, roots }) =>
      Promise.all([
        elicit({ key: 'a', ...form }),
        sample({ key: 'b', ...sampling }),
        roots({ key: 'c' }),
      ]),
    )
    const first = await call()
    const methods = Object.entries(asked(first)).map(([key, each]) => [key, each.method])
    assert.deepEqual(methods, [
      ['a', 'elicitation/create'],
      ['b', 'sampling/createMessage'],
      ['c', 'roots/list'],
    ])
    assert.deepEqual(asked(first).b?.params, sampling)
    // 26.mrtr.033: what is missing is asked again, what is there is kept.
    const some = await call({
      inputResponses: { a: accepted('x'), c: { roots: [] } },
      requestState: stateOf(first),
    })
    assert.deepEqual(Object.keys(asked(some)), ['b'])
    const last = await call({ inputResponses: { b: sampled }, requestState: stateOf(some) })
    assert.deepEqual(JSON.parse(firstText(last)), [accepted('x'), sampled, []])
    assert.equal(runs.count, 3)
  })

  test('names what has no key by its order', async (t) => {
    const { call } = await start(t, async ({ elicit, roots }) => [
      await elicit(form),
      await roots(),
    ])
    const first = await call()
    assert.deepEqual(Object.keys(asked(first)), ['input_1'])
    const second = await call({
      inputResponses: { input_1: { action: 'decline' } },
      requestState: stateOf(first),
    })
    assert.deepEqual(Object.keys(asked(second)), ['input_2'])
  })

  test('26.mrtr.007: two questions of one key are a mistake of the handler', async (t) => {
    const { call } = await start(t, ({ elicit }) =>
      Promise.all([elicit({ key: 'same', ...form }), elicit({ key: 'same', ...form })]),
    )
    const answer = await call({ inputResponses: { same: accepted('x') } })
    assertToolError(answer, /Two questions of one request have the key "same"/)
  })

  test('a handler that catches the wait and throws something else still asks', async (t) => {
    const { call } = await start(t, async ({ elicit }) => {
      try {
        return await elicit({ key: 'who', ...form })
      } catch {
        throw new Error('I gave up')
      }
    })
    assert.deepEqual(Object.keys(asked(await call())), ['who'])
  })

  test('26.mrtr.004 26.prompts.012 26.resources.015 26.tools.019: prompts and resources can ask, too', async (t) => {
    const { server } = makeServer(async () => 'x')
    server.prompt('p', { arguments: { a: {} } }, async (_args, { elicit }) => {
      return (await elicit({ key: 'k', ...form })).action
    })
    server.resource('docs://r', {}, async (_request, { elicit }) => {
      return (await elicit({ key: 'k', ...form })).action
    })
    const peer = await connectStateless(t, server, { elicitation: {} })
    const inputResponses = { k: { action: 'cancel' } }
    const prompt = { name: 'p', arguments: { a: '1' } }
    const first = await peer.request('prompts/get', prompt)
    assert.deepEqual(Object.keys(asked(first)), ['k'])
    const got = await peer.request('prompts/get', {
      ...prompt,
      inputResponses,
      requestState: stateOf(first),
    })
    assert.match(JSON.stringify(got.result?.messages), /cancel/)
    const read = { uri: 'docs://r' }
    const asking = await peer.request('resources/read', read)
    assert.deepEqual(Object.keys(asked(asking)), ['k'])
    const done = await peer.request('resources/read', {
      ...read,
      inputResponses,
      requestState: stateOf(asking),
    })
    assert.match(JSON.stringify(done.result?.contents), /cancel/)
  })

  test('26.mrtr.005: other methods take no part in it', async (t) => {
    const { server } = makeServer(async () => 'x')
    const peer = await connectStateless(t, server, ableClient)
    for (const method of ['tools/list', 'server/discover']) {
      const { result } = await peer.request(method, { inputResponses: 5, requestState: 'junk' })
      assert.equal(result?.resultType, 'complete')
    }
  })

  test('26.stdio.009 26.http.019 26.mrtr.020: nothing is kept at the server, however many never come back', async (t) => {
    const { server } = makeServer(({ elicit }) => elicit({ key: 'who', ...form }))
    const endpoint = await startEndpoint(t, server)
    for (let index = 0; index < 100; index += 1) {
      const answer = await endpoint.stateless(
        'tools/call',
        { name: 'ask' },
        { capabilities: ableClient },
      )
      assert.equal(answer.status, 200)
      asked(answer.message)
    }
    assert.equal(endpoint.engine.running, 0)
    assert.equal(endpoint.engine.sessions.size, 0)
  })
})

suite('the answers of a retry', () => {
  const askOnce = ({ elicit }: Context) => elicit({ key: 'who', ...form })

  test('26.mrtr.032: may hold more than was asked', async (t) => {
    const { call } = await start(t, askOnce)
    const more = { other: { a: 1 }, constructor: { b: 2 } }
    const answer = await call({ inputResponses: { who: accepted('x'), ...more } })
    assert.deepEqual(JSON.parse(firstText(answer)), accepted('x'))
  })

  test('may come without a state, and with the first call', async (t) => {
    const { call, runs } = await start(t, askOnce)
    assert.ok(firstText(await call({ inputResponses: { who: accepted('x') } })))
    assert.equal(runs.count, 1)
  })

  test('26.mrtr.033: of other keys are asked for again', async (t) => {
    const { call } = await start(t, askOnce)
    for (const inputResponses of [
      {},
      { wrong: accepted('x') },
      { __proto__: null, toString: {} },
    ]) {
      assert.deepEqual(Object.keys(asked(await call({ inputResponses }))), ['who'])
    }
  })

  test('26.elicitation.064: that do not fit the form are asked for again', async (t) => {
    const { call } = await start(t, askOnce)
    for (const who of [
      { action: 'accept' },
      { action: 'accept', content: {} },
      { action: 'accept', content: { name: 5 } },
      { action: 'accept', content: 'x' },
    ]) {
      assert.deepEqual(Object.keys(asked(await call({ inputResponses: { who } }))), ['who'])
    }
  })

  test('26.mrtr.030 26.mrtr.031: that are malformed: -32602 that names the key', async (t) => {
    const { call } = await start(t, askOnce)
    const cases: [unknown, RegExp][] = [
      ['text', /inputResponses must be an object/],
      [[], /inputResponses must be an object/],
      [null, /inputResponses must be an object/],
      [5, /inputResponses must be an object/],
      [{ who: 5 }, /inputResponses.who must be an object/],
      [{ who: null }, /inputResponses.who must be an object/],
      [{ who: [] }, /inputResponses.who must be an object/],
      [{ who: { action: 'maybe' } }, /inputResponses.who must have an action/],
      [{ who: { action: ['accept'] } }, /inputResponses.who must have an action/],
      [{ who: { action: { toString: [] } } }, /inputResponses.who must have an action/],
    ]
    for (const [inputResponses, message] of cases) {
      const answer = await call({ inputResponses })
      assertError(answer, { code: -32602, id: answer.id as number, message })
    }
  })

  test('of sampling and roots must have their shape: -32602', async (t) => {
    const { call } = await start(t, ({ sample, roots }) =>
      Promise.all([sample({ key: 's', ...sampling }), roots({ key: 'r' })]),
    )
    const bad = await call({ inputResponses: { s: { role: 'assistant' } } })
    assert.match(bad.error?.message ?? '', /inputResponses.s must have role, content and model/)
    const worse = await call({ inputResponses: { s: sampled, r: { roots: {} } } })
    assert.match(worse.error?.message ?? '', /inputResponses.r must have roots/)
  })

  test('26.elicitation.028 26.elicitation.026: a page to visit has no elicitationId', async (t) => {
    const { call } = await start(t, ({ elicit }) =>
      elicit({ key: 'pay', message: 'Pay', url: 'https://pay.example.com/' }),
    )
    const first = await call()
    const params = { mode: 'url', message: 'Pay', url: 'https://pay.example.com/' }
    assert.deepEqual(asked(first), { pay: { method: 'elicitation/create', params } })
    const answer = await call({
      inputResponses: { pay: { action: 'accept' } },
      requestState: stateOf(first),
    })
    assert.deepEqual(JSON.parse(firstText(answer)), { action: 'accept' })
  })
})
