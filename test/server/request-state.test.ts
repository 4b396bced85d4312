import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { serveHttp } from '../../src/http.ts'
import { defineServer, type Server, type ServerOptions } from '../../src/index.ts'
import { UsedInMemory } from '../../src/internal/used-once.ts'
import { RequestStateCodec } from '../../src/server/request-state.ts'
import { formSchema } from '../support/fixture-server.ts'
import { temporaryFolder } from '../support/folder.ts'
import { HttpClient, startEndpoint, type TestEndpoint } from '../support/http.ts'
import { firstText, type Message } from '../support/messages.ts'
import { connectStateless } from '../support/peer.ts'
import { assertAlive, assertError } from '../support/refusals.ts'

const form = { message: 'Name?', schema: formSchema }
const accepted = { action: 'accept', content: { name: 'x' } }
const capabilities = { elicitation: {} }

function makeServer(requestState: ServerOptions['requestState'] = {}): Server {
  const server = defineServer({ name: 's', version: '1', requestState, onError: () => {} })
  for (const name of ['ask', 'other']) {
    server.tool(name, { input: { type: 'object' } }, async (_args, { elicit }) => {
      const one = await elicit({ key: 'one', ...form })
      const two = await elicit({ key: 'two', ...form })
      return `${one.content?.name} ${two.content?.name}`
    })
  }
  server.tool('echo', { input: { type: 'object' } }, ({ text }) => String(text))
  return server
}
const call = async (
  endpoint: Pick<TestEndpoint, 'stateless'>,
  params: object,
  headers = {},
): Promise<Message> =>
  (await endpoint.stateless('tools/call', { name: 'ask', ...params }, { capabilities, headers }))
    .message
/** A state in which the first question is answered. */
async function stateAfterOne(
  endpoint: Pick<TestEndpoint, 'stateless'>,
  params: object = {},
  headers = {},
) {
  const { result } = await call(endpoint, { ...params, inputResponses: { one: accepted } }, headers)
  return String(result?.requestState)
}
const two = { two: accepted }
function assertRefusedState(answer: Message, what: RegExp): void {
  assertError(answer, { code: -32602, id: 1, message: what })
}

