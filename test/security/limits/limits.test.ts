import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { McpError } from '../../../src/protocol/errors.ts'
import type { AuthInfo } from '../../../src/protocol/types.ts'
import { addressKey } from '../../../src/security/limits/address-key.ts'
import { type Counted, Limits, releaseAll } from '../../../src/security/limits/limits.ts'
import { quotaFile } from '../../../src/security/limits/quota-file.ts'
import { endOf, periodOf, QuotaTable } from '../../../src/security/limits/quota-table.ts'
import { RateTable, readRate } from '../../../src/security/limits/rate-table.ts'
import { temporaryFolder } from '../../support/folder.ts'

const counted = (more: Partial<Counted> = {}): Counted => ({
  caller: { subject: 'alice' },
  address: '192.0.2.1',
  tool: undefined,
  roles: new Set(),
  ...more,
})
const nowMs = Date.UTC(2026, 0, 31, 12)
const isLimited = (limits: Limits, who: Counted, atMs = nowMs): boolean => {
  try {
    releaseAll(limits.take(who, false, atMs))
    return false
  } catch (error) {
    assert.ok(error instanceof McpError)
    return true
  }
}

suite('rates', () => {
  test('let a burst through and then one an interval', () => {
    const limits = new Limits({ rates: [{ per: 'identity', rate: '10/second', burst: 3 }] })
    const take = (atMs: number) => isLimited(limits, counted(), atMs)
    assert.deepEqual(
      [0, 0, 0, 0].map(() => take(nowMs)),
      [false, false, false, true],
    )
    assert.equal(take(nowMs + 99), true)
    assert.equal(take(nowMs + 100), false)
    assert.equal(take(nowMs + 150), true)
  })

  test('say when to come back, as a header and in the error', () => {
    const limits = new Limits({ rates: [{ per: 'identity', rate: '6/minute', burst: 1 }] })
    limits.take(counted(), false, nowMs)
    assert.throws(
      () => limits.take(counted(), false, nowMs + 1000),
      (error: McpError) => {
        assert.equal(error.httpStatus(), 429)
        assert.deepEqual(error.data, { retryAfterMs: 9000 })
        assert.deepEqual(error.headers, ['retry-after', '9'])
        return true
      },
    )
  })

  test('count by identity, address, tool or all together', () => {
    const burst = { rate: '1/minute', burst: 1 } as const
    const by = (per: 'identity' | 'address' | 'tool' | 'server', other: Partial<Counted>) => {
      const limits = new Limits({ rates: [{ per, ...burst }] })
      const first = counted({ tool: 'a' })
      assert.equal(isLimited(limits, first), false)
      assert.equal(isLimited(limits, first), true)
      return isLimited(limits, { ...first, ...other })
    }
    assert.equal(by('identity', { caller: { subject: 'bob' } }), false)
    assert.equal(by('identity', { address: '192.0.2.9' }), true)
    assert.equal(by('address', { address: '192.0.2.9' }), false)
    assert.equal(by('address', { caller: { subject: 'bob' } }), true)
    assert.equal(by('tool', { tool: 'b' }), false)
    assert.equal(by('tool', { caller: { subject: 'bob' } }), true)
    assert.equal(by('server', { caller: { subject: 'bob' }, tool: 'b', address: 'x' }), true)
    assert.equal(by('identity', { caller: undefined }), false)
  })

  test('an alice of another issuer neither uses up nor borrows what the first one has', () => {
    const of = (issuer: string | undefined, subject = 'alice') =>
      counted({ caller: { subject, ...(issuer !== undefined && { issuer }) } })
    const others = [
      of('https://two.example'),
      of(undefined),
      of(undefined, 'https://one.example alice'),
      of(undefined, JSON.stringify(['https://one.example', 'alice'])),
    ]
    const first = of('https://one.example')
    const scope = { per: 'identity' } as const
    const rates = new Limits({ rates: [{ ...scope, rate: '1/minute', burst: 1 }] })
    const quotas = new Limits({ quotas: [{ ...scope, max: 1, period: 'day' }] })
    for (const limits of [rates, quotas]) {
      assert.equal(isLimited(limits, first), false)
      for (const other of others) assert.equal(isLimited(limits, other), false)
      assert.equal(isLimited(limits, first), true)
    }
    const places = new Limits({ concurrency: [{ ...scope, max: 1 }] })
    const holds = [first, ...others].map((who) => places.take(who, false, nowMs))
    assert.equal(isLimited(places, first), true)
    releaseAll(holds[1])
    assert.equal(isLimited(places, first), true)
    releaseAll(holds[0])
    assert.equal(isLimited(places, first), false)
  })

  test('whoever registers more programs has no more of a limit', () => {
    const limits = new Limits({ rates: [{ per: 'identity', rate: '1/minute', burst: 1 }] })
    const by = (clientId: string) => {
      const caller: AuthInfo = { subject: 'alice', issuer: 'https://one.example', clientId }
      return isLimited(limits, counted({ caller }))
    }
    assert.deepEqual([by('one'), by('two')], [false, true])
  })

  test('may be for some tools and roles', () => {
    const limits = new Limits({
      rates: [{ per: 'identity', rate: '1/minute', burst: 1, tools: 'report.*', roles: ['free'] }],
    })
    const free = counted({ tool: 'report.x', roles: new Set(['free']) })
    assert.deepEqual([isLimited(limits, free), isLimited(limits, free)], [false, true])
    assert.equal(isLimited(limits, { ...free, tool: 'weather' }), false)
    assert.equal(isLimited(limits, { ...free, roles: new Set(['paid']) }), false)
  })

  test('of addresses are counted once, at the door, where there is one', () => {
    const limits = new Limits({ rates: [{ per: 'address', rate: '1/minute', burst: 2 }] })
    limits.arrive('192.0.2.1', nowMs)
    limits.take(counted(), true, nowMs)
    limits.arrive('192.0.2.1', nowMs)
    assert.throws(() => limits.arrive('192.0.2.1', nowMs), McpError)
  })

  test('are kept for a bounded number of callers, and forgotten when they are over', () => {
    const table = new RateTable(readRate('1/second', 1), 3)
    for (const key of ['a', 'b', 'c', 'd', 'e']) table.take(key, nowMs)
    assert.equal(table.size, 3)
    table.sweep(nowMs + 2000)
    assert.equal(table.size, 0)
  })
})

