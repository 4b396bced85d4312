/** Two listeners with one data folder, as two workers have it: either answers any request of any session. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { serveHttp } from '../../src/http.ts'
import { defineServer } from '../../src/index.ts'
import type { SseEvent } from '../support/event-reader.ts'
import { formSchema } from '../support/fixture-server.ts'
import { temporaryFolder } from '../support/folder.ts'
import { HttpClient, HttpSession, type OpenAnswer, statelessPost } from '../support/http.ts'
import {
  ableClient,
  firstText,
  initialize,
  list,
  notification,
  request,
} from '../support/messages.ts'

type Listener = Awaited<ReturnType<typeof serveHttp>>

/** What one of them did, and whom it was asked by. */
interface Place {
  readonly listener: Listener
  readonly client: HttpClient
  readonly cancelled: string[]
  readonly askedBy: (string | undefined)[]
  readonly targets: string[]
  readonly certificates: unknown[]
}

const taskExtension = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

async function place(t: TestContext, folder: string, name: string): Promise<Place> {
  const cancelled: string[] = []
  const askedBy: (string | undefined)[] = []
  const targets: string[] = []
  const certificates: unknown[] = []
  const server = defineServer({ name, version: '1', onError: () => {} })
  server.tool('where', {}, () => name)
  server.tool('hang', { task: 'optional' }, async (_args, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    cancelled.push(name)
    return 'over'
  })
  server.tool('ask', { task: 'optional' }, async (_args, { elicit }) => {
    const answer = await elicit({ message: 'Name?', schema: formSchema })
    return `${name}: ${JSON.stringify(answer)}`
  })
  server.tool('steps', {}, async (_args, { log }) => {
    for (const step of [1, 2, 3]) log('info', { step })
    return 'done'
  })
  server.tool('touch', {}, () => {
    server.resourceUpdated('docs://a')
    return name
  })
  server.resource('docs://a', { name: 'a' }, () => 'A')
  const listener = await serveHttp(server, {
    port: 0,
    data: folder,
    legacySse: true,
    drainMs: 0,
    authenticate: ({ remoteAddress, target, certificate }) => {
      askedBy.push(remoteAddress)
      targets.push(target)
      certificates.push(certificate)
      return { subject: 'me' }
    },
  })
  t.after(() => listener.close())
  return {
    listener,
    client: new HttpClient(t, listener.port),
    cancelled,
    askedBy,
    targets,
    certificates,
  }
}

async function pair(t: TestContext): Promise<{ folder: string; a: Place; b: Place }> {
  const folder = temporaryFolder(t)
  const a = await place(t, folder, 'a')
  const b = await place(t, folder, 'b')
  return { folder, a, b }
}

/** The same session, asked through either. */
async function sessionAt(at: Place, other: Place, version = '2025-11-25') {
  const { headers } = await at.client.send({ body: initialize(version, ableClient) })
  const id = String(headers['mcp-session-id'])
  const here = new HttpSession(at.client, id, version, {})
  const there = new HttpSession(other.client, id, version, {})
  assert.equal((await there.send(notification('notifications/initialized'))).status, 202)
  return { id, here, there }
}
/** The next event with a message in it. */
async function nextEvent({ events }: OpenAnswer): Promise<SseEvent> {
  for (;;) {
    const event = await events.next()
    assert.ok(event, 'the stream has ended')
    if (event.message !== undefined) return event
  }
}
const call = (name: string, id: string | number = 1) =>
  request('tools/call', { name, arguments: {} }, id)

