import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Context, defineServer, McpError } from '../../src/index.ts'
import { startEndpoint } from '../support/http.ts'
import { ableClient, type Message, request } from '../support/messages.ts'
import { connectAs, connectStateful, connectStateless } from '../support/peer.ts'
import { assertToolError } from '../support/refusals.ts'

function makeServer(handle: (context: Context) => Promise<unknown>) {
  const server = defineServer({ name: 'pages', version: '1', onError: () => {} })
  server.tool('ask', {}, async (_args, context) => JSON.stringify(await handle(context)))
  return server
}
const page = { message: 'Pay', url: 'https://pay.example.com/1' }
const call = { name: 'ask' }

const isInputRequired = ({ result }: Message) => String(result?.resultType) === 'input_required'

/** What is warned of while something runs. */
async function warnings(run: () => Promise<unknown>): Promise<string[]> {
  const told: string[] = []
  const listener = ({ message }: Error) => void told.push(message)
  process.on('warning', listener)
  try {
    await run()
    await new Promise(setImmediate)
  } finally {
    process.off('warning', listener)
  }
  return told
}

suite('a page that the user is done with', () => {
  test('25.elicitation.011: is told of on the stream of the call, and later on the one that the client listens to', async (t) => {
    const paid = Promise.withResolvers<void>()
    const server = makeServer(async ({ elicit }) => {
      const done = paid.promise
      await Promise.all([
        elicit({ ...page, done: Promise.resolve() }),
        elicit({ ...page, done }),
        elicit({ ...page, done: Promise.reject(new Error('left')) }),
      ])
      return 'thanks'
    })
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session('2025-11-25', { elicitation: { url: {} } })
    const listening = await session.listen()
    const stranger = await (await endpoint.session()).listen()
    const stream = await session.open(request('tools/call', call, 'call'))
    const asked: Message[] = []
    const told: Message[] = []
    while (asked.length < 3 || told.length < 1) {
      const message = (await stream.events.nextMessage()) ?? {}
      if (message?.method === 'elicitation/create') asked.push(message)
      else told.push(message)
    }
    const done = (index: number) => ({
      jsonrpc: '2.0',
      method: 'notifications/elicitation/complete',
      params: { elicitationId: asked[index]?.params?.elicitationId },
    })
    assert.deepEqual(told, [done(0)])
    for (const { id } of asked) {
      await session.send({ jsonrpc: '2.0', id, result: { action: 'accept' } })
    }
    assert.equal((await stream.events.rest()).at(-1)?.id, 'call')
    paid.resolve()
    assert.deepEqual(await listening.events.nextMessage(), done(1))
    await endpoint.engine.close(0)
    assert.deepEqual(await listening.events.rest(), [])
    assert.deepEqual(await stranger.events.rest(), [])
  })

  test('25.elicitation.011: is not told of where the revision has no word for it', async (t) => {
    const server = makeServer(({ elicit }) => elicit({ ...page, done: Promise.resolve() }))
    const peer = await connectStateless(t, server, ableClient)
    const { result } = await peer.request('tools/call', call)
    assert.equal(result?.resultType, 'input_required')
    assert.deepEqual(await peer.settled(), [])
  })
})

