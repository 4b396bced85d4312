/** Clients that come, and leave without a word: a day's worth of them leaves nothing behind. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import { SessionStore } from '../../src/sessions/session-store.ts'
import { temporaryFolder } from '../support/folder.ts'
import { openStorage } from './support.ts'

const isSlow = process.env.SLOW_TESTS === '1'
/** 1,000,000 sessions in 24 hours, of 30 minutes each; or a part of that, for sessions of a minute and a half. */
const seconds = isSlow ? 86_400 : 1000
/** Steps in which time passes. */
const step = isSlow ? 10 : 1
const sessionsASecond = 1_000_000 / 86_400
const idleTtlMs = isSlow ? 1_800_000 : 90_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const revision = negotiate('2025-11-25')
const profile = { clientInfo: { name: 'c', version: '1' }, clientCapabilities: {} }

interface Reading {
  readonly heapBytes: number
  readonly residentBytes: number
  readonly sessions: number
  readonly fileBytes: number
}

/** Lets the day pass, and takes a reading at each tenth of it. */
async function passDay(
  t: TestContext,
  store: SessionStore,
  settle: () => Promise<void>,
  fileBytes: () => number,
): Promise<{ opened: number; readings: Reading[] }> {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const readings: Reading[] = []
  let opened = 0
  for (let second = step; second <= seconds; second += step) {
    t.mock.timers.tick(step * 1000)
    const opening: (Promise<void> | undefined)[] = []
    for (; opened < second * sessionsASecond; opened += 1) {
      const { session, kept } = store.open(revision, profile, undefined)
      opening.push(kept)
      if (opened % 10 === 0) session.openStream(defaultEventLogLimits, 1).send('"hello"')
    }
    await Promise.all(opening)
    store.sweep(Date.now())
    await settle()
    if (second % (seconds / 10) !== 0) continue
    collectGarbage()
    const { heapUsed, rss } = process.memoryUsage()
    readings.push({
      heapBytes: heapUsed,
      residentBytes: rss,
      sessions: store.size,
      fileBytes: fileBytes(),
    })
  }
  return { opened, readings }
}

function assertFlat(t: TestContext, opened: number, readings: readonly Reading[]): void {
  for (const { heapBytes, residentBytes, sessions, fileBytes } of readings) {
    const [heap, rss, file] = [heapBytes, residentBytes, fileBytes].map((n) =>
      (n / 2 ** 20).toFixed(1),
    )
    t.diagnostic(`heap ${heap} MiB, RSS ${rss} MiB, file ${file} MiB, ${sessions} sessions`)
  }
  t.diagnostic(`${opened} sessions opened`)
  // By the end of the second tenth as many sessions end as begin.
  const [first, ...later] = readings.slice(1)
  assert.ok(first)
  for (const reading of later) {
    assert.ok(reading.sessions < first.sessions * 1.2 + 100, `${reading.sessions} sessions`)
    assert.ok(
      reading.heapBytes < first.heapBytes * 1.15 + 2 * 2 ** 20,
      `${reading.heapBytes} bytes`,
    )
    assert.ok(reading.residentBytes < first.residentBytes * 1.25 + 16 * 2 ** 20)
    assert.ok(reading.fileBytes < first.fileBytes * 1.5 + 2 ** 20, `${reading.fileBytes} bytes`)
  }
}

test('sessions that are left leave no memory behind', async (t) => {
  const store = new SessionStore({ idleTtlMs }, { ended: () => {} })
  const { opened, readings } = await passDay(
    t,
    store,
    () => Promise.resolve(),
    () => 0,
  )
  assertFlat(t, opened, readings)
})

test('sessions that are left leave neither memory nor rows behind where they are kept', async (t) => {
  const folder = temporaryFolder(t)
  const storage = await openStorage(t, folder)
  const repository = storage.sessions
  const store = new SessionStore(
    { idleTtlMs },
    { ended: () => {} },
    { repository, eventLimits: defaultEventLogLimits },
  )
  const tasks = storage.tasks(1)
  const { opened, readings } = await passDay(
    t,
    store,
    // What is written last is kept when all before it is, the round of clearing away included.
    () => tasks.delete('none'),
    () => statSync(join(folder, 'tsmcp.db')).size,
  )
  assertFlat(t, opened, readings)
})
