import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultEventLogLimits, EventLog } from '../../src/sessions/event-log.ts'

const limits = { maxEvents: 3, maxLength: 100, maxAgeMs: 1000 }
const dataOf = (log: EventLog, stream: number, sequence: number) =>
  log.after(stream, sequence)?.map(({ data }) => data)

test('25.http.040: sequence numbers run through all streams', () => {
  const log = new EventLog(defaultEventLogLimits)
  assert.deepEqual([log.append(1, 'a', 0), log.append(2, 'b', 0), log.append(1, 'c', 0)], [1, 2, 3])
})

test('25.http.044: what comes after a place is that of its own stream, without empty events', () => {
  const log = new EventLog(defaultEventLogLimits)
  log.append(1, '', 0)
  log.append(1, 'a', 0)
  log.append(2, 'x', 0)
  log.append(1, 'b', 0)
  assert.deepEqual(dataOf(log, 1, 1), ['a', 'b'])
  assert.deepEqual(dataOf(log, 1, 2), ['b'])
  assert.deepEqual(dataOf(log, 1, 4), [])
  assert.deepEqual(dataOf(log, 2, 0), ['x'])
  assert.deepEqual(dataOf(log, 3, 0), [])
})

test('the oldest go when there are too many', () => {
  const log = new EventLog(limits)
  for (const data of ['a', 'b', 'c', 'd']) log.append(1, data, 0)
  assert.equal(log.size, 3)
  assert.equal(log.after(1, 0), undefined)
  assert.deepEqual(dataOf(log, 1, 1), ['b', 'c', 'd'])
})

test('the oldest go when they are too long together, even the newest one', () => {
  const log = new EventLog(limits)
  log.append(1, 'x'.repeat(60), 0)
  log.append(1, 'y'.repeat(60), 0)
  assert.equal(log.size, 1)
  assert.equal(log.after(1, 0), undefined)
  log.append(1, 'z'.repeat(101), 0)
  assert.equal(log.size, 0)
  assert.equal(log.after(1, 2), undefined)
  assert.deepEqual(dataOf(log, 1, 3), [])
  log.append(1, 'after', 0)
  assert.deepEqual(dataOf(log, 1, 3), ['after'])
})

test('what is forgotten of one stream does not stop another', () => {
  const log = new EventLog(limits)
  log.append(1, 'a', 0)
  for (const data of ['b', 'c', 'd']) log.append(2, data, 0)
  assert.equal(log.after(1, 0), undefined)
  assert.deepEqual(dataOf(log, 2, 0), ['b', 'c', 'd'])
})

test('the old ones go with time', () => {
  const log = new EventLog(limits)
  log.append(1, 'a', 0)
  log.append(1, 'b', 500)
  log.expire(999)
  assert.equal(log.size, 2)
  log.expire(1000)
  assert.equal(log.size, 1)
  assert.equal(log.has(1), true)
  log.expire(1500)
  assert.equal(log.has(1), false)
  assert.equal(log.after(1, 1), undefined)
  log.drop(1)
  assert.deepEqual(dataOf(log, 1, 1), [])
})
