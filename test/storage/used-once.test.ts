/** What was used once is not used again: not by another process of the same folder, and not after a restart. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { UsedInMemory } from '../../src/internal/used-once.ts'
import { Storage } from '../../src/storage/storage.ts'
import { temporaryFolder } from '../support/folder.ts'
import { openStorage } from './support.ts'

suite('what may be used once', () => {
  test('is used by one, of many at the same time and of several that share a folder', async (t) => {
    const folder = temporaryFolder(t)
    const stores = [await openStorage(t, folder), await openStorage(t, folder)]
    const until = Date.now() + 60_000
    const uses = await Promise.all(
      Array.from({ length: 20 }, (_, index) => stores[index % 2]?.used.use('one', until)),
    )
    assert.equal(uses.filter((use) => use === 'first').length, 1)
    assert.equal(uses.filter((use) => use === 'repeated').length, 19)
    assert.equal(await stores[1]?.used.use('other', until), 'first')
    assert.equal(await stores[0]?.used.use('other', until), 'repeated')
  })

  test('is known after a restart, and forgotten when it is too old anyway', async (t) => {
    const folder = temporaryFolder(t)
    const before = await Storage.open(folder, { onProblem: assert.fail })
    const nowMs = Date.now()
    await before.used.use('old', nowMs - 1)
    await before.used.use('young', nowMs + 60_000)
    await before.close()
    const { used, sessions } = await openStorage(t, folder)
    assert.equal(await used.use('young', nowMs + 60_000), 'repeated')
    const limits = { idleTtlMs: 1e6, maxAgeMs: 1e9, eventMaxAgeMs: 1e6 }
    sessions.sweep(nowMs, limits as never)
    const database = new DatabaseSync(join(folder, 'tsmcp.db'), { readOnly: true })
    t.after(() => database.close())
    const ids = () =>
      database
        .prepare('SELECT id FROM used')
        .all()
        .map(({ id }) => id)
    while (ids().length > 1) await setTimeout(5)
    assert.deepEqual(ids(), ['young'])
  })

  test('cannot be told when nothing can be written, and is not let through then', async () => {
    const { WriteQueue } = await import('../../src/storage/write-queue.ts')
    const { SqliteUsedOnce } = await import('../../src/storage/used-once.ts')
    const database = new DatabaseSync(':memory:')
    database.exec('CREATE TABLE used (id TEXT PRIMARY KEY, until INTEGER)')
    const broken = {
      write: (_: unknown, tell: (answer: { kind: 'failed'; message: string }) => void) =>
        queueMicrotask(() => tell({ kind: 'failed', message: 'disk full' })),
    }
    const queue = new WriteQueue(broken, { onProblem: () => {}, onRecovered: () => {} })
    const used = new SqliteUsedOnce(database, queue)
    assert.equal(await used.use('a', 1), 'unknown')
    assert.equal(await used.use('a', 1), 'unknown')
  })

  test('in memory, is forgotten after its time and never before: it would rather refuse', () => {
    const used = new UsedInMemory(20)
    assert.equal(used.use('a', 10, 0), 'first')
    assert.equal(used.use('a', 20, 10), 'repeated')
    for (let time = 11; time < 1000; time += 1) {
      assert.equal(used.use(`b${time}`, time + 10, time), 'first')
    }
    assert.equal(used.use('a', 2000, 1000), 'first')
    const small = new UsedInMemory(2)
    small.use('a', 10, 0)
    small.use('b', 10, 0)
    assert.equal(small.use('c', 10, 0), 'unknown')
    assert.equal(small.use('a', 10, 0), 'repeated')
  })
})
