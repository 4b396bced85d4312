import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RollingWalk } from '../../src/sessions/rolling-walk.ts'

const mapOf = (count: number) =>
  new Map(Array.from({ length: count }, (_, index) => [index, index]))

test('every value comes up once a round, a part at a time', () => {
  const walk = new RollingWalk(mapOf(100), 10_000, 1)
  const seen: number[] = []
  for (let part = 0; part < 10; part += 1) {
    const values = [...walk.next()]
    assert.equal(values.length, 10)
    seen.push(...values)
  }
  assert.deepEqual(seen, [...mapOf(100).keys()])
  assert.deepEqual([...walk.next()][0], 0)
})

test('few values come up every time, whatever the round', () => {
  const walk = new RollingWalk(mapOf(3), 10_000, 1000)
  for (let part = 0; part < 5; part += 1) assert.deepEqual([...walk.next()].toSorted(), [0, 1, 2])
})

test('values may come and go meanwhile', () => {
  const map = mapOf(10)
  const walk = new RollingWalk(map, 2000, 1)
  for (const value of walk.next()) map.delete(value)
  assert.equal(map.size, 5)
  map.set(77, 77)
  const seen = [...walk.next(), ...walk.next(), ...walk.next()]
  assert.ok(seen.includes(77))
  map.clear()
  assert.deepEqual([...walk.next()], [])
})
