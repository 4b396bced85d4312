import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DeadLetters } from '../../src/queue/dead-letters.ts'
import { Outbound, type OutboundLimits } from '../../src/queue/outbound.ts'
import { runs } from '../support/fuzz.ts'

/** A sink that takes so many messages before it wants a pause. */
function makeOutbound(limits: OutboundLimits, takes = Number.POSITIVE_INFINITY) {
  const written: string[] = []
  const events: string[] = []
  const dead = new DeadLetters({ now: () => 7 })
  const sink = {
    left: takes,
    write: (message: string | Uint8Array) => {
      written.push(String(message))
      sink.left--
      return sink.left > 0
    },
    cut: () => events.push('cut'),
    pause: () => events.push('pause'),
    resume: () => events.push('resume'),
  }
  const outbound = new Outbound(sink, limits, 'peer', dead)
  const drain = (more = Number.POSITIVE_INFINITY) => {
    sink.left = more
    outbound.drained()
  }
  return { outbound, written, events, dead, drain }
}

test('messages go straight through while the sink takes them, and wait in order when it does not', () => {
  const { outbound, written, drain } = makeOutbound({ maxBytes: 1000 }, 2)
  for (const message of ['a', 'b', 'c', 'd', 'e']) outbound.send(message)
  assert.deepEqual(written, ['a', 'b'])
  assert.deepEqual(outbound.metrics, { waitingBytes: 3, waitingMessages: 3, isPaused: false })
  drain(2)
  outbound.send('f')
  assert.deepEqual(written, ['a', 'b', 'c', 'd'])
  drain()
  outbound.send('g')
  assert.deepEqual(written, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  assert.deepEqual(outbound.metrics, { waitingBytes: 0, waitingMessages: 0, isPaused: false })
  assert.equal(outbound.isFlowing, true)
})

test('the water marks pause the source when much waits and let it go on when little does', () => {
  const limits = { maxBytes: 1000, highWaterBytes: 100, lowWaterBytes: 30 }
  const { outbound, events, drain } = makeOutbound(limits, 1)
  outbound.send('first')
  for (let index = 0; index < 9; index++) outbound.send('0123456789')
  assert.deepEqual(events, [])
  outbound.send('é'.repeat(5))
  assert.deepEqual(events, ['pause'])
  outbound.send('0123456789')
  assert.deepEqual(events, ['pause'])
  drain(5)
  assert.deepEqual(events, ['pause'])
  drain(3)
  assert.deepEqual(events, ['pause', 'resume'])
})

test('a client that lets too many bytes wait is cut off, and they become dead letters', () => {
  const { outbound, written, events, dead, drain } = makeOutbound({ maxBytes: 30 }, 1)
  outbound.send('first')
  outbound.send('x'.repeat(20))
  outbound.send(Buffer.from('y'.repeat(10)))
  assert.deepEqual(events, ['pause'])
  outbound.send('z')
  assert.deepEqual(events, ['pause', 'cut'])
  outbound.send('more')
  drain()
  assert.deepEqual(written, ['first'])
  assert.deepEqual(
    dead.snapshot().map(({ reason, peer, atMs, bytes, text }) => [reason, peer, atMs, bytes, text]),
    [
      ['slow client', 'peer', 7, 20, 'x'.repeat(20)],
      ['slow client', 'peer', 7, 10, 'y'.repeat(10)],
      ['slow client', 'peer', 7, 1, 'z'],
    ],
  )
  assert.equal(outbound.metrics.waitingBytes, 0)
})

test('one message may be longer than what may wait, if nothing else waits', () => {
  const { outbound, events, written, drain } = makeOutbound({ maxBytes: 10 }, 1)
  outbound.send('first')
  outbound.send('x'.repeat(50))
  assert.deepEqual(events, ['pause'])
  drain()
  assert.deepEqual(written, ['first', 'x'.repeat(50)])
})

test('a client that lets too many messages wait is cut off, however short they are', () => {
  const { outbound, events, dead } = makeOutbound({ maxBytes: 1000, maxMessages: 3 }, 1)
  for (let index = 0; index < 5; index++) outbound.send('')
  assert.deepEqual(events, ['cut'])
  assert.equal(dead.counts['slow client'], 4)
})

test('closing writes what waits, or buries it', () => {
  const flushed = makeOutbound({ maxBytes: 100 }, 1)
  for (const message of ['a', 'b', 'c']) flushed.outbound.send(message)
  flushed.outbound.close(true)
  flushed.outbound.send('d')
  assert.deepEqual(flushed.written, ['a', 'b', 'c'])
  assert.equal(flushed.dead.size, 0)
  const buried = makeOutbound({ maxBytes: 100 }, 1)
  for (const message of ['a', 'b', 'c']) buried.outbound.send(message)
  buried.outbound.close()
  buried.outbound.close()
  assert.deepEqual(buried.written, ['a'])
  assert.deepEqual(buried.dead.counts, { 'connection closed': 2 })
})

test('whatever is sent and drained, messages arrive once and in order, or the client is cut off', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ send: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ drain: fc.integer({ min: 1, max: 6 }) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const limits = { maxBytes: 200, maxMessages: 20, highWaterBytes: 80, lowWaterBytes: 20 }
      const { outbound, written, events, dead, drain } = makeOutbound(limits, 3)
      const sent: string[] = []
      for (const [index, each] of steps.entries()) {
        if ('drain' in each) drain(each.drain)
        else {
          const message = `${index}:${'x'.repeat(each.send)}`
          if (!events.includes('cut')) sent.push(message)
          outbound.send(message)
        }
        const { waitingBytes, waitingMessages, isPaused } = outbound.metrics
        assert.ok(waitingBytes <= 200 && waitingMessages <= 20)
        if (events.includes('cut')) continue
        assert.deepEqual(sent.slice(0, written.length), written)
        assert.equal(written.length + waitingMessages, sent.length)
        assert.equal(isPaused, events.at(-1) === 'pause')
        if (isPaused) assert.ok(waitingBytes > 20)
        else assert.ok(waitingBytes < 80)
      }
      const lost = dead.snapshot().map(({ text }) => text)
      if (events.includes('cut')) assert.deepEqual([...written, ...lost], sent)
      else assert.deepEqual(lost, [])
    }),
    runs(300),
  )
})

test('dead letters are the last so many, cut to a beginning, and all are counted', () => {
  const dead = new DeadLetters({ capacity: 3, now: () => 1 })
  for (let index = 0; index < 5; index++) dead.bury('deadline', `peer ${index}`, `message ${index}`)
  dead.bury('shutdown', 'long', `${'ü'.repeat(5000)}`)
  assert.deepEqual(dead.counts, { deadline: 5, shutdown: 1 })
  assert.equal(dead.size, 3)
  const letters = dead.snapshot()
  assert.deepEqual(
    letters.map(({ peer }) => peer),
    ['peer 3', 'peer 4', 'long'],
  )
  assert.equal(letters[2]?.bytes, 10_000)
  assert.equal(letters[2]?.text, 'ü'.repeat(200))
})