suite('the error that sends users to pages', () => {
  const elicitation = { mode: 'url', elicitationId: 'e1', ...page }
  const throwing = (data: unknown) =>
    makeServer(() => {
      throw new McpError('URL_ELICITATION_REQUIRED', 'Sign in first', { data })
    })

  test('25.elicitation.016 25.elicitation.018: reaches a client of 2025-11-25 that has pages, with all of them', async (t) => {
    const data = { elicitations: [elicitation, { ...elicitation, elicitationId: 'e2' }] }
    const peer = await connectStateful(t, throwing(data), '2025-11-25', ableClient)
    const { error } = await peer.request('tools/call', call)
    assert.deepEqual(error, { code: -32042, message: 'Sign in first', data })
  })

  for (const version of ['2026-07-28', '2025-11-25', '2025-06-18'] as const) {
    test(`25.elicitation.017: is another one for a client that has none (${version})`, async (t) => {
      const server = throwing({ elicitations: [elicitation] })
      const peer = await connectAs(t, server, version, { elicitation: { form: {} } })
      const { error } = await peer.request('tools/call', call)
      assert.equal(error?.code, version === '2026-07-28' ? -32021 : -32603)
      assert.deepEqual(error.data, { requiredCapabilities: { elicitation: { url: {} } } })
    })
  }

  const { elicitationId: _, ...nameless } = elicitation
  const malformed: unknown[] = [
    undefined,
    {},
    { elicitations: [] },
    { elicitations: elicitation },
    { elicitations: [elicitation, { ...elicitation, mode: 'form' }] },
    { elicitations: [nameless] },
    { elicitations: [{ ...elicitation, elicitationId: '' }] },
    { elicitations: [{ ...elicitation, url: 'nowhere' }] },
    { elicitations: [{ ...elicitation, message: 1 }] },
    { elicitations: [null] },
  ]
  test('25.elicitation.018: is not sent when it does not list pages, each with its id', async (t) => {
    for (const data of malformed) {
      const peer = await connectStateful(t, throwing(data), '2025-11-25', ableClient)
      const { error } = await peer.request('tools/call', call)
      assert.equal(error?.code, -32603, JSON.stringify(data))
      assert.match(error.message, /with data.elicitations/)
      assert.equal(error.data, undefined)
    }
  })
})

for (const version of ['2026-07-28', '2025-11-25'] as const) {
  suite(`the address of a page (${version})`, () => {
    const ask = async (t: Parameters<typeof connectAs>[0], url: string) => {
      const server = makeServer(({ elicit }) => elicit({ message: 'Go', url }))
      const peer = await connectAs(t, server, version, ableClient)
      const answer = peer.request('tools/call', call)
      if (version === '2026-07-28') return answer
      return Promise.race([answer, peer.next()])
    }
    const isSent = (answer: Message) => 'method' in answer || isInputRequired(answer)

    const bad: [url: string, why: RegExp][] = [
      ['https://ada:secret@example.com/', /must not carry credentials/],
      ['https://token@example.com/', /must not carry credentials/],
      ['https://example.com/?access_token=abc', /must not carry credentials/],
      ['https://example.com/?next=1&apiKey=abc', /must not carry credentials/],
      ['https://example.com/#id_token=abc', /must not carry credentials/],
      ['https://example.com/?password=abc', /must not carry credentials/],
    ]
    test('26.elicitation.050 25.elicitation.027: that would let in whoever has it is not sent', async (t) => {
      for (const [url, why] of bad) assertToolError(await ask(t, url), why)
      assert.ok(isSent(await ask(t, 'https://example.com/pay?order=17&state=x#top')))
    })

    test('26.elicitation.049 25.elicitation.027: that says who the user is, is not sent', async (t) => {
      for (const query of [
        'login_hint=ada@example.com',
        'card=4111 1111 1111 1111',
        'n=4111111111111111',
      ]) {
        assertToolError(
          await ask(t, `https://example.com/?${query}`),
          /must not carry personal data/,
        )
      }
    })

    test('26.elicitation.052: that is not encrypted is warned of, but on this machine', async (t) => {
      const host = `${version}.example.com`
      assert.deepEqual(await warnings(() => ask(t, `http://${host}/`)), [
        `Users are sent to http://${host}: use https`,
      ])
      for (const url of ['http://localhost:3000/', 'http://127.0.0.1/', 'https://x.example.com']) {
        assert.deepEqual(await warnings(() => ask(t, url)), [], url)
      }
    })
  })
}

