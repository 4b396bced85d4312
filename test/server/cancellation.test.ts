import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { type Context, defineServer, text } from '../../src/index.ts'
import {
  type HttpSession,
  startEndpoint,
  statelessPost,
  type TestEndpoint,
} from '../support/http.ts'
import { firstText, notification, request } from '../support/messages.ts'
import { connectAs } from '../support/peer.ts'
import { startStdio } from '../support/stdio.ts'

/** A server with a tool that runs until it is cancelled or released, and goes on talking after that. */
function makeServer() {
  const begun = Promise.withResolvers<Context>()
  const release = Promise.withResolvers<void>()
  const finished = Promise.withResolvers<void>()
  const errors: unknown[] = []
  const server = defineServer({ name: 's', version: '1', onError: (error) => errors.push(error) })
  server.tool('slow', {}, async (_args, context) => {
    begun.resolve(context)
    await release.promise
    context.progress(99)
    context.log('emergency', 'still here')
    finished.resolve()
    return 'finished'
  })
  server.tool('obedient', {}, async (_args, context) => {
    begun.resolve(context)
    await new Promise((_, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason))
    })
    return [text('never')]
  })
  server.tool('echo', {}, () => 'hi')
  return { server, begun, release, finished, errors }
}
const meta = { progressToken: 1 }
const quiet = async (endpoint: TestEndpoint) => {
  while (endpoint.engine.running > 0) await endpoint.stateless('server/discover')
}

for (const version of ['2026-07-28', '2025-11-25', '2024-11-05']) {
  suite(`notifications/cancelled (${version})`, () => {
    test('25.cancel.001 25.cancel.008 26.cancel.004 26.schema.028 26.cancel.016 26.cancel.018 26.stdio.013 26.stdio.014 25.cancel.004: stops the handler; nothing more is sent for it', async (t) => {
      const { server, begun, release, finished, errors } = makeServer()
      const peer = await connectAs(t, server, version)
      void peer.request('tools/call', { name: 'slow' }, { id: 'slow', meta })
      const { signal } = await begun.promise
      const aborted = once(signal, 'abort')
      peer.notify('notifications/cancelled', { requestId: 'slow', reason: 'changed my mind' })
      await aborted
      assert.match(String(signal.reason), /changed my mind/)
      release.resolve()
      await finished.promise
      const beside = (await peer.settled()).filter(({ method }) => method !== undefined)
      assert.deepEqual(beside, [])
      assert.ok(!peer.received.some(({ id }) => id === 'slow'))
      assert.deepEqual(errors, [])
    })

    test('25.cancel.010 25.cancel.005 25.cancel.009 26.cancel.019 26.cancel.024: for what is unknown, finished or malformed is ignored', async (t) => {
      const peer = await connectAs(t, makeServer().server, version)
      const { result } = await peer.request('tools/call', { name: 'echo' }, { id: 'done' })
      assert.ok(result)
      for (const params of [
        { requestId: 'done' },
        { requestId: 'unknown' },
        { requestId: null },
        { requestId: { a: 1 } },
        {},
        undefined,
        { requestId: 'done', reason: 5 },
      ]) {
        peer.notify('notifications/cancelled', params)
      }
      assert.equal(firstText(await peer.request('tools/call', { name: 'echo' })), 'hi')
      assert.equal(peer.received.filter(({ id }) => id === 'done').length, 1)
    })

    test('26.cancel.021 25.cancel.007: in a race with the answer there is one outcome at most', async (t) => {
      const { server } = makeServer()
      server.tool('quick', {}, async () => 'quick')
      const peer = await connectAs(t, server, version)
      for (let round = 0; round < 50; round += 1) {
        const id = `race ${round}`
        void peer.request('tools/call', { name: 'quick' }, { id })
        for (let turn = 0; turn < round % 5; turn += 1) await Promise.resolve()
        peer.notify('notifications/cancelled', { requestId: id })
        await peer.settled()
        assert.ok(peer.received.filter((message) => message.id === id).length <= 1)
      }
    })

    test('a handler that throws what the signal says is not reported as a failure', async (t) => {
      const { server, begun, errors } = makeServer()
      const peer = await connectAs(t, server, version)
      void peer.request('tools/call', { name: 'obedient' }, { id: 'o' })
      await begun.promise
      peer.notify('notifications/cancelled', { requestId: 'o' })
      await peer.settled()
      assert.deepEqual(errors, [])
      assert.ok(!peer.received.some(({ id }) => id === 'o'))
    })

    test('its id may be used again at once', async (t) => {
      const { server, begun } = makeServer()
      const peer = await connectAs(t, server, version)
      void peer.request('tools/call', { name: 'slow' }, { id: 'again' })
      await begun.promise
      peer.notify('notifications/cancelled', { requestId: 'again' })
      assert.equal(
        firstText(await peer.request('tools/call', { name: 'echo' }, { id: 'again' })),
        'hi',
      )
    })
  })
}

