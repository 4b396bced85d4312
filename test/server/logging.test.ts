import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { logLevels } from '../../src/protocol/types.ts'
import { startEndpoint } from '../support/http.ts'
import { key, type Message, request, statefulVersions } from '../support/messages.ts'
import { connectAs, connectPeer, connectStateful, connectStateless } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'

function makeServer(options: { logging?: boolean } = {}) {
  const server = defineServer({ name: 'log', version: '1', ...options })
  server.tool('log', {}, (_args, { log }) => {
    for (const level of logLevels) log(level, { level }, 'test')
    return 'done'
  })
  server.tool('log-odd', {}, (_args, { log }) => {
    for (const data of ['text', 5, null, ['a'], undefined]) log('error', data)
    return 'done'
  })
  let late: (() => void) | undefined
  server.tool('log-late', {}, (_args, { log }) => {
    late = () => log('emergency', 'too late')
    return 'done'
  })
  return { server, logLate: () => late?.() }
}
const levelsOf = (messages: Message[]) =>
  messages
    .filter(({ method }) => method === 'notifications/message')
    .map(({ params }) => String(params?.level))

suite('log messages in 2026-07-28', () => {
  test('26.logging.006: go to no request that has not asked for them', async (t) => {
    const peer = await connectStateless(t, makeServer().server)
    await peer.request('tools/call', { name: 'log' })
    assert.deepEqual(levelsOf(peer.received), [])
  })

  for (const [index, level] of logLevels.entries()) {
    test(`26.logging.004 26.logging.007: from ${level} on when asked for that`, async (t) => {
      const peer = await connectStateless(t, makeServer().server)
      const meta = { [key.logLevel]: level }
      const { result } = await peer.request('tools/call', { name: 'log' }, { meta })
      assert.ok(result)
      assert.deepEqual(levelsOf(peer.received), logLevels.slice(index))
    })
  }

  test('26.logging.009: one that asked does not make another get them', async (t) => {
    const endpoint = await startEndpoint(t, makeServer().server)
    const call = (meta: object) => endpoint.stateless('tools/call', { name: 'log' }, { meta })
    const [loud, quiet] = await Promise.all([call({ [key.logLevel]: 'debug' }), call({})])
    assert.equal(loud.messages.length, 9)
    assert.equal(quiet.messages.length, 1)
    assert.match(String(quiet.headers['content-type']), /json/)
  })

  test('26.http.017 26.http.020 26.http.022: over HTTP they come on the stream of the request, before the response', async (t) => {
    const endpoint = await startEndpoint(t, makeServer().server)
    const answer = await endpoint.stateless(
      'tools/call',
      { name: 'log' },
      { meta: { [key.logLevel]: 'error' } },
    )
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'text/event-stream')
    assert.equal(answer.headers['x-accel-buffering'], 'no')
    assert.equal(answer.messages.length, 5)
    assert.equal(answer.messages.at(-1)?.id, 1)
  })
})

suite('log messages in a session', () => {
  for (const version of statefulVersions) {
    test(`25.logging.004 25.logging.005 25.logging.003 1105.logging.001: all at first, then from the level that was set (${version})`, async (t) => {
      const peer = await connectStateful(t, makeServer().server, version)
      await peer.request('tools/call', { name: 'log' })
      assert.deepEqual(levelsOf(peer.received), logLevels)
      for (const level of ['warning', 'emergency', 'debug'] as const) {
        peer.received.length = 0
        assert.deepEqual((await peer.request('logging/setLevel', { level })).result, {})
        await peer.request('tools/call', { name: 'log' })
        assert.deepEqual(levelsOf(peer.received), logLevels.slice(logLevels.indexOf(level)))
      }
    })
  }

  test('25.logging.003: the level of one session is not that of another', async (t) => {
    const endpoint = await startEndpoint(t, makeServer().server)
    const one = await endpoint.session()
    const other = await endpoint.session()
    await one.call('logging/setLevel', { level: 'emergency' })
    const call = request('tools/call', { name: 'log' })
    assert.equal((await one.send(call)).messages.length, 2)
    assert.equal((await other.send(call)).messages.length, 9)
  })

  test('25.logging.006: an unknown level: -32602 that lists them', async (t) => {
    const peer = await connectStateful(t, makeServer().server)
    for (const level of ['loud', 5, undefined, null, '__proto__']) {
      const answer = await peer.request('logging/setLevel', { level }, { id: 'l' })
      assertError(answer, { code: -32602, id: 'l', message: /level must be one of debug, info/ })
    }
  })
})

for (const version of ['2026-07-28', '2025-11-25']) {
  suite(`a log message (${version})`, () => {
    const meta = version === '2026-07-28' ? { [key.logLevel]: 'debug' } : {}

    test('26.logging.010 25.logging.007: has a level and data of any kind; a logger if named', async (t) => {
      const peer = await connectAs(t, makeServer().server, version)
      await peer.request('tools/call', { name: 'log' }, { meta })
      const [first] = peer.received.filter(({ method }) => method === 'notifications/message')
      assert.deepEqual(first, {
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level: 'debug', data: { level: 'debug' }, logger: 'test' },
      })
      peer.received.length = 0
      await peer.request('tools/call', { name: 'log-odd' }, { meta })
      const data = peer.received.flatMap(({ params }) =>
        params === undefined ? [] : [params.data],
      )
      assert.deepEqual(data, ['text', 5, null, ['a'], null])
    })

    test('is not sent once the request is answered', async (t) => {
      const { server, logLate } = makeServer()
      const peer = await connectAs(t, server, version)
      await peer.request('tools/call', { name: 'log-late' }, { meta })
      logLate()
      assert.deepEqual(await peer.settled(), [])
    })
  })
}

test('26.logging.003 25.logging.001: without logging the server offers none and sends none', async (t) => {
  const peer = await connectPeer(t, makeServer({ logging: false }).server)
  const { result } = await peer.open('2025-11-25')
  assert.equal(result?.capabilities?.logging, undefined)
  assert.equal((await peer.request('logging/setLevel', { level: 'info' })).error?.code, -32601)
  await peer.request('tools/call', { name: 'log' })
  assert.deepEqual(levelsOf(peer.received), [])
  const offering = await connectPeer(t, makeServer().server)
  assert.deepEqual((await offering.open('2025-11-25')).result?.capabilities?.logging, {})
})

test('26.logging.013 26.logging.021 25.logging.008 25.logging.011: a flood of messages is thinned out', async (t) => {
  const server = defineServer({ name: 'flood', version: '1' })
  server.tool('flood', {}, (_args, { log }) => {
    for (let index = 0; index < 10_000; index += 1) log('info', index)
    return 'done'
  })
  const peer = await connectStateful(t, server)
  await peer.request('tools/call', { name: 'flood' })
  const sent = levelsOf(peer.received).length
  assert.ok(sent >= 50 && sent <= 200, String(sent))
})
