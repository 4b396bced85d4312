import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import type { AdmissionLimits } from '../../src/server/admission.ts'
import { Engine } from '../../src/server/engine.ts'
import { networks } from '../../src/server/observer.ts'
import { defineServer } from '../../src/server/server.ts'
import { service } from '../../src/server/service.ts'
import {
  type Answer,
  type HttpSession,
  startEndpoint,
  statelessPost,
  type TestEndpoint,
} from '../support/http.ts'
import { firstText, notification, request } from '../support/messages.ts'
import { assertRefused } from '../support/refusals.ts'
import { startStdio } from '../support/stdio.ts'

const limits: AdmissionLimits = {
  maxRunning: 2,
  maxWaiting: 4,
  maxWaitingPerClient: 3,
  maxWaitMs: 60_000,
}
const refused = { status: 503, code: -32603, message: /too much|waiting|waited/ }

/** A server whose calls run until they are let go, in the order in which they have started. */
function makeServer() {
  const server = defineServer({ name: 'busy', version: '1' })
  const started: string[] = []
  const waiting: (() => void)[] = []
  server.tool('work', { input: { type: 'object' } }, async ({ label }: Record<string, unknown>) => {
    started.push(String(label))
    await new Promise<void>((resolve) => waiting.push(resolve))
    return `done ${label}`
  })
  server.tool('quick', {}, () => 'quick')
  return {
    server,
    started,
    /** Lets the one that has run longest go. */
    release: () => waiting.shift()?.(),
    releaseAll: () => {
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}
const work = (label: string, id: string = label) =>
  request('tools/call', { name: 'work', arguments: { label } }, id)

/** Nothing tells a test that a request is waiting, but that the engine counts it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

async function start(t: TestContext) {
  const busy = makeServer()
  // No answer becomes a stream because it takes long.
  const options = { admission: limits, keepAliveMs: 1_000_000 }
  const endpoint = await startEndpoint(t, busy.server, options)
  t.after(() => busy.releaseAll())
  return { ...busy, endpoint, engine: endpoint.engine }
}

/** Both places are taken. */
async function fill(
  endpoint: TestEndpoint,
  session: HttpSession,
  started: string[],
): Promise<{ running: Promise<Answer>[] }> {
  const running = [session.send(work('r1')), session.send(work('r2'))]
  // Not every test lets them go before its end.
  for (const each of running) each.catch(() => {})
  await until(() => started.length === 2)
  assert.equal(endpoint.engine.admission.running, 2)
  return { running }
}

suite('requests for which there is no room', () => {
  test('wait for it, and clients take turns', async (t) => {
    const { endpoint, engine, started, release } = await start(t)
    const [a, b] = [await endpoint.session(), await endpoint.session()]
    const { running } = await fill(endpoint, a, started)
    const answers = []
    for (const [session, label] of [
      [a, 'a1'],
      [a, 'a2'],
      [a, 'a3'],
      [b, 'b1'],
    ] as const) {
      answers.push(session.send(work(label)))
      await until(() => engine.admission.metrics.depth === answers.length)
    }
    assert.equal(engine.running, 6)
    for (let count = 3; count <= 6; count++) {
      release()
      await until(() => started.length === count)
    }
    assert.deepEqual(started.slice(2), ['a1', 'b1', 'a2', 'a3'])
    release()
    release()
    const texts = (await Promise.all([...running, ...answers])).map(({ message }) =>
      firstText(message),
    )
    assert.deepEqual(
      texts,
      ['r1', 'r2', 'a1', 'a2', 'a3', 'b1'].map((label) => `done ${label}`),
    )
    await until(() => engine.admission.running === 0)
    assert.equal(engine.admission.isBusy, false)
  })

  test('are refused with 503 and Retry-After when the queue, or their part of it, is full', async (t) => {
    const { endpoint, engine, started, releaseAll } = await start(t)
    const [a, b] = [await endpoint.session(), await endpoint.session()]
    await fill(endpoint, a, started)
    const waiting = []
    for (const label of ['a1', 'a2', 'a3']) {
      waiting.push(a.send(work(label)))
      await until(() => engine.admission.metrics.depth === waiting.length)
    }
    const mine = await a.send(work('a4'))
    assertRefused(mine, { ...refused, id: 'a4' })
    assert.equal(mine.headers['retry-after'], '5')
    assert.deepEqual(mine.message.error?.data, { retryAfterSeconds: 5 })
    waiting.push(b.send(work('b1')))
    await until(() => engine.admission.metrics.depth === 4)
    assertRefused(await b.send(work('b2')), { ...refused, id: 'b2' })
    // A client of no session is told apart by its address.
    const stateless = await endpoint.stateless('tools/call', { name: 'quick' })
    assertRefused(stateless, { ...refused, id: 1 })
    assert.equal(engine.admission.metrics.refused, 3)
    releaseAll()
    await until(() => started.length === 4)
    releaseAll()
    await until(() => started.length === 6)
    releaseAll()
    for (const answer of waiting) assert.equal((await answer).status, 200)
  })

  test('are refused when they have waited for too long, and become dead letters', async (t) => {
    const { endpoint, engine, started } = await start(t)
    const session = await endpoint.session()
    await fill(endpoint, session, started)
    const late = session.send(work('late'))
    await until(() => engine.admission.metrics.depth === 1)
    engine.sweep.run(Date.now() + limits.maxWaitMs / 2)
    assert.equal(engine.admission.metrics.depth, 1)
    engine.sweep.run(Date.now() + limits.maxWaitMs)
    assertRefused(await late, { ...refused, id: 'late' })
    assert.deepEqual(started, ['r1', 'r2'])
    const [letter] = engine.deadLetters.snapshot()
    assert.equal(letter?.reason, 'deadline')
    assert.equal(letter.peer, `session ${session.id.slice(0, 6)}…`)
    assert.equal(letter.text, '{"method":"tools/call","id":"late"}')
    assert.equal(engine.running, 2)
  })

  test('may be cancelled meanwhile, by a message or by going away, and never run', async (t) => {
    const { endpoint, engine, started, releaseAll } = await start(t)
    const session = await endpoint.session()
    await fill(endpoint, session, started)
    const cancelled = session.send(work('cancelled', 'c'))
    await until(() => engine.admission.metrics.depth === 1)
    // Its id is in use, as that of one that runs.
    assert.match(String((await session.send(work('other', 'c'))).message.error?.message), /in use/)
    await session.send(notification('notifications/cancelled', { requestId: 'c' }))
    assert.equal((await cancelled).status, 204)
    const gone = new AbortController()
    const { headers, body } = statelessPost('tools/call', {
      name: 'work',
      arguments: { label: 'gone' },
    })
    const fetched = fetch(`http://127.0.0.1:${endpoint.port}/mcp`, {
      method: 'POST',
      signal: gone.signal,
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(headers as object),
      },
      body: JSON.stringify(body),
    })
    await until(() => engine.admission.metrics.depth === 2)
    gone.abort()
    await assert.rejects(fetched)
    await until(() => engine.running === 2)
    releaseAll()
    await until(() => engine.admission.metrics.depth === 0 && engine.running === 0)
    assert.deepEqual(started, ['r1', 'r2'])
  })

  test("do not hold up the protocol's own methods, and lists go before calls", async (t) => {
    const { endpoint, engine, started, release, releaseAll } = await start(t)
    const session = await endpoint.session()
    await fill(endpoint, session, started)
    const order: string[] = []
    const call = session.send(work('call')).then(() => order.push('call'))
    await until(() => engine.admission.metrics.depth === 1)
    const listed = session.send(request('tools/list', {}, 'list')).then(() => order.push('list'))
    await until(() => engine.admission.metrics.depth === 2)
    assert.deepEqual((await session.call('ping')).result, {})
    assert.equal((await endpoint.stateless('server/discover')).status, 200)
    release()
    await listed
    await until(() => started.length === 3)
    releaseAll()
    await call
    assert.deepEqual(order, ['list', 'call'])
  })

  test('still run while the engine closes, if there is time, and are told else', async (t) => {
    for (const drainMs of [10_000, 0]) {
      const { endpoint, engine, started, releaseAll } = await start(t)
      const session = await endpoint.session()
      const { running } = await fill(endpoint, session, started)
      const waiting = session.send(work('waiting'))
      await until(() => engine.admission.metrics.depth === 1)
      const closing = engine.close(drainMs)
      releaseAll()
      if (drainMs > 0) {
        await until(() => started.length === 3)
        releaseAll()
        assert.equal(firstText((await waiting).message), 'done waiting')
      } else {
        assert.match(String((await waiting).message.error?.message), /shutting down/)
        assert.equal(started.length, 2)
      }
      await closing
      await Promise.all(running)
    }
  })

  test('are refused on connections that have no status, with the same error', async (t) => {
    const { server, started, releaseAll } = makeServer()
    const peer = startStdio(t, server, { admission: { ...limits, maxRunning: 1, maxWaiting: 1 } })
    await peer.open('2025-11-25')
    const answers = ['1', '2', '3'].map((label) =>
      peer.request('tools/call', { name: 'work', arguments: { label } }, { id: label }),
    )
    const { error } = await answers[2]!
    assert.equal(error?.code, -32603)
    assert.match(error.message, /waiting/)
    assert.deepEqual(error.data, { retryAfterSeconds: 5 })
    releaseAll()
    await until(() => started.length === 2)
    releaseAll()
    assert.equal(firstText(await answers[1]!), 'done 2')
  })
})

test('below the limits a synchronous handler has answered when dispatch returns, and is counted nowhere', () => {
  const { server } = makeServer()
  const engine = new Engine(server[service], { admission: { ...limits, maxRunning: 1 } })
  const answers: unknown[] = []
  const reply = {
    getHeader: undefined,
    network: networks.other,
    send: () => assert.fail('nothing is sent before the answer'),
    end: (response: string | Uint8Array) => answers.push(String(response)),
    abandon: () => assert.fail('it is answered'),
    pause: () => {},
    hold: () => assert.fail('it takes no time'),
  }
  const peer = {
    revision: negotiate('2025-11-25'),
    clientInfo: undefined,
    clientCapabilities: {},
    authInfo: undefined,
    logLevel: undefined,
  }
  for (let id = 0; id < 5; id++) {
    const message = { jsonrpc: '2.0' as const, id, method: 'tools/call', params: { name: 'quick' } }
    engine.dispatch(peer, message, reply, undefined)
    assert.equal(answers.length, id + 1)
  }
  assert.equal(engine.running, 0)
  assert.equal(engine.admission.running, 0)
  assert.equal(engine.admission.metrics.taken, 0)
  return engine.close(0)
})