suite('over HTTP', () => {
  const callSlow = async (session: HttpSession) =>
    session.send(request('tools/call', { name: 'slow' }, 's'))

  test('25.cancel.011: the notification comes on another POST, and cancels in its own session only', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const other = await endpoint.session()
    const answer = callSlow(session)
    const { signal } = await begun.promise
    const cancel = notification('notifications/cancelled', { requestId: 's' })
    assert.equal((await other.send(cancel)).status, 202)
    assert.equal(signal.aborted, false)
    assert.equal((await session.send(cancel)).status, 202)
    assert.equal(signal.aborted, true)
    const { status, text: body } = await answer
    assert.equal(status, 204)
    assert.equal(body, '')
    release.resolve()
    await quiet(endpoint)
  })

  test('25.http.024 25.http.019: a client of a session that leaves has not cancelled', async (t) => {
    const { server, begun, release, finished } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const controller = new AbortController()
    const call = fetch(`http://127.0.0.1:${endpoint.port}/mcp`, {
      method: 'POST',
      headers: {
        ...(session.headers as Record<string, string>),
        accept: '*/*',
        'content-type': 'application/json',
      },
      body: JSON.stringify(request('tools/call', { name: 'slow' }, 's')),
      signal: controller.signal,
    })
    const { signal } = await begun.promise
    controller.abort()
    await assert.rejects(call)
    await session.call('tools/list')
    assert.equal(signal.aborted, false)
    release.resolve()
    await finished.promise
    await quiet(endpoint)
    assert.equal(signal.aborted, false)
  })

  test('26.http.025 26.http.026 26.http.027 26.cancel.005 26.cancel.017: a stateless client that leaves its stream has', async (t) => {
    const { server, begun, release, finished } = makeServer()
    server.tool('streams', {}, async (_args, context) => {
      context.progress(1)
      begun.resolve(context)
      await release.promise
      context.progress(2)
      finished.resolve()
      return 'x'
    })
    const endpoint = await startEndpoint(t, server)
    const post = statelessPost('tools/call', { name: 'streams' }, { meta })
    const stream = await endpoint.open(post)
    assert.equal((await stream.events.nextMessage())?.params?.progress, 1)
    const { signal } = await begun.promise
    const aborted = once(signal, 'abort')
    stream.abort()
    await aborted
    release.resolve()
    await finished.promise
    await quiet(endpoint)
    assert.equal(endpoint.engine.running, 0)
  })

  test('26.http.012: a stateless notifications/cancelled is taken, and refers to nothing', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const { headers, body } = statelessPost('tools/call', { name: 'slow' }, { id: 'x' })
    const answer = endpoint.send({ headers, body })
    const { signal } = await begun.promise
    const cancel = notification('notifications/cancelled', { requestId: 'x' })
    const { status, headers: answered } = await endpoint.send({ headers, body: cancel })
    assert.equal(status, 202)
    assert.equal(answered['content-length'], '0')
    assert.equal(signal.aborted, false)
    release.resolve()
    assert.equal(firstText((await answer).message), 'finished')
  })

  test('25.sessions.008: the end of a session cancels what runs in it', async (t) => {
    const { server, begun, release } = makeServer()
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const answer = callSlow(session)
    const { signal } = await begun.promise
    await session.end()
    assert.equal(signal.aborted, true)
    assert.equal((await answer).status, 204)
    release.resolve()
    await quiet(endpoint)
  })
})

test('26.stdio.016: a client that closes its side cancels what does not finish in time', async (t) => {
  const { server, begun } = makeServer()
  const peer = startStdio(t, server, { drainMs: 5 })
  peer.goStateless()
  void peer.request('tools/call', { name: 'obedient' })
  const { signal } = await begun.promise
  peer.input.end()
  await peer.connection.closed
  assert.equal(signal.aborted, true)
})
