import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Restarts } from '../../src/internal/restarts.ts'

const limits = { max: 4, withinMs: 1000, firstDelayMs: 10, maxDelayMs: 50 }

suite('restarts', () => {
  test('rest longer after each failure, up to a limit, and end when there are too many', () => {
    const restarts = new Restarts(limits)
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((nowMs) => restarts.next(nowMs)),
      [10, 20, 40, 50, undefined],
    )
    // It was given up, but time goes on: the failures before count no more.
    assert.equal(restarts.next(1003), 10)
  })

  test('forget failures that are long ago, so that a rare one costs little', () => {
    const restarts = new Restarts(limits)
    for (let nowMs = 0; nowMs < 100_000; nowMs += 1000) assert.equal(restarts.next(nowMs), 10)
  })
})
