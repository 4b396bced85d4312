import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Rate, spend } from '../../src/internal/rate.ts'
import { runs } from '../support/fuzz.ts'

/** How many go of those that come at these times. */
function admitted(rate: Rate, times: readonly number[]): number {
  let due = 0
  let count = 0
  for (const nowMs of times) {
    const next = spend(rate, due, nowMs)
    if (next === undefined) continue
    due = next
    count += 1
  }
  return count
}

test('26.progress.012: a burst goes at once, then one an interval', () => {
  const rate = { intervalMs: 10, burst: 3 }
  assert.equal(admitted(rate, [0, 0, 0, 0, 0]), 3)
  assert.equal(admitted(rate, [0, 0, 0, 9, 10, 10, 20]), 5)
  assert.equal(admitted(rate, [0, 0, 0, 1000, 1000, 1000, 1000]), 6)
  assert.equal(admitted({ intervalMs: 10, burst: 1 }, [5, 5, 14, 15]), 2)
})

test('never more go in a time than the rate and one burst allow, and all that keep to the rate do', () => {
  const gaps = fc.array(fc.nat({ max: 30 }), { maxLength: 60 })
  const rates = fc.record({
    intervalMs: fc.integer({ min: 1, max: 20 }),
    burst: fc.integer({ min: 1, max: 9 }),
  })
  fc.assert(
    fc.property(rates, gaps, (rate, steps) => {
      let nowMs = 1000
      const times = steps.map((gap) => {
        nowMs += gap
        return nowMs
      })
      const span = (times.at(-1) ?? 0) - (times[0] ?? 0)
      const count = admitted(rate, times)
      assert.ok(count <= rate.burst + Math.floor(span / rate.intervalMs))
      const calm = times.map((_, index) => 1000 + index * rate.intervalMs)
      assert.equal(admitted(rate, calm), calm.length)
    }),
    runs(),
  )
})
