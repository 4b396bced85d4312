import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { serveHttp } from '../../src/http.ts'
import { type AuthInfo, defineServer } from '../../src/index.ts'
import { HttpClient, startEndpoint } from '../support/http.ts'
import { firstText, key, request } from '../support/messages.ts'
import { TaskServer, withTasks } from '../support/tasks.ts'

const users: Record<string, AuthInfo> = {
  'key-of-ada': { subject: 'ada', claims: { team: 'engines' } },
  'key-of-eve': { subject: 'eve' },
}
/** A way to say who one is that no specification has: a header of one's own. */
const authenticate = ({ getHeader }: { getHeader(name: string): string | undefined }) =>
  users[getHeader('x-api-key') ?? '']
const ada = { 'x-api-key': 'key-of-ada' }
const eve = { 'x-api-key': 'key-of-eve' }

function makeServer() {
  const server = defineServer({ name: 'identity', version: '1' })
  server.tool('who', {}, (_args, { authInfo }) => JSON.stringify(authInfo ?? null))
  server.prompt(
    'ask',
    {
      arguments: {
        file: {
          complete: (_value, { authInfo }) => (authInfo?.subject === 'ada' ? ['plans'] : []),
        },
      },
    },
    () => 'x',
  )
  return server
}
const whoIs = (client: HttpClient, headers: Record<string, string>) =>
  client.stateless('tools/call', { name: 'who' }, { headers })

suite('who is calling', () => {
  test('25.base.013 26.base.030: may be found out in any way that both sides agree on', async (t) => {
    const endpoint = await startEndpoint(t, makeServer(), { authenticate })
    const { message } = await whoIs(endpoint, ada)
    assert.deepEqual(JSON.parse(firstText(message)), users['key-of-ada'])
    assert.equal((await whoIs(endpoint, { 'x-api-key': 'guessed' })).status, 401)
    assert.equal((await whoIs(endpoint, {})).status, 401)
    const session = await endpoint.session('2025-11-25', {}, ada)
    const answer = await session.call('tools/call', { name: 'who' })
    assert.deepEqual(JSON.parse(firstText(answer)), users['key-of-ada'])
  })

  test('26.completion.023: decides what is suggested', async (t) => {
    const endpoint = await startEndpoint(t, makeServer(), { authenticate })
    const complete = async (headers: Record<string, string>) => {
      const ref = { type: 'ref/prompt', name: 'ask' }
      const argument = { name: 'file', value: '' }
      const params = { ref, argument }
      return (await endpoint.stateless('completion/complete', params, { headers })).message.result
    }
    assert.deepEqual((await complete(ada))?.completion?.values, ['plans'])
    assert.deepEqual((await complete(eve))?.completion?.values, [])
  })

  test('26.base.069: is not what a client calls itself', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server, { authenticate })
    const named = (name: string, headers: Record<string, string>, taskId?: string) => ({
      capabilities: withTasks,
      meta: { [key.clientInfo]: { name, version: '1' } },
      headers: { ...headers, ...(taskId !== undefined && { 'mcp-name': taskId }) },
    })
    const begun = await endpoint.stateless('tools/call', { name: 'work' }, named('ada', ada))
    const taskId = String(begun.message.result?.taskId)
    const look = async (name: string, headers: Record<string, string>) =>
      (await endpoint.stateless('tasks/get', { taskId }, named(name, headers, taskId))).message
    assert.equal((await look('another program', ada)).result?.status, 'working')
    assert.equal((await look('ada', eve)).error?.code, -32602)

    const session = await endpoint.session('2025-11-25', {}, ada)
    const stolen = await endpoint.send({
      headers: { ...session.headers, ...eve },
      body: request('tools/list'),
    })
    assert.equal(stolen.status, 404)
    fixture.work.finish('done')
  })
})

