import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultEventLogLimits, EventLog } from '../../src/sessions/event-log.ts'
import { EventStream, parseEventId } from '../../src/sessions/event-stream.ts'

/** A response that notes what is written to it. */
function makeSink() {
  const written: [data: string, id: string | undefined, retryMs?: number][] = []
  const sink = {
    closed: 0,
    written,
    event: (data: string, id: string | undefined, retryMs?: number) =>
      void written.push(retryMs === undefined ? [data, id] : [data, id, retryMs]),
    replay: (events: readonly { data: string; id: string }[]) =>
      written.push(...events.map(({ data, id }): [string, string] => [data, id])),
    close: () => {
      sink.closed += 1
    },
  }
  return sink
}
function makeStream(number = 1) {
  const log = new EventLog(defaultEventLogLimits)
  return { log, stream: new EventStream(number, log) }
}

test('25.http.039 25.http.041: events go to what is attached, under ids that name the stream', () => {
  const { stream } = makeStream(7)
  const sink = makeSink()
  stream.send('before')
  stream.attach(sink)
  assert.equal(stream.isAttached, true)
  stream.prime(500)
  stream.send('a')
  assert.deepEqual(sink.written, [
    ['', '7-2', 500],
    ['a', '7-3'],
  ])
})

test('a second response takes the place of the first, which ends', () => {
  const { stream } = makeStream()
  const [first, second] = [makeSink(), makeSink()]
  stream.attach(first)
  stream.attach(second)
  assert.equal(first.closed, 1)
  stream.send('a')
  assert.deepEqual([first.written.length, second.written.length], [0, 1])
  // The first one's going away is no news.
  stream.detach(first)
  assert.equal(stream.isAttached, true)
  stream.detach(second)
  assert.equal(stream.isAttached, false)
})

test('25.http.043: what was sent meanwhile comes first', () => {
  const { stream } = makeStream()
  const [first, second] = [makeSink(), makeSink()]
  stream.attach(first)
  for (const data of ['a', 'b', 'c']) stream.send(data)
  stream.detach(first)
  stream.send('d')
  assert.equal(stream.canResume(2), true)
  stream.resume(second, 2)
  stream.send('e')
  assert.deepEqual(second.written, [
    ['c', '1-3'],
    ['d', '1-4'],
    ['e', '1-5'],
  ])
})

test('a paused stream ends its response, and is resumed by the next', () => {
  const { stream } = makeStream()
  const [first, second] = [makeSink(), makeSink()]
  stream.pause(10) // nothing to pause
  stream.attach(first)
  stream.pause(30)
  assert.deepEqual(first.written, [['', '1-1', 30]])
  assert.equal(first.closed, 1)
  stream.send('a')
  stream.resume(second, 1)
  assert.deepEqual(second.written, [['a', '1-2']])
  assert.equal(second.closed, 0)
})

test('a stream that has ended says nothing more, and closes whatever resumes it', () => {
  const { stream } = makeStream()
  const [first, second] = [makeSink(), makeSink()]
  stream.attach(first)
  stream.send('a')
  stream.end()
  stream.end()
  stream.send('b')
  assert.equal(first.closed, 1)
  stream.resume(second, 0)
  assert.deepEqual(second.written, [['a', '1-1']])
  assert.equal(second.closed, 1)
  assert.equal(stream.isAttached, false)
})

test('event ids are read back, and nothing else is', () => {
  assert.deepEqual(parseEventId('12-345'), { stream: 12, sequence: 345 })
  for (const id of [
    '',
    '-',
    '1',
    '1-',
    '-1',
    '1-2-3',
    ' 1-2',
    '1-2\n',
    'a-1',
    `1-${'9'.repeat(16)}`,
  ]) {
    assert.equal(parseEventId(id), undefined, id)
  }
})