suite('a form', () => {
  const ask = async (
    t: Parameters<typeof connectAs>[0],
    version: string,
    message: string,
    properties: Record<string, Record<string, unknown>>,
  ) => {
    const server = makeServer(({ elicit }) =>
      elicit({ message, schema: { type: 'object', properties } }),
    )
    const peer = await connectAs(t, server, version, ableClient)
    const answer = peer.request('tools/call', call)
    return version === '2026-07-28' ? answer : Promise.race([answer, peer.next()])
  }
  const secrets: Record<string, object> = {
    password: { type: 'string' },
    newPassword: { type: 'string', minLength: 8 },
    api_key: { type: 'string' },
    githubAccessToken: { type: 'string' },
    token: { type: 'string' },
    'client-secret': { type: 'string' },
    cardNumber: { type: 'integer' },
    cvv: { type: 'number' },
    field: { type: 'string', title: 'Credit card number' },
  }
  for (const version of ['2026-07-28', '2025-11-25', '2025-06-18'] as const) {
    test(`26.elicitation.001 25.elicitation.028 0618.elicitation.005: never asks for passwords, keys, tokens or payment credentials (${version})`, async (t) => {
      for (const [name, property] of Object.entries(secrets)) {
        const answer = await ask(t, version, 'Please', { [name]: { ...property } })
        assertToolError(answer, /asks for a secret: send the user to a page instead, by `url`/)
      }
      const harmless = {
        name: { type: 'string' },
        resetPassword: { type: 'boolean' },
        tokens: { type: 'integer' },
        secret: { type: 'string', enum: ['keep', 'tell'] },
      }
      const asked = await ask(t, version, 'Please', harmless)
      assert.ok('method' in asked || isInputRequired(asked))
    })
  }

  test('26.elicitation.002: what it may not ask for, a page may', async (t) => {
    const server = makeServer(async ({ elicit }) => {
      const schema = { type: 'object', properties: { apiKey: { type: 'string' } } } as const
      const refused = await elicit({ message: 'Key?', schema }).catch(String)
      assert.match(String(refused), /by `url`/)
      return elicit({ message: 'Give us your key', url: 'https://example.com/keys' })
    })
    const peer = await connectStateful(t, server, '2025-11-25', ableClient)
    const reply = peer.request('tools/call', call)
    const question = await peer.next()
    assert.equal(question.params?.mode, 'url')
    peer.send({ jsonrpc: '2.0', id: question.id, result: { action: 'accept' } })
    assert.ok((await reply).result)
  })

  test('26.elicitation.051 25.elicitation.027: with a link in it is warned of', async (t) => {
    for (const [message, property] of [
      ['See https://one.example.com', { type: 'string' }],
      ['Two', { type: 'string', description: 'as on HTTP://two.example.com/' }],
      ['Three', { type: 'string', title: 'http://three.example.com' }],
      ['Four', { type: 'string', format: 'uri', default: 'https://four.example.com' }],
    ] as const) {
      const told = await warnings(() => ask(t, '2026-07-28', message, { site: property }))
      assert.equal(told.length, 1, message)
      assert.match(told[0] ?? '', /^A form must not make users follow a link/)
    }
    const plain = { site: { type: 'string', format: 'uri', title: 'Your site' } }
    assert.deepEqual(await warnings(() => ask(t, '2026-07-28', 'Where?', plain)), [])
  })
})

test('26.elicitation.037: who is not let in is refused, and never asked to sign in by a page', async (t) => {
  let runs = 0
  const server = makeServer(({ elicit }) => {
    runs += 1
    return elicit(page)
  })
  const endpoint = await startEndpoint(t, server, {
    authenticate: ({ getHeader }) =>
      getHeader('authorization') === 'Bearer good' ? { subject: 'ada' } : undefined,
  })
  const refused = await endpoint.stateless('tools/call', call, { capabilities: ableClient })
  assert.equal(refused.status, 401)
  assert.equal(refused.message.result, undefined)
  assert.equal(runs, 0)
  const headers = { authorization: 'Bearer good' }
  const asked = await endpoint.stateless('tools/call', call, { capabilities: ableClient, headers })
  assert.equal(asked.message.result?.resultType, 'input_required')
})
