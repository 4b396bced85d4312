import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Context, defineServer } from '../../src/index.ts'
import { formSchema } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { initialize, type Message, request, statefulVersions } from '../support/messages.ts'
import { connectPeer, connectStateful, connectStateless, type Peer } from '../support/peer.ts'

const message = { role: 'user' as const, content: { type: 'text' as const, text: 'hi' } }
const tools = [{ name: 't', inputSchema: { type: 'object' } }]
const asks: Record<string, (context: Context) => Promise<unknown>> = {
  form: ({ elicit }) => elicit({ message: 'm', schema: formSchema }),
  url: ({ elicit }) => elicit({ message: 'm', url: 'https://example.com' }),
  sample: ({ sample }) => sample({ messages: [message], maxTokens: 1 }),
  tools: ({ sample }) => sample({ messages: [message], maxTokens: 1, tools }),
  choice: ({ sample }) =>
    sample({ messages: [message], maxTokens: 1, toolChoice: { mode: 'auto' } }),
  roots: ({ roots }) => roots(),
}
function makeServer() {
  const server = defineServer({ name: 's', version: '1', onError: () => {} })
  for (const [name, ask] of Object.entries(asks)) {
    server.tool(name, {}, async (_args, context) => JSON.stringify(await ask(context)))
  }
  return server
}

/** Whether a client of these capabilities is asked, and else what it is told that it lacks. */
const cases: [ask: string, capabilities: object, missing: object | undefined][] = [
  ['form', {}, { elicitation: { form: {} } }],
  ['form', { elicitation: {} }, undefined], // 26.elicitation.008
  ['form', { elicitation: { form: {} } }, undefined],
  ['form', { elicitation: { url: {} } }, { elicitation: { form: {} } }],
  ['url', {}, { elicitation: { url: {} } }],
  ['url', { elicitation: {} }, { elicitation: { url: {} } }], // 26.elicitation.008
  ['url', { elicitation: { form: {} } }, { elicitation: { url: {} } }],
  ['url', { elicitation: { url: {} } }, undefined],
  ['sample', {}, { sampling: {} }],
  ['sample', { sampling: {} }, undefined],
  ['tools', { sampling: {} }, { sampling: { tools: {} } }],
  ['tools', { sampling: { tools: {} } }, undefined],
  ['choice', { sampling: {} }, { sampling: { tools: {} } }],
  ['roots', {}, { roots: {} }],
  ['roots', { roots: {} }, undefined],
]

const isQuestion = (reply: Message | undefined) =>
  String(reply?.result?.resultType) === 'input_required'

/** Calls a tool; gives its response, or undefined if the client is asked something. */
async function callOrQuestion(peer: Peer, name: string): Promise<Message | undefined> {
  const question = peer.next().then(() => undefined)
  const reply = peer.request('tools/call', { name })
  const first = await Promise.race([question, reply])
  return isQuestion(first) ? undefined : first
}

suite('a client that lacks what a tool needs', () => {
  for (const [ask, capabilities, missing] of cases) {
    const what = missing === undefined ? 'is asked' : `is told of ${JSON.stringify(missing)}`
    test(`26.base.062 26.base.063 26.base.064 26.elicitation.010 26.sampling.008 26.roots.021 26.mrtr.019: ${JSON.stringify(capabilities)} ${what} (${ask}, 2026-07-28)`, async (t) => {
      const peer = await connectStateless(t, makeServer(), capabilities)
      const reply = await callOrQuestion(peer, ask)
      assert.equal(reply?.error?.code, missing === undefined ? undefined : -32021)
      assert.deepEqual(reply?.error?.data?.requiredCapabilities, missing)
    })

    test(`25.elicitation.002 25.sampling.002 25.lifecycle.016 25.lifecycle.026: ${JSON.stringify(capabilities)} ${what} (${ask}, 2025-11-25)`, async (t) => {
      const peer = await connectStateful(t, makeServer(), '2025-11-25', capabilities)
      const reply = await callOrQuestion(peer, ask)
      assert.equal(reply?.error !== undefined, missing !== undefined)
      assert.deepEqual(reply?.error?.data?.requiredCapabilities, missing)
      // 26.errors.006: the code of 2026-07-28 is not spoken here.
      if (missing !== undefined) assert.equal(reply?.error?.code, -32603)
    })
  }

  test('26.base.065: over HTTP gets status 400 in 2026-07-28, and 200 in a session', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const stateless = await endpoint.stateless('tools/call', { name: 'sample' }, { id: 7 })
    assert.equal(stateless.status, 400)
    assert.equal(stateless.message.error?.code, -32021)
    assert.equal(stateless.message.id, 7)
    const session = await endpoint.session()
    assert.equal((await session.send(request('tools/call', { name: 'sample' }))).status, 200)
  })

  test('26.base.066: what an earlier request declared does not count', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const call = async (capabilities: object) =>
      (await endpoint.stateless('tools/call', { name: 'form' }, { capabilities })).message
    assert.equal((await call({ elicitation: {} })).result?.resultType, 'input_required')
    assert.equal((await call({})).error?.code, -32021)
  })
})

suite('what a revision does not have cannot be asked', () => {
  for (const version of statefulVersions) {
    test(`0326.elicitation.001 0618.lifecycle.003 0618.sampling.002 25.sampling.002: in ${version}`, async (t) => {
      const everything = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }
      const asked = async (ask: string) => {
        const peer = await connectStateful(t, makeServer(), version, everything)
        return (await callOrQuestion(peer, ask)) === undefined
      }
      assert.equal(await asked('roots'), true)
      assert.equal(await asked('sample'), true)
      assert.equal(await asked('form'), version >= '2025-06-18')
      assert.equal(await asked('url'), version >= '2025-11-25')
      assert.equal(await asked('tools'), version >= '2025-11-25')
    })
  }
})

test('25.lifecycle.006: nothing is asked of a client before it has said that it is initialized', async (t) => {
  const peer = await connectPeer(t, makeServer())
  peer.send(initialize('2025-11-25', { elicitation: {} }))
  await peer.answerTo(0)
  const reply = peer.request('tools/call', { name: 'form' })
  assert.deepEqual(await peer.settled(), [])
  peer.notify('notifications/initialized')
  const question = await peer.next()
  assert.equal(question.method, 'elicitation/create')
  peer.send({ jsonrpc: '2.0', id: question.id, result: { action: 'cancel' } })
  assert.ok((await reply).result)
})
