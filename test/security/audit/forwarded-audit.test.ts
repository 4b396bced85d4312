import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { AuditEvent } from '../../../src/security/audit/audit-event.ts'
import { type AuditBatch, ForwardedAudit } from '../../../src/security/audit/forwarded-audit.ts'

const event = (method: string): AuditEvent => ({
  event: 'request',
  atMs: 1_800_000_000_000,
  method,
})

function forwarded(options: { onFull?: 'refuse' | 'continue'; maxWaiting?: number } = {}) {
  const batches: AuditBatch[] = []
  const audit = new ForwardedAudit({
    send: (batch) => void batches.push(batch),
    flushMs: 1,
    ...options,
  })
  return { audit, batches }
}
const until = async (holds: () => boolean) => {
  while (!holds()) await turn()
}

suite('records that another process writes', () => {
  test('go there in batches, in order, and count as waiting until they are taken', async () => {
    const { audit, batches } = forwarded()
    for (const method of ['a', 'b']) {
      assert.ok(audit.reserve())
      audit.recordReserved(event(method))
    }
    await until(() => batches.length === 1)
    audit.record(event('c'))
    await until(() => batches.length === 2)
    assert.deepEqual(
      batches.map(({ events }) => events.map(({ method }) => method)),
      [['a', 'b'], ['c']],
    )
    assert.equal(audit.waiting, 3)
    for (const { number } of batches) audit.received({ number, isFull: false })
    assert.equal(audit.waiting, 0)
  })

  test('are refused a place while too many wait, or the log cannot be written', async () => {
    const { audit, batches } = forwarded({ maxWaiting: 2 })
    audit.record(event('a'))
    assert.ok(audit.reserve())
    assert.equal(audit.reserve(), false)
    audit.recordReserved(event('b'))
    await until(() => batches.length === 1)
    assert.equal(audit.reserve(), false)
    audit.received({ number: 1, isFull: true })
    assert.equal(audit.reserve(), false)
    audit.record(event('c'))
    await until(() => batches.length === 2)
    audit.received({ number: 2, isFull: false })
    assert.ok(audit.reserve())
  })

  test('are counted where they find no place, and the count is sent', async () => {
    const { audit, batches } = forwarded({ maxWaiting: 1, onFull: 'continue' })
    for (const method of ['a', 'b', 'c']) {
      assert.ok(audit.reserve())
      audit.recordReserved(event(method))
    }
    await until(() => batches.length === 1)
    assert.deepEqual(
      batches[0]?.events.map(({ event: name, method }) => [name, method]),
      [
        ['gap', undefined],
        ['request', 'a'],
      ],
    )
    assert.deepEqual(batches[0]?.events[0]?.details, {
      lost: 2,
      since: new Date(1_800_000_000_000).toISOString(),
    })
  })

  test('are waited for when the process ends, and then there are no more', async () => {
    const { audit, batches } = forwarded()
    audit.record(event('a'))
    let isClosed = false
    const closed = audit.close().then(() => {
      isClosed = true
    })
    assert.equal(batches.length, 1)
    await turn()
    assert.equal(isClosed, false)
    audit.received({ number: 1, isFull: false })
    await closed
    assert.equal(audit.reserve(), false)
  })
})