suite('a session that another process has', () => {
  test('is answered there, whichever process is asked', async (t) => {
    const { a, b } = await pair(t)
    const { there } = await sessionAt(a, b)
    for (const each of [a.askedBy, a.targets, a.certificates]) each.length = 0
    const forged = { remoteAddress: '6.6.6.6', target: '/x', certificate: { subject: 'CN=root' } }
    const origin = Buffer.from(JSON.stringify(forged)).toString('base64url')
    const answer = await there.send(call('where'), { 'x-tsmcp-origin': origin })
    assert.equal(firstText(answer.message), 'a')
    assert.deepEqual(a.askedBy, ['127.0.0.1'])
    assert.deepEqual(a.targets, ['/mcp'])
    assert.deepEqual(a.certificates, [undefined])
    // Nobody but its neighbours can say in whose name they ask.
    const own = await sessionAt(b, a)
    for (const each of [b.askedBy, b.certificates]) each.length = 0
    await own.here.send(call('where'), { 'x-tsmcp-origin': origin })
    assert.deepEqual(b.askedBy, ['127.0.0.1'])
    assert.deepEqual(b.certificates, [undefined])
  })

  test('takes answers, cancellations and its end from either', async (t) => {
    const { a, b } = await pair(t)
    const { here, there } = await sessionAt(a, b)
    const asking = await here.open(call('ask', 'ask'))
    const question = await asking.events.nextMessage()
    assert.equal(question?.method, 'elicitation/create')
    const answer = { action: 'accept', content: { name: 'Ada' } }
    assert.equal(
      (await there.send({ jsonrpc: '2.0', id: question?.id, result: answer })).status,
      202,
    )
    assert.equal(
      firstText((await asking.events.nextMessage()) ?? {}),
      `a: ${JSON.stringify(answer)}`,
    )

    const hanging = there.send(call('hang', 'hang'))
    while (a.cancelled.length === 0) {
      await there.send(notification('notifications/cancelled', { requestId: 'hang' }))
    }
    await hanging
    assert.equal((await there.end()).status, 204)
    assert.equal((await here.send(call('where'))).status, 404)
    assert.equal((await there.send(call('where'))).status, 404)
  })

  test('has its stream wherever its client listens, and can take it up elsewhere', async (t) => {
    const { a, b } = await pair(t)
    const { here, there } = await sessionAt(a, b)
    await there.call('resources/subscribe', { uri: 'docs://a' })
    const stream = await there.listen()
    assert.equal(stream.status, 200)
    let last: string | undefined
    // It is touched where the session is, and where it is not.
    for (const session of [here, (await sessionAt(b, a)).here]) {
      await session.call('tools/call', { name: 'touch', arguments: {} })
      const told = await nextEvent(stream)
      last = told.id
      assert.equal(told.message?.method, 'notifications/resources/updated')
    }
    stream.abort()
    await here.call('tools/call', { name: 'touch', arguments: {} })
    const resumed = await there.listen(last)
    assert.equal((await resumed.events.nextMessage())?.method, 'notifications/resources/updated')
    resumed.abort()
  })

  test('moves to where its client listens, and is answered there from then on', async (t) => {
    const { a, b } = await pair(t)
    const { here, there } = await sessionAt(a, b)
    const stream = await there.listen()
    // What comes meanwhile is answered, too: before, after, or when it is certain where.
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, id) => here.send(call('where', id))),
    )
    for (const { status, message } of answers) {
      assert.equal(status, 200)
      assert.equal(firstText(message), 'b')
    }
    await a.listener.close()
    await there.call('resources/subscribe', { uri: 'docs://a' })
    await there.call('tools/call', { name: 'touch', arguments: {} })
    assert.equal((await nextEvent(stream)).message?.method, 'notifications/resources/updated')
    stream.abort()
  })

  test('is answered while it moves', async (t) => {
    const { a, b } = await pair(t)
    for (let round = 0; round < 20; round += 1) {
      const { here, there } = await sessionAt(a, b)
      const [stream, ...answers] = await Promise.all([
        there.listen(),
        ...Array.from({ length: 5 }, (_, id) => here.send(call('where', id))),
        ...Array.from({ length: 5 }, (_, id) => there.send(call('where', id))),
      ])
      assert.equal(stream.status, 200)
      for (const answer of answers) {
        assert.equal(answer.status, 200)
        assert.match(firstText(answer.message) ?? '', /^[ab]$/)
      }
      stream.abort()
    }
  })

  test('stays where something happens in it', async (t) => {
    const { a, b } = await pair(t)
    const { here, there } = await sessionAt(a, b)
    const asking = await here.open(call('ask', 'ask'))
    await asking.events.nextMessage()
    const stream = await there.listen()
    assert.equal(stream.status, 200)
    assert.equal(firstText((await there.send(call('where'))).message), 'a')
    stream.abort()
    asking.abort()
  })

  test('is taken over when its process ends', async (t) => {
    const { a, b } = await pair(t)
    const { here, there } = await sessionAt(a, b)
    await here.call('logging/setLevel', { level: 'info' })
    await a.listener.close()
    assert.equal(firstText((await there.send(call('where'))).message), 'b')
    const { messages } = await there.send(call('steps'))
    assert.equal(messages.filter(({ method }) => method === 'notifications/message').length, 3)
  })

  test('is on a socket that only its user can reach, and none of it stays', async (t) => {
    const { folder, a, b } = await pair(t)
    assert.equal(statSync(join(folder, 'run-1.sock')).mode & 0o777, 0o600)
    await a.listener.close()
    await b.listener.close()
    assert.throws(() => statSync(join(folder, 'run-1.sock')), /ENOENT/)
  })
})

