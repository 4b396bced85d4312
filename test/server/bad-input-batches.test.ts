import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseEvents } from '../support/event-reader.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint, statelessPost } from '../support/http.ts'
import {
  firstText,
  initialize,
  type Message,
  notification,
  request,
  statefulVersions,
} from '../support/messages.ts'
import { assertAlive, assertRefused } from '../support/refusals.ts'

const echo = (id: string | number, text = String(id)) =>
  request('tools/call', { name: 'echo', arguments: { text } }, id)

async function startBatching(t: Parameters<typeof startEndpoint>[0], fixture = makeFixture()) {
  const endpoint = await startEndpoint(t, fixture.server)
  return { endpoint, session: await endpoint.session('2025-03-26') }
}
const answers = ({ message }: { message: Message }) => message as unknown as Message[]

suite('a batch in 2025-03-26', () => {
  test('0326.base.001 0326.base.003 0326.http.003: one response for each request, matched by id', async (t) => {
    const { session } = await startBatching(t)
    const batch = [
      echo('a'),
      notification('notifications/nonsense'),
      echo(2),
      request('ping', {}, 3),
    ]
    const answer = await session.send(batch)
    assert.equal(answer.status, 200)
    const byId = new Map(answers(answer).map((each) => [each.id, each]))
    assert.deepEqual([...byId.keys()].toSorted(), [2, 3, 'a'])
    assert.equal(firstText(byId.get('a')!), 'a')
    assert.deepEqual(byId.get(3)?.result, {})
  })

  test('0326.base.003: an array of one is answered with an array of one', async (t) => {
    const { session } = await startBatching(t)
    const answer = await session.send([echo(1)])
    assert.deepEqual(
      answers(answer).map((each) => each.id),
      [1],
    )
  })

  test('0326.base.004: an empty one: 400 with one error object', async (t) => {
    const { session, endpoint } = await startBatching(t)
    const answer = await session.send([])
    assertRefused(answer, { status: 400, code: -32600, message: /must not be empty/ })
    await assertAlive(endpoint)
  })

  test('0326.base.005: invalid elements get errors of their own, the rest is served', async (t) => {
    const { session } = await startBatching(t)
    const answer = await session.send([1, echo('good'), { jsonrpc: '2.0', id: 7 }, 'x', []])
    assert.equal(answer.status, 200)
    const errors = answers(answer).filter((each) => each.error !== undefined)
    assert.deepEqual(
      errors.map((each) => each.error?.code),
      [-32600, -32600, -32600, -32600],
    )
    assert.deepEqual(
      errors.map((each) => each.id ?? 'none'),
      ['none', 7, 'none', 'none'],
    )
    assert.equal(answers(answer).filter((each) => each.id === 'good').length, 1)
  })

  test('0326.base.005: nothing but invalid elements: an array of errors', async (t) => {
    const { session } = await startBatching(t)
    const answer = await session.send([1, 2, 3])
    assert.deepEqual(
      answers(answer).map((each) => each.error?.code),
      [-32600, -32600, -32600],
    )
  })

  test('0326.base.006 0326.http.002: only notifications or responses: 202 and no body', async (t) => {
    const { session } = await startBatching(t)
    for (const batch of [
      [notification('notifications/a'), notification('notifications/b')],
      [{ jsonrpc: '2.0', id: 5, result: {} }],
    ]) {
      const answer = await session.send(batch)
      assert.equal(answer.status, 202)
      assert.equal(answer.text, '')
    }
  })

  test('0326.http.001: requests mixed with responses: 400', async (t) => {
    const { session } = await startBatching(t)
    const answer = await session.send([echo(1), { jsonrpc: '2.0', id: 1, result: {} }])
    assertRefused(answer, { status: 400, code: -32600, message: /must not mix/ })
  })

  test('0326.lifecycle.002: one with initialize: refused, in a session and without', async (t) => {
    const { endpoint, session } = await startBatching(t)
    const batch = [initialize('2025-03-26'), echo(1)]
    const inside = await session.send(batch)
    assertRefused(inside, { status: 400, code: -32600, message: /initialize must not/ })
    const outside = await endpoint.send({ body: batch })
    assertRefused(outside, { status: 400, code: -32600, message: /Mcp-Session-Id/ })
    assert.equal(endpoint.engine.sessions.size, 1)
  })

  test('more messages than a batch may hold: 400', async (t) => {
    const { session } = await startBatching(t)
    const batch = Array.from({ length: 101 }, (_, id) => echo(id))
    const answer = await session.send(batch)
    assertRefused(answer, { status: 400, code: -32600, message: /may hold 100/ })
    assert.equal(answers(await session.send(batch.slice(1))).length, 100)
  })

  test('25.base.005: two running requests of one id: the second is refused, the first answered', async (t) => {
    const fixture = makeFixture()
    const { session } = await startBatching(t, fixture)
    const hangs = request('tools/call', { name: 'hangs' }, 1)
    const answer = session.send([hangs, hangs])
    await fixture.begun.get('hangs')!.promise
    fixture.release()
    const both = answers(await answer)
    assert.deepEqual(
      both.map((each) => each.error?.code ?? firstText(each)),
      [-32600, 'released'],
    )
  })

  test('0326.http.005: the answer waits for the slowest request', async (t) => {
    const fixture = makeFixture()
    const { session } = await startBatching(t, fixture)
    const answer = session.send([request('tools/call', { name: 'hangs' }, 'slow'), echo('fast')])
    await fixture.begun.get('hangs')!.promise
    fixture.release()
    assert.deepEqual(
      answers(await answer)
        .map((each) => each.id)
        .toSorted(),
      ['fast', 'slow'],
    )
  })

  test('25.cancel.004: a cancelled request of a batch has no response in it', async (t) => {
    const fixture = makeFixture()
    const { session, endpoint } = await startBatching(t, fixture)
    const answer = session.send([request('tools/call', { name: 'hangs' }, 'slow'), echo('fast')])
    await fixture.begun.get('hangs')!.promise
    await session.send(notification('notifications/cancelled', { requestId: 'slow' }))
    assert.deepEqual(
      answers(await answer).map((each) => each.id),
      ['fast'],
    )
    fixture.release()
    await assertAlive(endpoint)
  })
})

