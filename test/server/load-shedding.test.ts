import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Load, LoadShedding } from '../../src/server/load-shedding.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { initialize } from '../support/messages.ts'
import { assertRefused } from '../support/refusals.ts'

const calm: Load = { lagMs: 1, memoryBytes: 100, heapShare: 0.1 }
const limits = { maxLagMs: 200, maxMemoryBytes: 1000, maxHeapShare: 0.9 }

function fakeGauge() {
  const gauge = { load: calm, isOpen: false }
  const open = () => {
    gauge.isOpen = true
    return {
      read: () => gauge.load,
      close: () => {
        gauge.isOpen = false
      },
    }
  }
  return { gauge, open }
}

test('load is shed from the watermark on, and until it is well below it', () => {
  const { gauge, open } = fakeGauge()
  const shedding = new LoadShedding(limits, open)
  const at = (load: Partial<Load>) => {
    gauge.load = { ...calm, ...load }
    shedding.sample()
    return shedding.overload
  }
  assert.equal(at({}), undefined)
  assert.equal(at({ lagMs: 201 }), 'event loop lag')
  assert.equal(at({ lagMs: 101 }), 'event loop lag')
  assert.equal(at({ lagMs: 100 }), undefined)
  assert.equal(at({ lagMs: 101 }), undefined)
  assert.equal(at({ memoryBytes: 1001 }), 'memory')
  assert.equal(at({ memoryBytes: 951 }), 'memory')
  assert.equal(at({ memoryBytes: 950 }), undefined)
  assert.equal(at({ heapShare: 0.91 }), 'heap')
  assert.deepEqual(shedding.load, { ...calm, heapShare: 0.91 })
  assert.equal(at({ heapShare: 0.8 }), undefined)
  shedding.close()
  assert.equal(gauge.isOpen, false)
})

test('a watermark of 0 is none, and without any nothing is measured', () => {
  const { gauge, open } = fakeGauge()
  const off = new LoadShedding({ maxLagMs: 0, maxMemoryBytes: 0, maxHeapShare: 0 }, open)
  gauge.load = { lagMs: 1e6, memoryBytes: 1e12, heapShare: 1 }
  off.sample()
  assert.equal(off.overload, undefined)
  assert.equal(gauge.isOpen, false)
  const some = new LoadShedding({ maxLagMs: 0, maxMemoryBytes: 0, maxHeapShare: 0.5 }, open)
  some.sample()
  assert.equal(some.overload, 'heap')
})

test('the load of the process itself is measured', async () => {
  const shedding = new LoadShedding({ maxLagMs: 50, maxMemoryBytes: 1, maxHeapShare: 0 })
  shedding.sample()
  assert.equal(shedding.overload, 'memory')
  const { memoryBytes, heapShare, lagMs } = shedding.load
  assert.ok(memoryBytes > 1_000_000)
  assert.ok(heapShare > 0 && heapShare < 1)
  assert.ok(lagMs >= 0)
  shedding.close()
  const lagging = new LoadShedding({ maxLagMs: 50, maxMemoryBytes: 0, maxHeapShare: 0 })
  lagging.sample()
  // Several turns that are all long: a single one is no overload.
  for (let turn = 0; turn < 5; turn++) {
    const until = performance.now() + 150
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  lagging.sample()
  assert.equal(lagging.overload, 'event loop lag')
  lagging.close()
})

test('while load is shed, new sessions and requests get 503 with Retry-After, and what is there goes on', async (t) => {
  const { gauge, open } = fakeGauge()
  const fixture = makeFixture()
  const endpoint = await startEndpoint(t, fixture.server, { shedding: limits }, open)
  const { engine } = endpoint
  const session = await endpoint.session()
  const running = session.call('tools/call', { name: 'hangs' })
  await fixture.begun.get('hangs')!.promise
  gauge.load = { ...calm, lagMs: 500 }
  engine.sweep.run(Date.now())
  assert.equal(engine.admission.isOverloaded, true)

  const refused = { status: 503, code: -32603, message: /too much to do/ }
  const fresh = await endpoint.send({ body: initialize('2025-11-25', {}, 'i') })
  assertRefused(fresh, { ...refused, id: 'i' })
  assert.equal(fresh.headers['retry-after'], '5')
  const call = await endpoint.stateless('tools/call', { name: 'echo', arguments: { text: 'x' } })
  assertRefused(call, { ...refused, id: 1 })
  assert.equal(call.headers['retry-after'], '5')
  assert.deepEqual((await session.call('ping')).result, {})
  fixture.release()
  assert.ok((await running).result)

  gauge.load = calm
  engine.sweep.run(Date.now())
  assert.ok((await session.call('tools/call', { name: 'echo', arguments: { text: 'x' } })).result)
  assert.equal(engine.admission.isOverloaded, false)
})