suite('what has no session', () => {
  test('goes on elsewhere: state of a request that is answered in rounds', async (t) => {
    const { a, b } = await pair(t)
    const params = { name: 'ask', arguments: {} }
    const options = { capabilities: ableClient }
    const first = await a.client.stateless('tools/call', params, options)
    const { inputRequests, requestState } = first.message.result ?? {}
    const [name = ''] = Object.keys(inputRequests ?? {})
    const inputResponses = { [name]: { action: 'accept', content: { name: 'Ada' } } }
    const second = await b.client.stateless(
      'tools/call',
      { ...params, inputResponses, requestState },
      options,
    )
    assert.match(firstText(second.message), /^b: .*Ada/)
  })

  test('tasks are asked for, answered and cancelled through either', async (t) => {
    const { a, b } = await pair(t)
    const options = { capabilities: { ...ableClient, ...taskExtension } }
    const ask = (method: string, taskId: string, more: object = {}) =>
      b.client.send(
        statelessPost(method, { taskId, ...more }, { ...options, headers: { 'mcp-name': taskId } }),
      )
    const begin = async (name: string): Promise<string> => {
      const { message } = await a.client.stateless('tools/call', { name, arguments: {} }, options)
      return String(message.result?.taskId)
    }
    const asking = await begin('ask')
    let shown = await ask('tasks/get', asking)
    while (shown.message.result?.status !== ('input_required' as never)) {
      shown = await ask('tasks/get', asking)
    }
    const [name = ''] = Object.keys(shown.message.result.inputRequests ?? {})
    const inputResponses = { [name]: { action: 'accept', content: { name: 'Ada' } } }
    await ask('tasks/update', asking, { inputResponses })
    while (shown.message.result?.status !== ('completed' as never)) {
      shown = await ask('tasks/get', asking)
    }
    assert.match(String(list(shown.message.result.result?.content)[0]?.text), /^a: .*Ada/)

    const hanging = await begin('hang')
    await ask('tasks/cancel', hanging)
    while (a.cancelled.length === 0) await ask('tasks/get', hanging)
    assert.deepEqual([a.cancelled, b.cancelled], [['a'], []])
  })

  test('a change of a resource is told to whoever listens at another', async (t) => {
    const { a, b } = await pair(t)
    const filter = { notifications: { resourceSubscriptions: ['docs://a'] } }
    const listening = await a.client.open(statelessPost('subscriptions/listen', filter))
    await listening.events.nextMessage()
    const touch = () => b.client.stateless('tools/call', { name: 'touch', arguments: {} })
    await touch()
    assert.equal((await listening.events.nextMessage())?.method, 'notifications/resources/updated')
    listening.abort()
  })

  test('HTTP with SSE: what is posted to one comes out of the stream of another', async (t) => {
    const { a, b } = await pair(t)
    const stream = await a.client.open({ method: 'GET', path: '/sse' })
    const path = String((await stream.events.next())?.data)
    assert.match(path, /sessionId=[\w-]{22}\.1$/)
    const posted = await b.client.send({ path, body: initialize('2024-11-05') })
    assert.equal(posted.status, 202)
    assert.equal((await stream.events.nextMessage())?.id, 0)
    stream.abort()
  })
})
