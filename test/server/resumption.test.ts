import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Context, defineServer } from '../../src/index.ts'
import { type HttpSession, startEndpoint } from '../support/http.ts'
import { firstText, request } from '../support/messages.ts'
import { assertRefused } from '../support/refusals.ts'

/** A server with a tool that the test drives from outside. */
function makeServer() {
  const begun = Promise.withResolvers<Context>()
  const release = Promise.withResolvers<void>()
  const server = defineServer({ name: 'resume', version: '1' })
  server.tool('work', {}, async (_args, context) => {
    begun.resolve(context)
    await release.promise
    return 'done'
  })
  server.tool('quick', {}, (_args, { progress, log }) => {
    progress(1)
    log('info', 'x')
    return 'quick'
  })
  return { server, begun, release }
}
const work = (name = 'work') => request('tools/call', { name, _meta: { progressToken: 1 } }, 'work')
const aLot = 'x'.repeat(10_000)

async function startWorking(t: Parameters<typeof startEndpoint>[0], options = {}) {
  const { server, begun, release } = makeServer()
  const endpoint = await startEndpoint(t, server, options)
  const session = await endpoint.session()
  const opening = session.open(work())
  const context = await begun.promise
  return { endpoint, server, session, opening, context, release }
}

suite('an event stream', () => {
  test('25.http.013 25.http.017 25.http.039 25.http.041: begins with an event that has an id and no data', async (t) => {
    const { opening, context, release } = await startWorking(t)
    context.progress(1)
    const { events } = await opening
    const { id, retry, data } = (await events.next()) ?? {}
    assert.equal(data, '')
    assert.equal(retry, 1000)
    assert.match(String(id), /^\d+-\d+$/)
    const first = await events.next()
    assert.equal(first?.event, 'message')
    assert.notEqual(first?.id, id)
    release.resolve()
    assert.equal((await events.rest()).at(-1)?.id, 'work') // 25.http.023
  })

  for (const version of ['2025-06-18', '2025-03-26', '2024-11-05']) {
    test(`0618.http.006: does not in ${version}, whose clients would choke on it`, async (t) => {
      const endpoint = await startEndpoint(t, makeServer().server)
      const session = await endpoint.session(version)
      const { events } = await session.open(work('quick'))
      assert.ok((await events.next())?.message)
    })
  }

  test('25.http.040: has ids that are unique in the session', async (t) => {
    const endpoint = await startEndpoint(t, makeServer().server)
    const session = await endpoint.session()
    const ids: unknown[] = []
    for (let round = 0; round < 5; round += 1) {
      const { events } = await session.open(work('quick'))
      for (let event = await events.next(); event !== undefined; event = await events.next()) {
        ids.push(event.id)
      }
    }
    assert.equal(ids.length, 20)
    assert.equal(new Set(ids).size, 20)
  })
})

