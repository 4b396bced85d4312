import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FairQueue, type FairQueueOptions } from '../../src/queue/fair-queue.ts'
import { runs } from '../support/fuzz.ts'

interface Item {
  label: string
  deadlineMs: number
}
const item = (label: string, deadlineMs = Number.POSITIVE_INFINITY): Item => ({ label, deadlineMs })

function makeQueue(options: Partial<FairQueueOptions<Item>> = {}) {
  const expired: string[] = []
  const marks: string[] = []
  const queue = new FairQueue<Item>({
    capacity: 100,
    onExpired: ({ label }) => expired.push(label),
    onHigh: () => marks.push('high'),
    onLow: () => marks.push('low'),
    ...options,
  })
  const drain = (nowMs = 0) => {
    const labels: string[] = []
    for (let next = queue.dequeue(nowMs); next !== undefined; next = queue.dequeue(nowMs)) {
      labels.push(next.label)
    }
    return labels
  }
  return { queue, expired, marks, drain }
}

test('clients take turns, however many items one of them has', () => {
  const { queue, drain } = makeQueue()
  for (const label of ['a1', 'a2', 'a3', 'a4']) queue.enqueue('a', item(label))
  queue.enqueue('b', item('b1'))
  queue.enqueue('c', item('c1'))
  queue.enqueue('b', item('b2'))
  assert.deepEqual(drain(), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
})

test('the more urgent goes first, and what is less urgent still gets its share', () => {
  const { queue, drain } = makeQueue({ shares: [3, 1] })
  for (let index = 0; index < 8; index++) {
    queue.enqueue('a', item(`slow ${index}`), 1)
    queue.enqueue('a', item(`fast ${index}`), 0)
  }
  assert.deepEqual(
    drain()
      .map((label) => label[0])
      .join(''),
    'fffsfffsffssssss',
  )
  assert.throws(() => queue.enqueue('a', item('x'), 2), RangeError)
})

test('a full queue refuses, and so does a full part of one client, for that client alone', () => {
  const { queue, drain } = makeQueue({ capacity: 5, capacityPerClient: 3 })
  for (let index = 0; index < 3; index++) assert.ok(queue.enqueue('a', item(`a${index}`)))
  assert.equal(queue.enqueue('a', item('a3')), false)
  assert.ok(queue.enqueue('b', item('b0')))
  assert.ok(queue.enqueue('c', item('c0')))
  assert.equal(queue.enqueue('d', item('d0')), false)
  assert.deepEqual(drain(), ['a0', 'b0', 'c0', 'a1', 'a2'])
  const { depth, peakDepth, taken, refused } = queue.metrics
  assert.deepEqual(
    { depth, peakDepth, taken, refused },
    { depth: 0, peakDepth: 5, taken: 5, refused: 2 },
  )
})

test('what has waited beyond its deadline is not handed out, and is taken out by the sweep', () => {
  const { queue, expired, drain } = makeQueue()
  queue.enqueue('a', item('a1', 100))
  queue.enqueue('a', item('a2', 300))
  queue.enqueue('b', item('b1', 200))
  queue.enqueue('b', item('b2', 400))
  queue.sweep(99)
  assert.deepEqual(expired, [])
  queue.sweep(100)
  assert.deepEqual(expired, ['a1'])
  assert.equal(queue.dequeue(200)?.label, 'a2')
  assert.equal(queue.dequeue(200)?.label, 'b2')
  assert.deepEqual(expired, ['a1', 'b1'])
  queue.enqueue('c', item('c1', 500))
  queue.sweep(500)
  assert.deepEqual(drain(), [])
  assert.equal(queue.metrics.expired, 3)
  assert.equal(queue.size, 0)
})

test('the high water mark pauses the source and the low one lets it go on, each once', () => {
  const { queue, marks } = makeQueue({ capacity: 10, highWater: 6, lowWater: 2 })
  for (let index = 0; index < 8; index++) queue.enqueue('a', item(`a${index}`, index < 7 ? 50 : 90))
  assert.deepEqual(marks, ['high'])
  assert.equal(queue.isHigh, true)
  queue.dequeue(0)
  assert.deepEqual(marks, ['high'])
  queue.sweep(50)
  assert.deepEqual(marks, ['high', 'low'])
  assert.equal(queue.isHigh, false)
  for (let index = 0; index < 6; index++) queue.enqueue(`c${index}`, item('c'))
  assert.equal(queue.clear().length, 7)
  assert.deepEqual(marks, ['high', 'low', 'high', 'low'])
})

test('clients of which nothing waits are forgotten, and never outnumber the items that may wait', () => {
  const { queue } = makeQueue({ capacity: 4 })
  for (let index = 0; index < 100; index++) {
    queue.enqueue(`client ${index}`, item('x'))
    queue.dequeue(0)
    assert.ok(queue.metrics.clients <= 4)
  }
  queue.sweep(0)
  assert.equal(queue.metrics.clients, 0)
  // A client that is refused because all is full leaves nothing behind either.
  for (let index = 0; index < 4; index++) queue.enqueue(index, item('x'))
  for (let index = 4; index < 100; index++) assert.equal(queue.enqueue(index, item('x')), false)
  assert.equal(queue.metrics.clients, 4)
})

test('nothing is lost or handed out twice, and each client and priority keeps its order', () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        does: fc.constant('enqueue' as const),
        client: fc.nat(4),
        priority: fc.nat(2),
        waits: fc.integer({ min: 1, max: 40 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constantFrom('dequeue' as const, 'sweep' as const) }),
    },
  )
  interface Known extends Item {
    order: number
    lane: string
    client: number
  }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const waiting = new Set<Known>()
      const gone = new Set<Known>()
      const last = new Map<string, number>()
      const queue = new FairQueue<Known>({
        capacity: 20,
        capacityPerClient: 8,
        shares: [4, 2, 1],
        onExpired: (each) => leave(each, true),
      })
      let nowMs = 0
      const leave = (each: Known, isExpired: boolean) => {
        assert.ok(waiting.delete(each) && !gone.has(each))
        gone.add(each)
        assert.equal(each.deadlineMs <= nowMs, isExpired)
        if (isExpired) return
        assert.ok((last.get(each.lane) ?? -1) < each.order)
        last.set(each.lane, each.order)
      }
      for (const [order, each] of steps.entries()) {
        nowMs++
        if (each.does === 'enqueue') {
          const { client, priority, waits } = each
          const lane = `${client}/${priority}`
          const known = { label: lane, lane, client, order, deadlineMs: nowMs + waits }
          const ofClient = [...waiting].filter((other) => other.client === client).length
          const hasRoom = waiting.size < 20 && ofClient < 8
          assert.equal(queue.enqueue(client, known, priority), hasRoom)
          if (hasRoom) waiting.add(known)
        } else if (each.does === 'sweep') {
          queue.sweep(nowMs)
          for (const other of waiting) assert.ok(other.deadlineMs > nowMs)
        } else {
          const found = queue.dequeue(nowMs)
          if (found !== undefined) leave(found, false)
          else assert.equal(waiting.size, 0)
        }
        assert.equal(queue.size, waiting.size)
      }
    }),
    runs(300),
  )
})

test('no client waits for more than one item of each other client, whatever they send', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }), (clients) => {
      const { queue, drain } = makeQueue()
      for (const [order, client] of clients.entries())
        queue.enqueue(client, item(`${client} ${order}`))
      const served = drain().map((label) => Number(label.split(' ')[0]))
      assert.equal(served.length, clients.length)
      const between = new Map<number, number[]>()
      for (const client of served) {
        const others = between.get(client) ?? []
        assert.equal(
          new Set(others).size,
          others.length,
          'another client was served twice meanwhile',
        )
        for (const list of between.values()) list.push(client)
        between.set(client, [])
      }
    }),
    runs(200),
  )
})
