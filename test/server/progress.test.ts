import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Context, defineServer } from '../../src/index.ts'
import { startEndpoint } from '../support/http.ts'
import { type Message, request, statefulVersions } from '../support/messages.ts'
import { connectAs, connectStateful, connectStateless } from '../support/peer.ts'

/** A server with one tool, which reports what the test tells it to. */
function makeServer(report: (progress: Context['progress']) => void) {
  const kept: { progress?: Context['progress'] } = {}
  const server = defineServer({ name: 'progress', version: '1' })
  server.tool('work', {}, async (_args, { progress }) => {
    kept.progress = progress
    report(progress)
    return 'done'
  })
  return { server, kept }
}
const reports = (messages: Message[]) =>
  messages.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params)
const numbers = (messages: Message[]) => reports(messages).map((params) => params?.progress)

for (const version of ['2026-07-28', '2025-11-25']) {
  suite(`progress (${version})`, () => {
    test('26.schema.026 26.schema.027 26.progress.001 26.progress.005 26.progress.006 26.progress.007 25.progress.002 25.progress.004: carries the token, numbers and a message', async (t) => {
      const { server } = makeServer((progress) => {
        progress(0)
        progress(0.25, 1)
        progress(0.5, 1, 'half')
      })
      for (const progressToken of ['tok"en', 7, 0, '']) {
        const peer = await connectAs(t, server, version)
        await peer.request('tools/call', { name: 'work' }, { meta: { progressToken } })
        assert.deepEqual(reports(peer.received), [
          { progressToken, progress: 0 },
          { progressToken, progress: 0.25, total: 1 },
          { progressToken, progress: 0.5, total: 1, message: 'half' },
        ])
      }
    })

    test('26.progress.004 25.progress.003: only grows; other reports are dropped', async (t) => {
      const { server } = makeServer((progress) => {
        for (const each of [1, 1, 0.5, 2, Number.NaN, -1, 3, 2.999]) progress(each)
      })
      const peer = await connectAs(t, server, version)
      await peer.request('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
      assert.deepEqual(numbers(peer.received), [1, 2, 3])
    })

    test('26.progress.007: is a number that JSON has', async (t) => {
      const { server } = makeServer((progress) => {
        progress(Number.NEGATIVE_INFINITY)
        progress(1, Number.POSITIVE_INFINITY)
        progress(2, Number.NaN)
        progress(Number.POSITIVE_INFINITY)
        progress(3)
      })
      const peer = await connectAs(t, server, version)
      await peer.request('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
      for (const params of reports(peer.received)) {
        assert.equal(typeof params?.progress, 'number')
        assert.notEqual(params?.total, null)
      }
      assert.equal(numbers(peer.received).at(-1), 3)
    })

    test('26.progress.008 26.progress.010 25.progress.006 25.progress.007: is not sent without a token', async (t) => {
      const { server } = makeServer((progress) => progress(1))
      const peer = await connectAs(t, server, version)
      await peer.request('tools/call', { name: 'work' })
      assert.deepEqual(numbers(peer.received), [])
    })

    test('26.progress.009 26.progress.011 26.progress.013 25.progress.011: is not sent after the response', async (t) => {
      const { server, kept } = makeServer((progress) => progress(1))
      const peer = await connectAs(t, server, version)
      await peer.request('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
      kept.progress?.(2)
      assert.deepEqual(numbers(await peer.settled()), [1])
      assert.equal(
        peer.received.findIndex(({ id }) => id === 1),
        peer.received.length - 2,
      )
    })

    test('26.base.061 25.progress.001: a token that is neither text nor integer: -32602', async (t) => {
      const { server } = makeServer((progress) => progress(1))
      const peer = await connectAs(t, server, version)
      for (const progressToken of [1.5, {}, [], true, null]) {
        const answer = await peer.request(
          'tools/call',
          { name: 'work' },
          { meta: { progressToken } },
        )
        assert.equal(answer.error?.code, -32602, JSON.stringify(progressToken))
        assert.match(answer.error?.message ?? '', /progressToken must be a string or an integer/)
      }
    })
  })
}

suite('progress over HTTP', () => {
  test('26.base.078 26.http.017 26.http.018 25.http.020 25.http.021 25.http.038: comes on the stream of its own request', async (t) => {
    const { server } = makeServer((progress) => progress(1))
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const call = (id: number) =>
      request('tools/call', { name: 'work', _meta: { progressToken: `token ${id}` } }, id)
    const answers = await Promise.all([
      ...[1, 2].map((id) => session.send(call(id))),
      ...[3, 4].map((id) =>
        endpoint.stateless(
          'tools/call',
          { name: 'work' },
          { id, meta: { progressToken: `token ${id}` } },
        ),
      ),
    ])
    for (const [index, { messages }] of answers.entries()) {
      const id = index + 1
      assert.equal(messages.length, 2)
      assert.equal(messages[0]?.params?.progressToken, `token ${id}`)
      assert.equal(messages[1]?.id, id)
    }
  })

  test('25.http.011 26.http.015: without any the answer is one JSON object', async (t) => {
    const { server } = makeServer(() => {})
    const endpoint = await startEndpoint(t, server)
    const session = await endpoint.session()
    const answer = await session.send(request('tools/call', { name: 'work' }))
    assert.equal(answer.headers['content-type'], 'application/json')
  })
})

test('0326.progress.001 1105.progress.001: its message exists since 2025-03-26', async (t) => {
  for (const version of statefulVersions) {
    const { server } = makeServer((progress) => progress(1, 2, 'half'))
    const peer = await connectStateful(t, server, version)
    await peer.request('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
    const [params] = reports(peer.received)
    assert.equal(params?.message, version === '2024-11-05' ? undefined : 'half')
    assert.equal(params?.total, 2)
  }
})

test('26.cancel.011 25.lifecycle.024: a report gives the handler its time anew', async (t) => {
  const server = defineServer({ name: 's', version: '1', handlerTimeoutMs: 1000 })
  const kept: { progress?: Context['progress'] } = {}
  const begun = Promise.withResolvers<void>()
  server.tool('work', {}, (_args, { progress }) => {
    kept.progress = progress
    begun.resolve()
    return new Promise<string>(() => {})
  })
  const endpoint = await startEndpoint(t, server)
  const session = await endpoint.session()
  const call = { name: 'work', _meta: { progressToken: 1 } }
  const answer = session.send(request('tools/call', call, 1))
  await begun.promise
  while (endpoint.engine.running === 0) await session.call('ping')
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 900 })
  kept.progress?.(1)
  endpoint.engine.sweep.run(Date.now() + 900)
  assert.equal(endpoint.engine.running, 1)
  endpoint.engine.sweep.run(Date.now() + 1000)
  assert.equal((await answer).message.error?.code, -32603)
})

test('26.cancel.012 25.lifecycle.025: but not for ever', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const server = defineServer({ name: 's', version: '1', handlerTimeoutMs: 1000 })
  const begun = Promise.withResolvers<Context>()
  server.tool('work', {}, (_args, context) => {
    begun.resolve(context)
    return new Promise<string>(() => {})
  })
  const endpoint = await startEndpoint(t, server)
  const answer = endpoint.stateless('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
  const { progress } = await begun.promise
  for (let report = 1; report < 1000; report += 1) {
    t.mock.timers.setTime(report * 900)
    progress(report)
    endpoint.engine.sweep.run(Date.now())
  }
  assert.equal(endpoint.engine.running, 0)
  assert.equal((await answer).message.error?.code, -32603)
})

test('26.progress.012 25.progress.010: a flood of reports is thinned out, and goes on with time', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const { server } = makeServer((progress) => {
    for (let index = 1; index <= 10_000; index += 1) progress(index, 10_000)
    t.mock.timers.setTime(1000)
    for (let index = 10_001; index <= 20_000; index += 1) progress(index, 20_000)
  })
  const peer = await connectStateless(t, server)
  await peer.request('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })
  const sent = numbers(peer.received).map(Number)
  assert.ok(sent.length <= 160, String(sent.length))
  assert.ok(sent.filter((each) => each > 10_000).length >= 40)
  assert.equal(sent.at(-1), 20_000)
})

test('26.progress.012: of a flood the last report is sent before the response', async (t) => {
  const { server } = makeServer((progress) => {
    for (let index = 1; index <= 10_000; index += 1) progress(index, 10_000)
  })
  const peer = await connectStateless(t, server)
  await peer.request('tools/call', { name: 'work' }, { id: 'work', meta: { progressToken: 1 } })
  assert.equal(numbers(peer.received).at(-1), 10_000)
  assert.equal(peer.received.at(-1)?.id, 'work')
})
