import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, type SampleRequest, type Server } from '../../src/index.ts'
import { firstText, type Loose } from '../support/messages.ts'
import { connectAs } from '../support/peer.ts'
import { assertToolError } from '../support/refusals.ts'

type Messages = SampleRequest['messages']
const text = (value: string) => ({ type: 'text' as const, text: value })
const use = (id: string) => ({ type: 'tool_use' as const, id, name: 't', input: {} })
const result = (toolUseId: string) => ({
  type: 'tool_result' as const,
  toolUseId,
  content: [text('r')],
})
const user = (content: Messages[number]['content']) => ({ role: 'user' as const, content })
const assistant = (content: Messages[number]['content']) => ({
  role: 'assistant' as const,
  content,
})
const tools = [{ name: 't', inputSchema: { type: 'object' } }]

/** What a client of the revision is asked, or the tool's failure. */
async function ask(
  t: Parameters<typeof connectAs>[0],
  version: string,
  request: object,
  capabilities: object = { sampling: { tools: {}, context: {} } },
) {
  const server = defineServer({ name: 's', version: '1', onError: () => {} })
  server.tool('ask', {}, async (_args, { sample }) => {
    await sample({ maxTokens: 1, messages: [user(text('hi'))], ...request })
    return 'asked'
  })
  const peer = await connectAs(t, server, version, capabilities)
  const reply = peer.request('tools/call', { name: 'ask' })
  if (version === '2026-07-28') return reply
  const question = peer.next().then(() => ({ id: 'asked' }))
  return Promise.race([reply, question])
}
const isAsked = (answer: Awaited<ReturnType<typeof ask>>) =>
  answer.id === 'asked' ||
  ('result' in answer && String(answer.result?.resultType) === 'input_required')

for (const version of ['2026-07-28', '2025-11-25']) {
  suite(`a request for sampling (${version})`, () => {
    const good: [string, Messages][] = [
      [
        'text, images and audio',
        [user([text('a'), { type: 'image', data: 'AA==', mimeType: 'image/png' }])],
      ],
      [
        'a tool used and its result',
        [user(text('q')), assistant([text('let me see'), use('1')]), user([result('1')])],
      ],
      ['tools used at once', [assistant([use('1'), use('2')]), user([result('2'), result('1')])]],
      ['one block alone', [assistant(use('1')), user(result('1'))]],
      [
        'a tool used twice in turn',
        [assistant(use('1')), user(result('1')), assistant(use('2')), user(result('2'))],
      ],
    ]
    for (const [name, messages] of good) {
      test(`26.sampling.016 26.sampling.017 26.sampling.019 26.sampling.020 26.sampling.023: with ${name} is sent`, async (t) => {
        const answer = await ask(t, version, { messages, tools })
        assert.ok(isAsked(answer), JSON.stringify(answer))
      })
    }

    const bad: [string, Messages, RegExp][] = [
      [
        '26.sampling.019 25.sampling.010: a tool result beside text',
        [assistant(use('1')), user([result('1'), text('and')])],
        /tool.result/i,
      ],
      [
        '26.sampling.020 26.sampling.047 25.sampling.014: a tool used and no result',
        [assistant(use('1')), user(text('well?'))],
        /tool.(result|use)/i,
      ],
      [
        '26.sampling.020: a tool used at the end',
        [user(text('q')), assistant(use('1'))],
        /tool.(result|use)/i,
      ],
      [
        '26.sampling.020: one result for two uses',
        [assistant([use('1'), use('2')]), user([result('1')])],
        /tool.(result|use)/i,
      ],
      ['26.sampling.021: a result for no use', [user([result('9')])], /tool.(result|use)/i],
      [
        '26.sampling.021: a result of another id',
        [assistant(use('1')), user(result('2'))],
        /tool.(result|use)/i,
      ],
      ['26.sampling.016: another role', [{ role: 'system' as never, content: text('x') }], /role/],
      [
        '26.sampling.043: an image that is no base64',
        [user([{ type: 'image', data: '<png>', mimeType: 'image/png' }])],
        /data of an image block is base64/,
      ],
      [
        '26.sampling.043: audio without a type',
        [user([{ type: 'audio', data: 'AA==' } as never])],
        /audio has a mimeType/,
      ],
      [
        '26.sampling.043 25.sampling.013: text without text',
        [user([{ type: 'text', text: 5 } as never])],
        /text block has text/,
      ],
      [
        '26.sampling.017 26.sampling.043: another block',
        [user({ type: 'resource_link', uri: 'a:b', name: 'x' } as never)],
        /resource_link/,
      ],
    ]
    for (const [name, messages, what] of bad) {
      test(`${name}: is told to the handler and not sent`, async (t) => {
        const answer = await ask(t, version, { messages, tools })
        assert.ok(!isAsked(answer))
        assertToolError(answer as never, what)
      })
    }

    test('26.sampling.035: preferences are numbers from 0 to 1', async (t) => {
      const preferences = (value: number | undefined) => ({
        modelPreferences: { costPriority: value, hints: [{ name: 'small' }] },
      })
      for (const value of [0, 0.5, 1, undefined])
        assert.ok(isAsked(await ask(t, version, preferences(value))))
      for (const value of [-0.1, 1.1, Number.NaN]) {
        const answer = await ask(t, version, preferences(value))
        assert.ok(!isAsked(answer))
        assert.match(firstText(answer as never), /costPriority/)
      }
    })

    test('26.sampling.011 25.sampling.004: context of servers only where the client has declared it', async (t) => {
      for (const includeContext of ['thisServer', 'allServers']) {
        assert.ok(isAsked(await ask(t, version, { includeContext })))
        assert.ok(!isAsked(await ask(t, version, { includeContext }, { sampling: {} })))
      }
      assert.ok(isAsked(await ask(t, version, { includeContext: 'none' }, { sampling: {} })))
    })
  })
}

