import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { initialize, notification, request } from '../support/messages.ts'
import { assertAlive, assertRefused } from '../support/refusals.ts'

const sessionHeader = 'mcp-session-id'

suite('a session id', () => {
  test('25.sessions.007: none on a request: 400 that asks for it', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const headers of [{}, { [sessionHeader]: '' }]) {
      const answer = await endpoint.send({ headers, body: request('tools/list', {}, 'x') })
      assertRefused(answer, { status: 400, code: -32600, id: 'x', message: /Mcp-Session-Id/ })
    }
    await assertAlive(endpoint)
  })

  test('25.http.010 25.sessions.007: none on a notification or a response: 400 and no id', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const body of [
      notification('notifications/initialized'),
      { jsonrpc: '2.0', id: 1, result: {} },
    ]) {
      const answer = await endpoint.send({ body })
      assertRefused(answer, { status: 400, code: -32600, message: /Mcp-Session-Id/ })
    }
  })

  test('25.sessions.007: none on GET and DELETE: 400', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const method of ['GET', 'DELETE']) {
      const answer = await endpoint.send({ method })
      assertRefused(answer, { status: 400, code: -32600, message: /Mcp-Session-Id/ })
    }
  })

  test('25.sessions.009: an unknown one: 404, on every method and kind of message', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    await endpoint.session()
    for (const id of ['made-up', 'A'.repeat(22), '__proto__', 'constructor', 'a'.repeat(5000)]) {
      const headers = { [sessionHeader]: id }
      const refused = { status: 404, code: -32600, message: /^Session not found$/ }
      const asked = await endpoint.send({ headers, body: request('ping', {}, 3) })
      assertRefused(asked, { ...refused, id: 3 })
      assertRefused(await endpoint.send({ headers, body: notification('x') }), refused)
      assertRefused(await endpoint.send({ headers, body: [request('ping')] }), refused)
      assertRefused(await endpoint.send({ headers, method: 'GET' }), refused)
      assertRefused(await endpoint.send({ headers, method: 'DELETE' }), refused)
    }
    await assertAlive(endpoint)
  })

  test('25.sessions.009 25.sessions.013: one that was ended: 404', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    assert.equal((await session.end()).status, 204)
    const answer = await session.send(request('tools/list', {}, 4))
    assertRefused(answer, { status: 404, code: -32600, id: 4, message: /Session not found/ })
    assert.equal((await session.end()).status, 404)
    assert.equal((await session.listen()).status, 404)
    assert.equal(endpoint.engine.sessions.size, 0)
  })

  test('25.sessions.014 25.sessions.017 25.sessions.015 25.elicitation.023 25.security.005 26.security.035: one of another principal: 404 like an unknown one', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server, {
      authenticate: ({ getHeader }) => {
        const subject = getHeader('authorization')
        return subject === undefined ? undefined : { subject }
      },
    })
    const session = await endpoint.session('2025-11-25', {}, { authorization: 'alice' })
    const stolen = { authorization: 'mallory' }
    const answer = await session.send(request('tools/list', {}, 9), stolen)
    assertRefused(answer, { status: 404, code: -32600, id: 9, message: /^Session not found$/ })
    assert.equal((await session.send(request('ping'), { authorization: undefined })).status, 401)
    assert.ok((await session.call('tools/list')).result)
  })

  test('a session id in the body or the query counts for nothing', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const { id } = await endpoint.session()
    const answer = await endpoint.send({
      path: `/mcp?sessionId=${id}`,
      body: { ...request('tools/list'), sessionId: id },
    })
    assert.equal(answer.status, 400)
  })
})

suite('initialize', () => {
  test('25.lifecycle.028: a second one in a session: 400, and the session goes on', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session('2025-06-18')
    const answer = await session.send(initialize('2025-11-25', {}, 'again'))
    const refused = { status: 400, code: -32600, id: 'again', message: /initialized already/ }
    assertRefused(answer, refused)
    assert.equal(endpoint.engine.sessions.size, 1)
    assert.ok((await session.call('tools/list')).result)
  })

  test('25.sessions.009: one with an unknown session id: 404', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const headers = { [sessionHeader]: 'made-up' }
    const answer = await endpoint.send({ headers, body: initialize('2025-11-25') })
    assertRefused(answer, { status: 404, code: -32600, id: 0, message: /Session not found/ })
    assert.equal(endpoint.engine.sessions.size, 0)
  })

  test('one more than the cap: 503 with Retry-After, until there is room', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server, { sessions: { max: 2 } })
    const first = await endpoint.session()
    await endpoint.session()
    const answer = await endpoint.send({ body: initialize('2025-11-25', {}, 'third') })
    assertRefused(answer, { status: 503, code: -32603, id: 'third', message: /Too many sessions/ })
    assert.equal(answer.headers['retry-after'], '5')
    assert.ok((await first.call('tools/list')).result)
    await first.end()
    await endpoint.session()
    await assertAlive(endpoint)
  })

  test('as a notification it opens nothing', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const { id: _, ...body } = initialize('2025-11-25')
    assert.equal((await endpoint.send({ body })).status, 400)
    assert.equal(endpoint.engine.sessions.size, 0)
  })

  test('clientInfo of any depth and size does no harm', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const depth = 50_000
    const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    const body = JSON.stringify(initialize('2025-11-25')).replace('"version":"1"', (version) => {
      return `${version},"deep":${deep}`
    })
    const { status } = await endpoint.send({ body })
    assert.ok([200, 400, 500].includes(status), String(status))
    await assertAlive(endpoint)
  })
})

suite('a response of the client', () => {
  test('25.http.010 26.schema.018: one that nobody waits for: 400 and no id', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    for (const body of [
      { jsonrpc: '2.0', id: 99, result: {} },
      { jsonrpc: '2.0', id: 'x', error: { code: -1, message: 'no' } },
      { jsonrpc: '2.0', error: { code: -32700, message: 'what?' } },
      { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } },
    ]) {
      const answer = await session.send(body)
      assertRefused(answer, { status: 400, code: -32600, message: /no request of ours/ })
    }
    assert.ok((await session.call('tools/list')).result)
  })
})

suite('Last-Event-ID', () => {
  for (const id of ['nonsense', '', '0-0', '1', '99-1', '1-1; DROP', '9'.repeat(40), '-1--1']) {
    test(`"${id.slice(0, 12)}" of no stream: 400 that says why`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const session = await endpoint.session()
      const get = { method: 'GET', headers: { ...session.headers, 'last-event-id': id } }
      // A stream that should not be there would never end.
      assert.equal((await endpoint.open(get)).status, 400)
      const answer = await endpoint.send(get)
      assertRefused(answer, { status: 400, code: -32600, message: /Last-Event-ID is unknown/ })
      assert.ok((await session.call('tools/list')).result)
    })
  }

  test('GET without text/event-stream in Accept: 406', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    const headers = { ...session.headers, accept: 'application/json' }
    const answer = await endpoint.send({ method: 'GET', headers })
    assertRefused(answer, { status: 406, code: -32600, message: /text\/event-stream/ })
  })
})
