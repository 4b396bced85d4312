import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingBuffer } from '../../src/queue/ring-buffer.ts'
import { runs } from '../support/fuzz.ts'

test('a ring buffer does what an array does, up to its capacity', () => {
  const does = fc.constantFrom('push', 'push', 'push', 'shift', 'peek', 'trim')
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.array(does, { maxLength: 300 }),
      (capacity, steps) => {
        const ring = new RingBuffer<number>(capacity)
        const model: number[] = []
        for (const [value, step] of steps.entries()) {
          if (step === 'push') {
            const hasRoom = model.length < capacity
            assert.equal(ring.push(value), hasRoom)
            if (hasRoom) model.push(value)
          } else if (step === 'shift') assert.equal(ring.shift(), model.shift())
          else if (step === 'trim') ring.trim()
          assert.equal(ring.peek(), model[0])
          assert.equal(ring.size, model.length)
          assert.deepEqual(ring.toArray(), model)
        }
      },
    ),
    runs(300),
  )
})

test('a ring buffer of a capacity that is no power of two holds exactly that many', () => {
  const ring = new RingBuffer<number>(1000)
  let pushed = 0
  while (ring.push(pushed)) pushed++
  assert.equal(pushed, 1000)
  for (let round = 0; round < 3000; round++) {
    assert.equal(ring.shift(), round)
    assert.equal(ring.push(1000 + round), true)
    assert.equal(ring.push(-1), false)
  }
})

test('a ring buffer must have a capacity that an array can have', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 26 + 1]) {
    assert.throws(() => new RingBuffer(capacity), RangeError)
  }
})