for (const version of ['2025-06-18', '2025-03-26', '2024-11-05']) {
  test(`0618.sampling.001 0618.sampling.002: in ${version} content is one block, and of no tool`, async (t) => {
    assert.ok(isAsked(await ask(t, version, {}, { sampling: {} })))
    for (const content of [[text('a'), text('b')], use('1'), result('1')]) {
      const answer = await ask(t, version, { messages: [user(content as never)] }, { sampling: {} })
      assert.ok(!isAsked(answer), JSON.stringify(content))
    }
  })
}

for (const version of ['2026-07-28', '2025-11-25'] as const) {
  suite(`requests for sampling (${version})`, () => {
    /** Calls a tool that samples, and answers what it asks until it is done. */
    async function callThrough(t: Parameters<typeof connectAs>[0], server: Server) {
      const peer = await connectAs(t, server, version, { sampling: { context: {} } })
      const answer = { role: 'assistant', model: 'm', content: text('yo') }
      const asked: Loose[] = []
      if (version === '2025-11-25') {
        const reply = peer.request('tools/call', { name: 'ask' })
        const answering = (async () => {
          for (;;) {
            const { id, params } = await peer.next()
            asked.push(params as Loose)
            peer.send({ jsonrpc: '2.0', id, result: answer })
          }
        })()
        void answering
        return { asked, reply: await reply }
      }
      for (let params: object = {}; ; ) {
        const reply = await peer.request('tools/call', { name: 'ask', ...params })
        const { inputRequests, requestState } = reply.result ?? {}
        if (inputRequests === undefined) return { asked, reply }
        const keys = Object.keys(inputRequests)
        asked.push(...keys.map((each) => inputRequests[each]?.params as Loose))
        params = {
          requestState,
          inputResponses: Object.fromEntries(keys.map((each) => [each, answer])),
        }
      }
    }

    test('26.sampling.018 26.sampling.012 26.deprecated.009: hold what they are given, nothing of one before and no context', async (t) => {
      const server = defineServer({ name: 's', version: '1' })
      server.tool('ask', {}, async (_args, { sample }) => {
        await sample({ maxTokens: 1, messages: [user(text('one'))] })
        await sample({ maxTokens: 2, messages: [user(text('two'))] })
        return 'done'
      })
      const { asked, reply } = await callThrough(t, server)
      assert.equal(firstText(reply), 'done')
      assert.deepEqual(asked, [
        { maxTokens: 1, messages: [user(text('one'))] },
        { maxTokens: 2, messages: [user(text('two'))] },
      ])
    })

    test('26.sampling.048 25.sampling.013: that go round in circles have an end', async (t) => {
      const loop = (options: object) => {
        const server = defineServer({ name: 's', version: '1', onError: () => {}, ...options })
        server.tool('ask', {}, async (_args, { sample }) => {
          for (;;) await sample({ maxTokens: 1, messages: [user(text('again'))] })
        })
        return server
      }
      const { asked, reply } = await callThrough(t, loop({ maxQuestions: 3 }))
      assert.equal(asked.length, 3)
      assert.equal(reply.error?.code, -32603)
      assert.match(reply.error?.message ?? '', /may ask its client 3 times/)
      const byDefault = await callThrough(t, loop({}))
      assert.equal(byDefault.asked.length, 100)
    })
  })
}
