import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { Engine } from '../../src/server/engine.ts'
import { service } from '../../src/server/service.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { request } from '../support/messages.ts'

const minute = 60_000

suite('a session', () => {
  test('25.sessions.018 25.sessions.008: ends when nobody has used it for its time to live', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    endpoint.engine.sweep.run(Date.now() + 29 * minute)
    assert.equal(endpoint.engine.sessions.size, 1)
    endpoint.engine.sweep.run(Date.now() + 31 * minute)
    assert.equal(endpoint.engine.sessions.size, 0)
    assert.equal((await session.send(request('ping'))).status, 404)
  })

  test('lives on from each request', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const endpoint = await startEndpoint(t, makeFixture().server, { sessions: { idleTtlMs: 1000 } })
    const session = await endpoint.session()
    for (let round = 0; round < 5; round += 1) {
      t.mock.timers.setTime(Date.now() + 900)
      assert.ok((await session.call('ping')).result)
      endpoint.engine.sweep.run(Date.now())
    }
    assert.equal(endpoint.engine.sessions.size, 1)
    t.mock.timers.setTime(Date.now() + 1000)
    endpoint.engine.sweep.run(Date.now())
    assert.equal(endpoint.engine.sessions.size, 0)
  })

  test('is not idle while somebody listens to it, and has its whole time when they leave', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    const stream = await session.listen()
    const later = Date.now() + 60 * minute
    endpoint.engine.sweep.run(later)
    assert.equal(endpoint.engine.sessions.size, 1)
    stream.abort()
    const [kept] = [...endpoint.engine.sessions]
    while (!kept?.isIdle) await endpoint.stateless('server/discover')
    endpoint.engine.sweep.run(later + 29 * minute)
    assert.equal(endpoint.engine.sessions.size, 1)
    endpoint.engine.sweep.run(later + 31 * minute)
    assert.equal(endpoint.engine.sessions.size, 0)
    assert.equal(endpoint.engine.subscriptions.size, 0)
  })

  test('is not idle while a request runs in it', async (t) => {
    const fixture = makeFixture({ handlerTimeoutMs: 1e9 })
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const answer = session.send(request('tools/call', { name: 'hangs' }))
    await fixture.begun.get('hangs')!.promise
    while (endpoint.engine.running === 0) await endpoint.stateless('server/discover')
    endpoint.engine.sweep.run(Date.now() + 60 * minute)
    assert.equal(endpoint.engine.sessions.size, 1)
    fixture.release()
    assert.ok((await answer).message.result)
  })

  test('25.sessions.011 25.sessions.013 25.http.022: ended by DELETE closes its streams and cancels its requests', async (t) => {
    const fixture = makeFixture()
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const stream = await session.listen()
    const answer = session.send(request('tools/call', { name: 'hangs' }))
    const signal = await fixture.begun.get('hangs')!.promise
    const { status, text } = await session.end()
    assert.equal(status, 204)
    assert.equal(text, '')
    assert.deepEqual(await stream.events.rest(), [])
    assert.equal(signal.aborted, true)
    assert.equal((await answer).status, 204)
    assert.equal(endpoint.engine.subscriptions.size, 0)
    fixture.release()
    while (endpoint.engine.running > 0) await endpoint.stateless('server/discover')
  })

  test('RFC 9110, 8.6: an answer of 204 has no Content-Length', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const { headers } = await (await endpoint.session()).end()
    assert.equal(headers['content-length'], undefined)
  })

  test('25.resources.006: ended takes its subscriptions with it, and the source is told of each', async (t) => {
    const watched: [string, boolean][] = []
    const core = {
      ...defineServer({ name: 's', version: '1' })[service],
      capabilities: () => ({ resources: { subscribe: true } }),
      watchResource: (uri: string, isWatched: boolean) => void watched.push([uri, isWatched]),
    }
    const endpoint = await startEndpoint(t, { [service]: core })
    const [one, other] = [await endpoint.session(), await endpoint.session()]
    await one.call('resources/subscribe', { uri: 'docs://a' })
    await other.call('resources/subscribe', { uri: 'docs://a' })
    await other.call('resources/subscribe', { uri: 'docs://b' })
    await one.end()
    assert.deepEqual(watched, [
      ['docs://a', true],
      ['docs://a', true],
      ['docs://b', true],
      ['docs://a', false],
    ])
    endpoint.engine.sweep.run(Date.now() + 31 * minute)
    assert.deepEqual(watched.slice(4), [
      ['docs://a', false],
      ['docs://b', false],
    ])
  })

  test('costs no timer of its own, and the one there is keeps no process alive', async () => {
    const before = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    const engine = new Engine(makeFixture().server[service])
    const after = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    assert.equal(after, before)
    await engine.close(0)
  })
})
