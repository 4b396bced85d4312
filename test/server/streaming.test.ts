import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { type Context, defineServer, McpError } from '../../src/index.ts'
import { startEndpoint, statelessPost } from '../support/http.ts'
import { firstText, notification, request } from '../support/messages.ts'
import { rawBytes } from '../support/raw-http.ts'

function makeServer() {
  const begun = Promise.withResolvers<Context>()
  const release = Promise.withResolvers<unknown>()
  const server = defineServer({ name: 'streams', version: '1', onError: () => {} })
  server.tool('work', {}, async (_args, context) => {
    begun.resolve(context)
    const outcome = await release.promise
    if (outcome instanceof Error) throw outcome
    return 'done'
  })
  return { server, begun, release }
}
const post = statelessPost('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
const afterKeepAlive = () => Date.now() + 16_000

suite('a slow answer', () => {
  for (const era of ['2026-07-28', '2025-11-25', '2025-06-18']) {
    test(`26.http.024: becomes a stream with comments while it lasts (${era})`, async (t) => {
      const { server, begun, release } = makeServer()
      const endpoint = await startEndpoint(t, server)
      const opening =
        era === '2026-07-28'
          ? endpoint.open(post)
          : (await endpoint.session(era)).open(request('tools/call', { name: 'work' }))
      await begun.promise
      while (endpoint.engine.running === 0) await endpoint.stateless('server/discover')
      endpoint.engine.sweep.run(Date.now() + 1000)
      endpoint.engine.sweep.run(afterKeepAlive())
      const { headers, status, events } = await opening
      assert.equal(status, 200)
      assert.equal(headers['content-type'], 'text/event-stream')
      if (era === '2025-11-25') assert.equal((await events.next())?.data, '')
      assert.equal((await events.next())?.comment, 'keep-alive')
      endpoint.engine.sweep.run(afterKeepAlive() + 5000)
      endpoint.engine.sweep.run(afterKeepAlive() + 16_000)
      assert.equal((await events.next())?.comment, 'keep-alive')
      release.resolve(undefined)
      const rest = await events.rest()
      assert.deepEqual(rest.map(firstText), ['done'])
    })
  }

  test('that fails then still ends with an error, on the stream', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const opening = endpoint.open(post)
    await begun.promise
    while (endpoint.engine.running === 0) await endpoint.stateless('server/discover')
    endpoint.engine.sweep.run(afterKeepAlive())
    const { events } = await opening
    release.resolve(new McpError('INVALID_PARAMS', 'after all no'))
    const [answer] = await events.rest()
    assert.equal(answer?.error?.code, -32602)
    assert.equal(answer?.id, 1)
  })

  test('comments come on GET streams and on listens, too', async (t) => {
    const endpoint = await startEndpoint(t, makeServer().server)
    const session = await endpoint.session()
    const get = await session.listen()
    const listen = await endpoint.open(statelessPost('subscriptions/listen', { notifications: {} }))
    await get.events.next()
    await listen.events.next()
    endpoint.engine.sweep.run(afterKeepAlive())
    assert.equal((await get.events.next())?.comment, 'keep-alive')
    assert.equal((await listen.events.next())?.comment, 'keep-alive')
  })

  test('cancelled on its stream ends the stream without a response', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const stream = session.open(
      request('tools/call', { name: 'work', _meta: { progressToken: 1 } }, 's'),
    )
    const context = await begun.promise
    context.progress(1)
    const { events } = await stream
    await session.send(notification('notifications/cancelled', { requestId: 's' }))
    assert.deepEqual(
      (await events.rest()).map(({ method }) => method),
      ['notifications/progress'],
    )
    release.resolve(undefined)
  })
})