suite('a client that comes back with Last-Event-ID', () => {
  test('25.http.042 25.http.043 25.http.026: gets what it has missed, and the rest', async (t) => {
    const { session, opening, context, release } = await startWorking(t)
    context.progress(1)
    context.progress(2)
    const stream = await opening
    const primed = await stream.events.next()
    const seen = await stream.events.next()
    stream.abort()
    context.progress(3)
    const resumed = await session.listen(seen?.id)
    assert.equal(resumed.status, 200)
    assert.equal((await resumed.events.nextMessage())?.params?.progress, 2)
    assert.equal((await resumed.events.nextMessage())?.params?.progress, 3)
    release.resolve()
    assert.equal(firstText((await resumed.events.nextMessage()) ?? {}), 'done')
    assert.equal(await resumed.events.next(), undefined)
    // From the beginning, when all is over.
    const again = await session.listen(primed?.id)
    const all = await again.events.rest()
    assert.deepEqual(
      all.map((message) => message.params?.progress ?? message.id),
      [1, 2, 3, 'work'],
    )
  })

  test('25.http.015 25.http.017 25.http.034: after closeStream it waits as long as it is told, and gets the result', async (t) => {
    const { session, opening, context, release } = await startWorking(t)
    context.closeStream(20)
    const { events } = await opening
    const primed = await events.next()
    const paused = await events.next()
    assert.equal(paused?.retry, 20)
    assert.equal(await events.next(), undefined)
    context.progress(5)
    release.resolve()
    const { events: resumed } = await session.listen(primed?.id)
    const all = await resumed.rest()
    assert.deepEqual(
      all.map((message) => message.params?.progress ?? message.id),
      [5, 'work'],
    )
  })

  test('0618.http.005: closeStream does nothing in a revision that has no polling', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session('2025-06-18')
    const answer = session.send(work())
    ;(await begun.promise).closeStream()
    release.resolve()
    assert.equal(firstText((await answer).message), 'done')
  })

  test('25.http.044: never gets the messages of another stream', async (t) => {
    const { session, opening, context, release } = await startWorking(t)
    context.progress(1)
    const stream = await opening
    const primed = await stream.events.next()
    await session.send({ ...work('quick'), id: 'other' })
    release.resolve()
    const { events } = await session.listen(primed?.id)
    const all = await events.rest()
    assert.deepEqual(
      all.map((message) => message.id ?? message.params?.progress),
      [1, 'work'],
    )
  })

  test('25.sessions.019 25.security.006: cannot resume the stream of another session', async (t) => {
    const { endpoint, opening, context } = await startWorking(t)
    context.progress(1)
    const primed = await (await opening).events.next()
    const stranger = await endpoint.session()
    const answer = await endpoint.send({
      method: 'GET',
      headers: { ...stranger.headers, 'last-event-id': primed?.id },
    })
    assertRefused(answer, { status: 400, code: -32600, message: /Last-Event-ID is unknown/ })
  })

  test('is refused when what it missed is forgotten: for their number', async (t) => {
    const { endpoint, session, opening, context } = await startWorking(t, {
      events: { maxEvents: 3 },
    })
    const primed = await lastEventId(opening, context, 5)
    const answer = await endpoint.send(resume(session, primed))
    assertRefused(answer, { status: 400, code: -32600, message: /too old/ })
  })

  test('is refused when what it missed is forgotten: for its length', async (t) => {
    const { endpoint, session, opening, context } = await startWorking(t, {
      events: { maxLength: 500 },
    })
    context.progress(1)
    const primed = await (await opening).events.next()
    context.log('info', aLot)
    const answer = await endpoint.send(resume(session, primed?.id))
    assertRefused(answer, { status: 400, code: -32600, message: /too old/ })
  })

  test('is refused when what it missed is forgotten: for its age', async (t) => {
    const { endpoint, session, opening, context, release } = await startWorking(t)
    const primed = await lastEventId(opening, context, 1)
    release.resolve()
    await (await opening).events.rest()
    endpoint.engine.sweep.run(Date.now() + 299_000)
    assert.equal((await endpoint.send(resume(session, primed))).status, 200)
    endpoint.engine.sweep.run(Date.now() + 301_000)
    assert.equal((await endpoint.send(resume(session, primed))).status, 400)
  })
})

suite('the GET stream', () => {
  test('25.http.001 25.http.029 25.http.030: is one event stream with what belongs to no request', async (t) => {
    const { server } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const stream = await session.listen()
    assert.equal(stream.status, 200)
    assert.equal(stream.headers['content-type'], 'text/event-stream')
    assert.equal(stream.headers['mcp-session-id'], session.id)
    assert.equal((await stream.events.next())?.data, '')
    server.tool('new', {}, () => 'x')
    assert.equal((await stream.events.nextMessage())?.method, 'notifications/tools/list_changed')
    // 25.http.031 25.http.038: what belongs to a request goes on its own stream.
    const { messages } = await session.send(work('quick'))
    assert.equal(messages.length, 3)
    await session.end()
    assert.deepEqual(await stream.events.rest(), [])
  })

  test('25.http.033 25.http.037: a second one takes over from the first', async (t) => {
    const { server } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const first = await session.listen()
    const second = await session.listen()
    assert.deepEqual(await first.events.rest(), [])
    server.tool('new', {}, () => 'x')
    assert.equal((await second.events.nextMessage())?.method, 'notifications/tools/list_changed')
    assert.equal(endpoint.engine.subscriptions.size, 1)
  })

  test('25.http.035 25.http.042: one that broke can be resumed', async (t) => {
    const { server } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const stream = await session.listen()
    const primed = await stream.events.next()
    stream.abort()
    server.tool('new', {}, () => 'x')
    await session.call('tools/list')
    const resumed = await session.listen(primed?.id)
    assert.equal((await resumed.events.nextMessage())?.method, 'notifications/tools/list_changed')
    server.prompt('new', {}, () => 'x')
    assert.equal((await resumed.events.nextMessage())?.method, 'notifications/prompts/list_changed')
  })

  test('25.http.036: stands beside the streams of requests', async (t) => {
    const { session, opening, context, release } = await startWorking(t)
    const stream = await session.listen()
    context.progress(1)
    const { events } = await opening
    assert.equal((await events.nextMessage())?.params?.progress, 1)
    release.resolve()
    assert.equal((await events.rest()).at(-1)?.id, 'work')
    await session.end()
    assert.deepEqual(await stream.events.rest(), [])
  })
})

const resume = (session: HttpSession, id: string | undefined) => ({
  method: 'GET',
  headers: { ...session.headers, 'last-event-id': id },
})

/** Reads the priming event of a stream on which so much progress is told. */
async function lastEventId(
  opening: ReturnType<HttpSession['open']>,
  context: Context,
  reports: number,
): Promise<string | undefined> {
  for (let index = 1; index <= reports; index += 1) context.progress(index)
  return (await (await opening).events.next())?.id
}
