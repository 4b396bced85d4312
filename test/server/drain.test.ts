import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { serveHttp } from '../../src/http.ts'
import { connectInMemory } from '../../src/memory.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { HttpClient, HttpSession, startEndpoint, statelessPost } from '../support/http.ts'
import { firstText, initialize, request } from '../support/messages.ts'
import { assertRefused } from '../support/refusals.ts'

async function listen(t: Parameters<typeof startEndpoint>[0], drainMs: number) {
  const fixture = makeFixture()
  const listener = await serveHttp(fixture.server, { port: 0, drainMs })
  t.after(() => listener.close())
  const client = new HttpClient(t, listener.port)
  const opened = await client.send({ body: initialize('2025-11-25') })
  const session = new HttpSession(
    client,
    String(opened.headers['mcp-session-id']),
    '2025-11-25',
    {},
  )
  return { fixture, listener, client, session }
}
const hangs = request('tools/call', { name: 'hangs' }, 'h')

suite('closing a listener', () => {
  test('lets what runs finish, of both eras', async (t) => {
    const { fixture, listener, client, session } = await listen(t, 10_000)
    const stateful = session.send(hangs)
    const stateless = client.stateless('tools/call', { name: 'hangs' })
    await fixture.begun.get('hangs')!.promise
    while (Number((await health(client)).requestsRunning) < 2);
    const closing = listener.close()
    fixture.release()
    assert.equal(firstText((await stateful).message), 'released')
    assert.equal(firstText((await stateless).message), 'released')
    await closing
    await assert.rejects(client.stateless('server/discover'))
  })

  test('gives up what does not finish in time, with an error for each', async (t) => {
    const { fixture, listener, client, session } = await listen(t, 20)
    const stateful = session.send(hangs)
    const stateless = client.stateless('tools/call', { name: 'hangs' })
    const signal = await fixture.begun.get('hangs')!.promise
    while (Number((await health(client)).requestsRunning) < 2);
    await listener.close()
    for (const answer of [await stateful, await stateless]) {
      assert.equal(answer.message.error?.code, -32603)
      assert.match(answer.message.error.message, /shutting down/)
    }
    assert.equal(signal.aborted, true)
    fixture.release()
  })

  test('25.lifecycle.020 26.subscribe.015: ends streams of every kind at once', async (t) => {
    const { listener, client, session } = await listen(t, 10_000)
    const get = await session.listen()
    const subscription = await client.open(
      statelessPost('subscriptions/listen', { notifications: {} }),
    )
    await subscription.events.next()
    const start = performance.now()
    await listener.close()
    assert.ok(performance.now() - start < 3000)
    assert.deepEqual(await get.events.rest(), [])
    assert.equal((await subscription.events.rest()).at(-1)?.id, 1)
  })

  test('takes nothing new meanwhile: 503 with Retry-After, and says so at /ready', async (t) => {
    const fixture = makeFixture()
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const running = session.send(hangs)
    await fixture.begun.get('hangs')!.promise
    while (endpoint.engine.running === 0) await session.call('ping')
    const closing = endpoint.engine.close(10_000)
    const refused = { status: 503, code: -32603, message: /shutting down/ }
    const fresh = await endpoint.send({ body: initialize('2025-11-25', {}, 'i') })
    assertRefused(fresh, { ...refused, id: 'i' })
    assert.equal(fresh.headers['retry-after'], '5')
    assertRefused(await endpoint.stateless('tools/list', {}, { id: 's' }), { ...refused, id: 's' })
    const more = await session.send(
      request('tools/call', { name: 'echo', arguments: { text: 'x' } }, 'm'),
    )
    assertRefused(more, { ...refused, id: 'm' })
    fixture.release()
    assert.equal(firstText((await running).message), 'released')
    await closing
  })

  test('twice is once', async (t) => {
    const { listener } = await listen(t, 10_000)
    const [one, other] = [listener.close(), listener.close()]
    assert.equal(one, other)
    await one
  })

  test('an engine that is closed twice at once waits for the same work', async (t) => {
    const fixture = makeFixture()
    const endpoint = await startEndpoint(t, fixture.server)
    const running = endpoint.stateless('tools/call', { name: 'hangs' })
    await fixture.begun.get('hangs')!.promise
    while (endpoint.engine.running === 0) await new Promise((resolve) => setImmediate(resolve))
    const closing = [endpoint.engine.close(5000), endpoint.engine.close(5000)]
    fixture.release()
    const start = performance.now()
    await Promise.all(closing)
    assert.ok(performance.now() - start < 3000)
    assert.equal(firstText((await running).message), 'released')
  })

  test('a change after it is told to nobody', async (t) => {
    const fixture = makeFixture()
    const transport = connectInMemory(fixture.server)
    const heard: unknown[] = []
    transport.onmessage = (message) => heard.push(message)
    await transport.start()
    await transport.send(initialize('2025-11-25'))
    await transport.close()
    heard.length = 0
    fixture.server.tool('late', {}, () => 'x')
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(heard, [])
    await assert.rejects(transport.send(request('ping')), /closed/)
    await transport.close()
    t.diagnostic('closed twice')
  })
})

async function health(client: HttpClient) {
  const { text } = await client.send({ method: 'GET', path: '/health' })
  return JSON.parse(text)
}