suite('a slow reader', () => {
  test('is cut off when a mebibyte waits for it, and in 2026-07-28 that cancels', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const socket = connect(endpoint.port, '127.0.0.1')
    const { headers, body } = statelessPost(
      'tools/call',
      { name: 'work' },
      {
        meta: { 'io.modelcontextprotocol/logLevel': 'debug' },
      },
    )
    socket.write(rawBytes({ headers, body: JSON.stringify(body) }))
    socket.on('error', () => {})
    const { signal, log } = await begun.promise
    const aborted = once(signal, 'abort')
    socket.pause()
    const line = 'x'.repeat(100_000)
    for (let sent = 0; sent < 1000 && !signal.aborted; sent += 1) {
      log('info', line)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await aborted
    release.resolve(undefined)
    while (endpoint.engine.running > 0) await endpoint.stateless('server/discover')
    socket.destroy()
  })

  test('of a session is cut off too, and can come back for the rest', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server, { events: { maxLength: 1e9, maxEvents: 1e9 } })
    const session = await endpoint.session()
    const socket = connect(endpoint.port, '127.0.0.1')
    socket.on('error', () => {})
    const call = request('tools/call', { name: 'work' }, 'w')
    socket.write(rawBytes({ headers: { ...session.headers }, body: JSON.stringify(call) }))
    const { signal, log } = await begun.promise
    socket.pause()
    const line = 'x'.repeat(100_000)
    const [kept] = [...endpoint.engine.sessions]
    const isAttached = () => kept?.findStream(1)?.isAttached !== false
    let sent = 0
    for (; sent < 1000 && isAttached(); sent += 1) {
      log('info', line)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(isAttached(), false)
    assert.equal(signal.aborted, false)
    release.resolve(undefined)
    const { events } = await session.listen('1-1')
    assert.equal((await events.rest()).length, sent + 1)
    socket.destroy()
  })
})

suite('a long message', () => {
  const long = 'x'.repeat(5_000_000)
  const makeTalker = () => {
    const server = defineServer({ name: 'long', version: '1' })
    server.tool('talk', {}, (_args, { progress }) => {
      progress(1)
      return long
    })
    return server
  }

  for (const version of ['2026-07-28', '2025-11-25', '2025-06-18']) {
    test(`of several MiB arrives on a stream, too (${version})`, async (t) => {
      const endpoint = await startEndpoint(t, makeTalker())
      const params = { name: 'talk', _meta: { progressToken: 1 } }
      const { messages } =
        version === '2026-07-28'
          ? await endpoint.stateless('tools/call', { name: 'talk' }, { meta: { progressToken: 1 } })
          : await (await endpoint.session(version)).send(request('tools/call', params))
      assert.equal(messages.length, 2)
      assert.equal(firstText(messages[1] ?? {}).length, long.length)
    })
  }
})

test('26.http.020 25.http.023: a stream ends with its response', async (t) => {
  const server = defineServer({ name: 's', version: '1' })
  server.tool('talk', {}, (_args, { progress }) => {
    progress(1)
    return 'done'
  })
  const endpoint = await startEndpoint(t, server)
  const meta = { progressToken: 1 }
  const { messages, text } = await endpoint.stateless('tools/call', { name: 'talk' }, { meta })
  assert.equal(messages.length, 2)
  // Each event is one line of data, and stateless ones have nothing to resume by.
  assert.equal(text.match(/^data: /gm)?.length, 2)
  assert.doesNotMatch(text, /^id:/m)
})

test('25.http.006 25.http.012: many calls at once on many connections are each answered once', async (t) => {
  const server = defineServer({ name: 's', version: '1' })
  server.tool('later', { input: { type: 'object' } }, async ({ n }, { progress }) => {
    if (Number(n) % 3 === 0) progress(1)
    await new Promise((resolve) => setImmediate(resolve))
    return String(n)
  })
  const endpoint = await startEndpoint(t, server)
  const session = await endpoint.session()
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      session.send(
        request('tools/call', { name: 'later', arguments: { n }, _meta: { progressToken: n } }, n),
      ),
    ),
  )
  for (const [n, { message }] of answers.entries()) {
    assert.equal(message.id, n)
    assert.equal(firstText(message), String(n))
  }
  assert.equal(endpoint.engine.running, 0)
})
