import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import { Session } from '../../src/sessions/session.ts'

const revision = negotiate('2025-11-25')
function makeSession(isInitialized = true) {
  const profile = { clientInfo: { name: 'c', version: '1' }, clientCapabilities: { roots: {} } }
  const session = new Session('id', revision, profile, { subject: 'me' }, 5)
  const sent: { id?: number; method: string; params: unknown }[] = []
  const outlet = { send: (json: string) => void sent.push(JSON.parse(json)), hangUp: () => {} }
  if (isInitialized) session.markInitialized()
  return { session, sent, outlet }
}
const never = new AbortController().signal
const response = (id: number | string, members: object) => ({
  jsonrpc: '2.0' as const,
  id,
  ...members,
})

suite('requests to the client', () => {
  test('25.base.010: have ids of their own, and get the answer of that id', async () => {
    const { session, sent, outlet } = makeSession()
    const one = session.request('a', { x: 1 }, outlet, never)
    const two = session.request('b', {}, outlet, never)
    assert.deepEqual(sent, [
      { jsonrpc: '2.0', id: 1, method: 'a', params: { x: 1 } },
      { jsonrpc: '2.0', id: 2, method: 'b', params: {} },
    ])
    assert.equal(session.respond(response(2, { result: { two: 2 } })), true)
    assert.equal(session.respond(response(1, { error: { code: -5, message: 'no' } })), true)
    assert.deepEqual(await two, { two: 2 })
    await assert.rejects(one, /The client answered: no \(-5\)/)
    assert.equal(session.respond(response(1, { result: {} })), true)
    assert.equal(session.respond(response(3, { result: {} })), false)
    assert.equal(session.respond(response(0, { result: {} })), false)
    assert.equal(session.respond(response('2', { result: {} })), false)
    assert.equal(session.respond({ jsonrpc: '2.0', error: { code: 1, message: 'x' } }), false)
  })

  test('25.lifecycle.006: wait until the client has said that it is initialized', async () => {
    const { session, sent, outlet } = makeSession(false)
    const asked = session.request('a', {}, outlet, never)
    const controller = new AbortController()
    const aborted = session.request('b', {}, outlet, controller.signal)
    controller.abort()
    await assert.rejects(aborted, { code: 'REQUEST_CANCELLED' })
    assert.deepEqual(sent, [])
    session.markInitialized()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(
      sent.map(({ method }) => method),
      ['a'],
    )
    session.respond(response(1, { result: { a: 1 } }))
    assert.deepEqual(await asked, { a: 1 })
  })

  test('25.cancel.006: that are aborted are cancelled at the client, and a late answer is ignored', async () => {
    const { session, sent, outlet } = makeSession()
    const controller = new AbortController()
    const asked = session.request('a', {}, outlet, controller.signal)
    controller.abort(new Error('enough'))
    await assert.rejects(asked, /enough/)
    assert.deepEqual(sent[1], {
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 1 },
    })
    assert.equal(session.respond(response(1, { result: {} })), true)
    await assert.rejects(session.request('b', {}, outlet, controller.signal), /cancelled/)
    assert.equal(sent.length, 2)
  })

  test('that are aborted for no Error are still refused with one', async () => {
    const { session, outlet } = makeSession()
    const controller = new AbortController()
    const asked = session.request('a', {}, outlet, controller.signal)
    controller.abort('text')
    await assert.rejects(asked, { name: 'McpError', code: 'REQUEST_CANCELLED' })
  })

  test('are only so many at a time', async () => {
    const { session, outlet } = makeSession()
    const asked = Array.from({ length: 64 }, () => session.request('a', {}, outlet, never))
    await assert.rejects(session.request('a', {}, outlet, never), /Too many requests to the client/)
    session.respond(response(1, { result: {} }))
    await asked[0]
    const more = session.request('a', {}, outlet, never)
    session.respond(response(65, { result: { more: true } }))
    assert.deepEqual(await more, { more: true })
    session.end('over')
    await assert.rejects(Promise.all(asked.slice(1)), /over/)
  })
})

suite('the end of a session', () => {
  test('cancels, rejects and closes everything that hangs on it', async () => {
    const { session, outlet } = makeSession()
    const cancelled: string[] = []
    session.inFlight = new Map([[1, { cancel: (reason) => void cancelled.push(reason) }]])
    session.outlet = outlet
    const asked = session.request('a', {}, outlet, never)
    const stream = session.openStream(defaultEventLogLimits)
    session.end('over')
    session.end('again')
    assert.deepEqual(cancelled, ['over'])
    await assert.rejects(asked, /over/)
    assert.equal(stream.ended, true)
    assert.equal(session.outlet, undefined)
    assert.equal(session.findStream(1), undefined)
    assert.equal(session.isIdle, true)
  })
})

suite('a session is idle', () => {
  test('when nothing runs and nobody listens', () => {
    const { session, outlet } = makeSession()
    assert.equal(session.isIdle, true)
    session.inFlight = new Map([[1, { cancel: () => {} }]])
    assert.equal(session.isIdle, false)
    session.inFlight.clear()
    assert.equal(session.isIdle, true)
    // The channel of a connection is there for as long as the session is.
    session.outlet = outlet
    assert.equal(session.isIdle, false)
    const stream = session.openStream(defaultEventLogLimits)
    session.outlet = stream
    assert.equal(session.isIdle, true)
    const sink = { event: () => {}, replay: () => {}, close: () => {} }
    stream.attach(sink)
    assert.equal(session.isIdle, false)
    stream.detach(sink)
    assert.equal(session.isIdle, true)
  })
})

test('a session knows who it talks to', () => {
  const { session } = makeSession()
  assert.equal(session.clientInfo?.name, 'c')
  assert.deepEqual(session.clientCapabilities, { roots: {} })
  assert.equal(session.authInfo?.subject, 'me')
  assert.equal(session.lastSeenMs, 5)
  session.expireEvents(0)
})
