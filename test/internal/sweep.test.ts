import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sweep } from '../../src/internal/sweep.ts'

test('each task gets the clock, and one that throws does not stop the others', () => {
  const errors: unknown[] = []
  const sweep = new Sweep(1000, (error) => errors.push(error))
  const seen: number[] = []
  const failure = new Error('broken task')
  sweep.add(() => {
    throw failure
  })
  sweep.add((nowMs) => seen.push(nowMs))
  sweep.run(5)
  sweep.run(6)
  assert.deepEqual(seen, [5, 6])
  assert.deepEqual(errors, [failure, failure])
  sweep.stop()
})

test('runs once an interval, for as long as there is a task', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 0 })
  const sweep = new Sweep(1000, () => {})
  const seen: number[] = []
  const removeFirst = sweep.add((nowMs) => seen.push(nowMs))
  const removeSecond = sweep.add(() => {})
  t.mock.timers.tick(1000)
  t.mock.timers.tick(1000)
  assert.deepEqual(seen, [1000, 2000])
  removeFirst()
  t.mock.timers.tick(1000)
  assert.equal(seen.length, 2)
  removeSecond()
  sweep.add((nowMs) => seen.push(nowMs))
  t.mock.timers.tick(1000)
  assert.equal(seen.length, 3)
  sweep.stop()
  t.mock.timers.tick(5000)
  assert.equal(seen.length, 3)
})