suite('a server on this machine', () => {
  async function local(t: TestContext, options: object) {
    const listener = await serveHttp(makeServer(), { port: 0, ...options })
    t.after(() => listener.close())
    return { listener, client: new HttpClient(t, listener.port) }
  }

  test('26.security.040: is on the loopback interface alone, and closed to who has no key', async (t) => {
    const { listener, client } = await local(t, { authenticate })
    assert.match(listener.url, /^http:\/\/127\.0\.0\.1:/)
    assert.equal((await whoIs(client, {})).status, 401)
    assert.equal((await whoIs(client, ada)).status, 200)
    assert.equal((await whoIs(client, { ...ada, host: 'mcp.example.com' })).status, 403)
  })

  test('1105.sse.010: so is its HTTP with SSE', async (t) => {
    const { listener, client } = await local(t, { authenticate, legacySse: true })
    assert.match(listener.url, /^http:\/\/127\.0\.0\.1:/)
    const open = (headers: object) =>
      client.open({
        method: 'GET',
        path: '/sse',
        headers: { accept: 'text/event-stream', ...headers },
      })
    assert.equal((await open({})).status, 401)
    const stream = await open(ada)
    assert.equal(stream.status, 200)
    const path = String((await stream.events.next())?.data)
    const post = (headers: object) =>
      client.send({ path, headers: { ...headers }, body: request('ping') })
    assert.equal((await post({})).status, 401)
    assert.equal((await post(eve)).status, 404)
    assert.equal((await post(ada)).status, 202)
    assert.deepEqual((await stream.events.nextMessage())?.result, {})
    stream.abort()
  })

  test('25.http.049 26.http.090: serves clients of 2024-11-05 beside all others', async (t) => {
    const { client } = await local(t, { legacySse: true })
    const stream = await client.open({ method: 'GET', path: '/sse' })
    const path = String((await stream.events.next())?.data)
    const params = {
      protocolVersion: '2024-11-05',
      capabilities: {},
      clientInfo: { name: 'o', version: '1' },
    }
    await client.send({ path, body: request('initialize', params) })
    assert.equal((await stream.events.nextMessage())?.result?.protocolVersion, '2024-11-05')
    await client.send({ path, body: request('tools/call', { name: 'who' }, 2) })
    assert.equal(firstText((await stream.events.nextMessage()) ?? {}), 'null')
    assert.equal(firstText((await whoIs(client, {})).message), 'null')
    stream.abort()
  })
})

test('26.base.027: what spans requests is named in each of them, and no connection matters', async (t) => {
  const fixture = new TaskServer()
  const endpoint = await startEndpoint(t, fixture.server)
  const elsewhere = new HttpClient(t, endpoint.port)
  const capabilities = { ...withTasks, elicitation: {} }
  const begun = await endpoint.stateless('tools/call', { name: 'work' }, { capabilities })
  const taskId = String(begun.message.result?.taskId)
  const options = { capabilities, headers: { 'mcp-name': taskId } }
  const seen = await elsewhere.stateless('tasks/get', { taskId }, options)
  assert.equal(seen.message.result?.status, 'working')
  // On its own connection, too, it is known by its name only.
  const nameless = await endpoint.stateless('tasks/get', {}, { capabilities })
  assert.equal(nameless.message.error?.code, -32602)
  fixture.work.finish('done')

  const server = defineServer({ name: 'rounds', version: '1' })
  const schema = { type: 'object', properties: { n: { type: 'number' } } } as const
  server.tool('add', {}, async (_args, { elicit }) => {
    const one = await elicit({ key: 'one', message: '1', schema })
    const two = await elicit({ key: 'two', message: '2', schema })
    return String(Number(one.content?.n) + Number(two.content?.n))
  })
  const rounds = await startEndpoint(t, server)
  const given = (name: string, n: number) => ({ [name]: { action: 'accept', content: { n } } })
  const call = (client: HttpClient, params: object) =>
    client.stateless('tools/call', { name: 'add', ...params }, { capabilities })
  const first = await call(rounds, { inputResponses: given('one', 0.5) })
  const { requestState } = first.message.result ?? {}
  const other = new HttpClient(t, rounds.port)
  const answered = await call(other, { requestState, inputResponses: given('two', 2) })
  assert.equal(firstText(answered.message), '2.5')
  const forgotten = await call(rounds, { inputResponses: given('two', 2) })
  assert.deepEqual(Object.keys(forgotten.message.result?.inputRequests ?? {}), ['one'])
})