test('0326.http.004: a batch in which something is told is answered on a stream, response by response', async (t) => {
  const fixture = makeFixture()
  fixture.server.tool('tells', {}, (_args, { progress }) => {
    progress(1)
    return 'told'
  })
  const { session } = await startBatching(t, fixture)
  const tells = request('tools/call', { name: 'tells', _meta: { progressToken: 't' } }, 'tells')
  const { headers, text } = await session.send([tells, echo('plain')])
  assert.equal(headers['content-type'], 'text/event-stream')
  const [told, ...responses] = parseEvents(text).map(({ message }) => message)
  assert.equal(told?.params?.progressToken, 't')
  assert.deepEqual(responses.map((each) => each?.id).toSorted(), ['plain', 'tells'])
})

for (const version of statefulVersions.filter((each) => each !== '2025-03-26')) {
  test(`0326.base.007 0618.http.004: a batch in ${version}: 400 that names the revision`, async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session(version)
    const answer = await session.send([echo(1)])
    const message = new RegExp(`batches do not exist in ${version}`)
    assertRefused(answer, { status: 400, code: -32600, message })
    assert.ok((await session.call('tools/list')).result)
  })
}

test('0326.base.007 26.http.010: a batch of stateless requests: 400 that names the revision', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  const { headers, body } = statelessPost('tools/list')
  const answer = await endpoint.send({ headers, body: [body] })
  const message = /batches do not exist in 2026-07-28/
  assertRefused(answer, { status: 400, code: -32600, message })
  await assertAlive(endpoint)
})