suite('a requestState', () => {
  test('26.mrtr.017: is taken once where the server says so, even by calls at the same time', async (t) => {
    const endpoint = await startEndpoint(t, makeServer({ singleUse: true }))
    const [state, other] = await Promise.all([stateAfterOne(endpoint), stateAfterOne(endpoint)])
    assert.notEqual(state, other)
    const present = (requestState: string) => call(endpoint, { inputResponses: two, requestState })
    const answers = await Promise.all([state, state, state, other].map(present))
    const taken = answers.map(({ result }) => result !== undefined)
    assert.equal(taken.slice(0, 3).filter(Boolean).length, 1)
    assert.equal(taken[3], true)
    assertRefusedState(await present(state), /requestState has been used/)
    assertRefusedState(await present(other), /requestState has been used/)
  })

  test('26.mrtr.017: is taken once by all who serve the same data, and after a restart', async (t) => {
    const data = temporaryFolder(t)
    const open = async () => {
      const server = makeServer({ singleUse: true })
      const listener = await serveHttp(server, { port: 0, drainMs: 0, data })
      t.after(() => listener.close())
      return new HttpClient(t, listener.port)
    }
    const [one, two] = [await open(), await open()]
    const state = await stateAfterOne(one)
    const present = (client: HttpClient) =>
      call(client, { inputResponses: { two: accepted }, requestState: state })
    const answers = await Promise.all([one, two, one, two].map(present))
    assert.equal(answers.filter(({ result }) => result !== undefined).length, 1)
    const restarted = await open()
    assertRefusedState(await present(restarted), /requestState has been used/)
    const fresh = await stateAfterOne(one)
    const answer = await call(restarted, { inputResponses: { two: accepted }, requestState: fresh })
    assert.equal(firstText(answer), 'x x')
  })

  test('26.mrtr.017: that was used is forgotten when it has expired anyway', () => {
    const codec = new RequestStateCodec({ ttlMs: 10, singleUse: true }, new UsedInMemory(20))
    const encode = (nowMs: number) => codec.encode({ answers: {} }, 'b', nowMs)
    const state = encode(0)
    void codec.decode(state, 'b', 0)
    assert.throws(() => codec.decode(state, 'b', 5), /has been used/)
    assert.throws(() => codec.decode(state, 'b', 11), /has expired/)
    for (let time = 0; time < 1000; time += 1) void codec.decode(encode(time), 'b', time)
  })

  test('26.mrtr.017: is not taken when too many are in use', () => {
    const codec = new RequestStateCodec({ ttlMs: 10, singleUse: true }, new UsedInMemory(20))
    const use = () => codec.decode(codec.encode({ answers: {} }, 'b', 0), 'b', 0)
    for (let count = 0; count < 20; count += 1) void use()
    assert.throws(use, /cannot be taken now/)
  })

  test('26.mrtr.011 26.mrtr.012 26.mrtr.034: that was changed anywhere is refused', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const state = await stateAfterOne(endpoint)
    const changed = [
      `${state}-TAMPERED`,
      `${state}=`,
      `${state}.`,
      ` ${state}`,
      state.slice(0, -1),
      state.slice(1),
      state.replace('.', ''),
      `${state.slice(0, 5)}${state[5] === 'A' ? 'B' : 'A'}${state.slice(6)}`,
      state.toUpperCase(),
      '',
      '.',
    ]
    for (const requestState of changed) {
      assertRefusedState(
        await call(endpoint, { inputResponses: two, requestState }),
        /requestState fails verification/,
      )
    }
    const good = await call(endpoint, { inputResponses: two, requestState: state })
    assert.equal(firstText(good), 'x x')
  })

  test('26.mrtr.010: that is no string, or endless, is refused', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    for (const requestState of [5, null, {}, [], true]) {
      assertRefusedState(await call(endpoint, { requestState }), /requestState must be a string/)
    }
    assertRefusedState(await call(endpoint, { requestState: 'x'.repeat(70_000) }), /is too long/)
    await assertAlive(endpoint)
  })

  test('26.mrtr.016: of another tool or other arguments is refused', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const state = await stateAfterOne(endpoint, { arguments: { a: 1, b: { c: 2 } } })
    const retry = (params: object) =>
      call(endpoint, { inputResponses: two, requestState: state, ...params })
    for (const params of [
      { name: 'other', arguments: { a: 1, b: { c: 2 } } },
      { arguments: { a: 2, b: { c: 2 } } },
      { arguments: { a: 1 } },
      { arguments: undefined },
    ]) {
      assertRefusedState(await retry(params), /fails verification/)
    }
    assert.equal(firstText(await retry({ arguments: { b: { c: 2 }, a: 1 } })), 'x x')
  })

  test('26.mrtr.014 26.elicitation.034 26.elicitation.035 26.elicitation.036 26.elicitation.044 25.elicitation.024 26.security.037: of another principal is refused', async (t) => {
    const endpoint = await startEndpoint(t, makeServer(), {
      authenticate: ({ getHeader }) => ({ subject: getHeader('authorization') ?? 'nobody' }),
    })
    const alice = { authorization: 'alice' }
    const requestState = await stateAfterOne(endpoint, {}, alice)
    const retry = (headers: object) =>
      call(endpoint, { inputResponses: two, requestState }, headers)
    assertRefusedState(await retry({ authorization: 'bob' }), /fails verification/)
    assertRefusedState(await retry({}), /fails verification/)
    assert.equal(firstText(await retry(alice)), 'x x')
  })

  test('26.mrtr.015: that is too old is refused', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const endpoint = await startEndpoint(t, makeServer({ ttlMs: 5000 }))
    const requestState = await stateAfterOne(endpoint)
    t.mock.timers.setTime(1_005_000)
    const inTime = await call(endpoint, { inputResponses: two, requestState })
    assert.equal(firstText(inTime), 'x x')
    t.mock.timers.setTime(1_005_001)
    const late = await call(endpoint, { inputResponses: two, requestState })
    assertRefusedState(late, /requestState has expired/)
  })

  test('26.base.025 26.mrtr.013: is good at another node of the same secret, and at no other', async (t) => {
    const secret = 'sixteen bytes at least'
    const one = await startEndpoint(t, makeServer({ secret }))
    const same = await startEndpoint(t, makeServer({ secret: Buffer.from(secret) }))
    const other = await startEndpoint(t, makeServer({ secret: `${secret}!` }))
    const random = await startEndpoint(t, makeServer())
    const requestState = await stateAfterOne(one)
    const retry = { inputResponses: two, requestState }
    assert.equal(firstText(await call(same, retry)), 'x x')
    assertRefusedState(await call(other, retry), /fails verification/)
    assertRefusedState(await call(random, retry), /fails verification/)
  })

  test('carries nothing that was not asked, and what was answered cannot be changed without it', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const inputResponses = { one: accepted, unasked: { secret: 1 } }
    const { result } = await call(endpoint, { inputResponses })
    const [payload = ''] = String(result?.requestState).split('.')
    const carried = JSON.parse(Buffer.from(payload, 'base64url').toString())
    assert.deepEqual(Object.keys(carried.answers), ['one'])
  })
})

suite('what is too much to carry on', () => {
  test('26.mrtr.010 26.errors.016: answers of more than 64 KiB: an error with the id, and the process lives', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const one = { action: 'accept', content: { name: 'x'.repeat(70_000) } }
    const answer = await call(endpoint, { inputResponses: { one } })
    assertError(answer, { code: -32602, id: 1, message: /too long to carry on/ })
    await assertAlive(endpoint)
  })

  test('26.errors.016: arguments nested deeper than JavaScript can follow', async (t) => {
    const endpoint = await startEndpoint(t, makeServer(), { json: { maxDepth: 1e6 } })
    const depth = 20_000
    const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    for (const more of [
      '',
      ',"inputResponses":{"one":{"action":"decline"}}',
      ',"requestState":"x.y"',
    ]) {
      const params = `{"name":"ask","arguments":${deep}${more},"_meta":META}`
      const meta = JSON.stringify({
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': capabilities,
      })
      const answer = await endpoint.send({
        headers: {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'ask',
        },
        body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params.replace('META', meta)}}`,
      })
      assert.equal(answer.message.id, 1)
      assert.ok([-32602, -32603].includes(answer.message.error?.code ?? 0), answer.text)
      await assertAlive(endpoint)
    }
  })
})

test('26.mrtr.015: the codec takes its clock as an argument', async () => {
  const codec = new RequestStateCodec({ ttlMs: 10 })
  const state = codec.encode({ answers: {} }, 'b', 100)
  assert.deepEqual({ ...(await codec.decode(state, 'b', 110)).answers }, {})
  assert.throws(() => codec.decode(state, 'b', 111), /has expired/)
  assert.throws(() => codec.decode(state, 'c', 100), /fails verification/)
})

test('26.mrtr.009: a state is text without blanks or quotes', async (t) => {
  const peer = await connectStateless(t, makeServer(), capabilities)
  const { result } = await peer.request('tools/call', { name: 'ask' })
  assert.match(String(result?.requestState), /^[\w-]+\.[\w-]+$/)
})