suite('what may go on at a time', () => {
  test('is bounded, and free again when it is released', () => {
    const limits = new Limits({ concurrency: [{ per: 'identity', max: 2 }] })
    const first = limits.take(counted(), false, nowMs)
    limits.take(counted(), false, nowMs)
    assert.equal(isLimited(limits, counted()), true)
    assert.equal(isLimited(limits, counted({ caller: { subject: 'bob' } })), false)
    releaseAll(first)
    assert.equal(isLimited(limits, counted()), false)
  })

  test('gives back what it took when a later limit refuses', () => {
    const limits = new Limits({
      concurrency: [
        { per: 'server', max: 1 },
        { per: 'identity', max: 1 },
      ],
      quotas: [{ per: 'identity', max: 1, period: 'day' }],
    })
    const held = limits.take(counted(), false, nowMs)
    assert.equal(isLimited(limits, counted()), true)
    releaseAll(held)
    // The quota is used up: but nothing is held by the refusal.
    assert.equal(isLimited(limits, counted()), true)
    assert.equal(isLimited(limits, counted({ caller: { subject: 'bob' } })), false)
  })
})

suite('quotas', () => {
  test('are full until the day or month of UTC is over', () => {
    const day = new Limits({ quotas: [{ per: 'identity', max: 2, period: 'day' }] })
    assert.deepEqual(
      [1, 2, 3].map(() => isLimited(day, counted())),
      [false, false, true],
    )
    assert.equal(isLimited(day, counted(), nowMs + 11 * 3_600_000), true)
    assert.equal(isLimited(day, counted(), nowMs + 12 * 3_600_000), false)
    const month = new Limits({ quotas: [{ per: 'server', max: 1, period: 'month' }] })
    assert.deepEqual(
      [1, 2].map(() => isLimited(month, counted())),
      [false, true],
    )
    assert.equal(isLimited(month, counted(), Date.UTC(2026, 1, 1)), false)
  })

  test('know the ends of periods', () => {
    const december = periodOf('month', Date.UTC(2026, 11, 31))
    assert.equal(endOf('month', december), Date.UTC(2027, 0, 1))
    assert.equal(endOf('day', periodOf('day', nowMs)), Date.UTC(2026, 1, 1))
  })

  test('that are kept for as many as can be let no newcomer in', () => {
    const table = new QuotaTable(5, 'day', 2)
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => table.take(key, nowMs) > 0),
      [false, false, true],
    )
    assert.equal(table.take('c', nowMs + 86_400_000), 0)
  })

  test('go on over a restart from their file', async (t) => {
    const store = quotaFile(join(temporaryFolder(t), 'quotas.json'))
    const document = { quotas: [{ per: 'identity', max: 2, period: 'day' }] } as const
    const before = new Limits(document, store.load())
    before.take(counted(), false, nowMs)
    assert.equal(before.hasNews, true)
    await store.save(before.used())
    const after = new Limits(document, store.load())
    assert.deepEqual(
      [1, 2].map(() => isLimited(after, counted())),
      [false, true],
    )
  })

  test('refuse a file that is something else', (t) => {
    const path = join(temporaryFolder(t), 'quotas.json')
    writeFileSync(path, '{"a":[["x",1]]}')
    assert.throws(() => quotaFile(path).load(), /no file of quotas/)
  })
})

test('one household of IPv6 counts as one address, and IPv4 in its clothes as itself', () => {
  assert.equal(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:2::ffff'))
  assert.notEqual(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'))
  assert.equal(addressKey('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(addressKey(undefined), 'none')
})
