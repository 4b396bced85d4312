/** What storage promises: what is kept outlives the process, alone or beside others, and what is too old goes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import { Storage } from '../../src/storage/storage.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { temporaryFolder } from '../support/folder.ts'
import { makeTask } from '../tasks/make-task.ts'
import { logged, makeSink, openStorage, startProcess, storeOf } from './support.ts'

const me = { subject: 'me' }
const revision = negotiate('2025-11-25')
const profile = { clientInfo: { name: 'c', version: '1' }, clientCapabilities: {} }

suite('After kill -9', () => {
  test('a session is as its client left it', async (t) => {
    const folder = temporaryFolder(t)
    const { told, kill } = await startProcess(t, folder)
    await kill()
    const storage = await openStorage(t, folder)
    assert.equal(storage.sessions.size, 1)
    const { store, restored } = storeOf(storage)
    assert.throws(() => store.get(told.id, { subject: 'you' }), /Session not found/)
    const session = store.get(told.id, me)
    assert.deepEqual(restored, [session])
    assert.equal(session.id, told.id)
    assert.equal(session.revision, revision)
    assert.deepEqual(session.clientInfo, { name: 'killed', version: '1' })
    assert.deepEqual(session.clientCapabilities, { roots: {} })
    assert.equal(session.logLevel, 'warning')
    assert.deepEqual(session.subscriptions, new Set(['docs://b']))
    assert.equal(session.outlet, session.findStream(told.streams.listening))
    // It may be asked things at once: whoever goes on with a session has shaken hands.
    const { promise: asked, resolve } = Promise.withResolvers<string>()
    const { signal } = new AbortController()
    session.request('ping', {}, { send: resolve }, signal).catch(() => {})
    assert.match(await asked, /"method":"ping"/)
  })

  test('its streams replay, and what was not answered fails clearly', async (t) => {
    const folder = temporaryFolder(t)
    const { told, kill } = await startProcess(t, folder)
    await kill()
    const { store } = storeOf(await openStorage(t, folder))
    const session = store.get(told.id, me)
    const { streams } = told
    const resumed = async (number: number, after = 0): Promise<unknown[]> => {
      const stream = session.findStream(number)
      const sink = makeSink()
      stream?.resume(sink, after)
      await sink.closed
      return sink.events.map((data) => JSON.parse(data))
    }
    assert.deepEqual(await resumed(streams.answered), ['progress', 'result'])
    const [progress, answer] = (await resumed(streams.unanswered)) as [unknown, { error: Error }]
    assert.equal(progress, 'progress')
    const { message } = answer.error
    assert.match(message, /The server was restarted while the request ran/)
    assert.deepEqual(answer, { jsonrpc: '2.0', id: 7, error: { code: -32603, message } })
    const [answers] = (await resumed(streams.batch)) as [{ id: number }[]]
    assert.deepEqual(
      answers.map(({ id }) => id),
      [8, 9],
    )

    const listening = session.findStream(streams.listening)
    const sink = makeSink()
    listening?.resume(sink, 0)
    listening?.send('"later"')
    await logged(session)
    assert.deepEqual(sink.events, ['"news"', '"later"'])
    assert.equal(listening && session.takeInterrupted(listening), true)
    assert.equal(listening && session.takeInterrupted(listening), false)
    // Numbers are never given twice.
    const next = session.openStream(defaultEventLogLimits, 10)
    assert.ok(next.number > Math.max(...Object.values(streams)))
  })

  test('tasks that were over are there, and those at work have failed with a reason', async (t) => {
    const folder = temporaryFolder(t)
    const { kill } = await startProcess(t, folder)
    await kill()
    const tasks = (await openStorage(t, folder)).tasks(100)
    const done = tasks.get('done')
    assert.deepEqual([done?.status, done?.result], ['completed', { n: 1 }])
    const { status, statusMessage, error, inputRequests } = tasks.get('working') ?? {}
    const message = 'The server was restarted while the task ran'
    assert.deepEqual([status, statusMessage, inputRequests], ['failed', message, undefined])
    assert.deepEqual(error, { name: 'INTERNAL_ERROR', code: -32603, message })
  })
})

suite('Two processes', () => {
  test('have a session one at a time: one takes over when the other is gone', async (t) => {
    const folder = temporaryFolder(t)
    const { told, kill } = await startProcess(t, folder)
    const storage = await openStorage(t, folder)
    const { store, ended } = storeOf(storage)
    const [other] = storage.otherRuns
    assert.equal(storage.otherRuns.length, 1)
    assert.equal(store.holderOf(told.id), other)
    assert.equal(store.holderOf(`${told.id}0`), undefined)
    assert.throws(() => store.get(told.id, me), /The process that has the session does not answer/)
    assert.equal(storage.holderOfTask('working'), other)
    assert.equal(storage.tasks(100).get('working')?.status, 'input_required')
    assert.equal(storage.hasEnded(other ?? 0), false)

    await kill()
    assert.equal(storage.hasEnded(other ?? 0), true)
    assert.equal(store.holderOf(told.id), undefined)
    assert.equal(storage.holderOfTask('working'), undefined)
    const session = store.get(told.id, me)
    assert.equal(session.logLevel, 'warning')
    const third = await openStorage(t, folder)
    assert.equal(storeOf(third).store.holderOf(told.id), storage.run)
    await store.end(session, 'over')
    assert.deepEqual(ended, [session])
    assert.throws(() => store.get(told.id, me), /Session not found/)
    assert.equal(third.tasks(100).get('working')?.status, 'failed')
    assert.throws(() => storeOf(third).store.get(told.id, me), /Session not found/)
  })

  test('do not both take over a session whose process is gone', async (t) => {
    const folder = temporaryFolder(t)
    const { told, kill } = await startProcess(t, folder)
    const [one, two] = [await openStorage(t, folder), await openStorage(t, folder)]
    await one.met(two.run)
    await kill()
    const [gone] = one.otherRuns
    for (const each of [one, two]) assert.equal(each.hasEnded(gone ?? 0), true)
    storeOf(one).store.get(told.id, me)
    assert.equal(storeOf(two).store.holderOf(told.id), one.run)
    assert.throws(() => storeOf(two).store.get(told.id, me), /does not answer/)
  })

  test('share one secret, which only their user can read', async (t) => {
    const folder = temporaryFolder(t)
    const [one, two] = await Promise.all([openStorage(t, folder), openStorage(t, folder)])
    assert.equal(one.secret.length, 32)
    assert.deepEqual(one.secret, two.secret)
    assert.equal(statSync(join(folder, 'secret')).mode & 0o777, 0o600)
    writeFileSync(join(folder, 'secret'), 'short')
    await assert.rejects(openStorage(t, folder), /secret is damaged/)
  })

  test('a task that one has ended stays as it is', async (t) => {
    const folder = temporaryFolder(t)
    const [one, other] = [await openStorage(t, folder), await openStorage(t, folder)]
    await one.tasks(10).save(makeTask('a'))
    await other.tasks(10).save(makeTask('a', { status: 'cancelled' }))
    await one.tasks(10).save(makeTask('a', { status: 'completed', result: {} }))
    assert.equal(one.tasks(10).get('a')?.status, 'cancelled')
  })
})

suite('The file', () => {
  test('is for its owner only, and holds no id that gives access', async (t) => {
    const folder = join(temporaryFolder(t), 'new', 'folder')
    const storage = await Storage.open(folder, { onProblem: assert.ifError })
    const { session, kept } = storeOf(storage).store.open(revision, profile, me)
    await kept
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const name of readdirSync(folder).filter((each) => each.startsWith('tsmcp.db'))) {
      const path = join(folder, name)
      assert.equal(statSync(path).mode & 0o777, 0o600, name)
      const secret = session.id.slice(0, 22)
      assert.equal(readFileSync(path).includes(secret), false, name)
    }
    await storage.close()
    assert.deepEqual(readdirSync(folder), ['secret', 'tsmcp.db'])
    assert.ok(readFileSync(join(folder, 'tsmcp.db')).includes('"name":"c"'))
  })

  const refusals: [name: string, prepare: (path: string) => void, why: RegExp][] = [
    [
      'is damaged',
      (path) => writeFileSync(path, 'x'.repeat(10_000)),
      /tsmcp\.db is damaged, or no database \(.+\): put a backup in its place, or move it away$/,
    ],
    [
      'belongs to another program',
      (path) => {
        const database = new DatabaseSync(path)
        database.exec('CREATE TABLE theirs (a)')
        database.close()
      },
      /tsmcp\.db is a database of another program: take another folder$/,
    ],
    [
      'is of a newer version',
      (path) => {
        const database = new DatabaseSync(path)
        database.exec(
          'CREATE TABLE a (a); PRAGMA application_id = 0x74736d63; PRAGMA user_version = 99',
        )
        database.close()
      },
      /tsmcp\.db was written by a newer tsmcp \(schema 99, this one knows 2\): start the newer one/,
    ],
  ]
  for (const [name, prepare, why] of refusals) {
    test(`is refused in one line, and left alone, when it ${name}`, async (t) => {
      const folder = temporaryFolder(t)
      const path = join(folder, 'tsmcp.db')
      prepare(path)
      const before = readFileSync(path)
      await assert.rejects(Storage.open(folder, { onProblem: assert.ifError }), (error) => {
        assert.ok(error instanceof StorageError)
        assert.match(error.message, why)
        assert.doesNotMatch(error.message, /\n/)
        return true
      })
      assert.deepEqual(readFileSync(path), before)
    })
  }

  test('is refused when a file stands where its folder should', async (t) => {
    const folder = join(temporaryFolder(t), 'file')
    writeFileSync(folder, '')
    await assert.rejects(
      Storage.open(folder, { onProblem: assert.ifError }),
      /there is a file where its folder should be$/,
    )
  })

  test('commits outlive the loss of power when asked to', async (t) => {
    const folder = temporaryFolder(t)
    const storage = await Storage.open(folder, { survives: 'power', onProblem: assert.ifError })
    const { session, kept } = storeOf(storage).store.open(revision, profile, me)
    await kept
    await storage.close()
    const { store } = storeOf(await openStorage(t, folder))
    assert.equal(store.get(session.id, me).id, session.id)
  })
})

suite('What is too old', () => {
  const minute = 60_000
  const retention = { idleTtlMs: 10 * minute, maxAgeMs: 60 * minute, eventMaxAgeMs: 5 * minute }
  /** One round of the thread that writes, begun and done. */
  async function sweep(storage: Storage, nowMs: number): Promise<void> {
    storage.sessions.sweep(nowMs, retention)
    // The thread takes one message after the other.
    await storage.tasks(100).delete('none')
  }

  test('is cleared away: events, ended streams, idle sessions with all that is theirs, tasks', async (t) => {
    const folder = temporaryFolder(t)
    const storage = await openStorage(t, folder)
    const { store } = storeOf(storage)
    const { session, kept } = store.open(revision, profile, undefined)
    await kept
    const ended = session.openStream(defaultEventLogLimits, 1)
    ended.send('"a"')
    ended.end()
    const open = session.openStream(defaultEventLogLimits)
    open.send('"b"')
    const { repository, key } = session.keeping ?? assert.fail()
    await repository.subscribe(key, 'docs://a')
    const tasks = storage.tasks(100)
    await tasks.save(
      makeTask('theirs', {
        owner: `session ${session.name}`,
        status: 'completed',
        ttlMs: 60 * minute,
      }),
    )
    await tasks.save(makeTask('short', { ttlMs: 1000 }))

    const nowMs = Date.now()
    await sweep(storage, nowMs)
    const find = (atMs = nowMs) => storage.sessions.find(session.id, atMs, retention)
    assert.equal(find()?.events.length, 2)
    await sweep(storage, nowMs + 6 * minute)
    const left = find()
    assert.deepEqual(left?.events, [])
    assert.deepEqual(
      left?.streams.map(({ number, forgotten }) => [number, forgotten]),
      [[open.number, open.number]],
    )
    assert.equal(tasks.get('short'), undefined)
    assert.notEqual(tasks.get('theirs'), undefined)

    assert.equal(find(nowMs + 14 * minute), undefined)
    await sweep(storage, nowMs + 14 * minute)
    assert.equal(find(), undefined)
    assert.equal(tasks.get('theirs'), undefined)
    const reader = new DatabaseSync(join(folder, 'tsmcp.db'), { readOnly: true })
    for (const table of ['sessions', 'subscriptions', 'streams', 'events', 'tasks']) {
      assert.equal(reader.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n, 0, table)
    }
    reader.close()
  })

  test('does not touch what is in use', async (t) => {
    const storage = await openStorage(t, temporaryFolder(t))
    const { store } = storeOf(storage, { idleTtlMs: retention.idleTtlMs })
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const { session, kept } = store.open(revision, profile, undefined)
    await kept
    for (let minutes = 0; minutes < 30; minutes += 1) {
      t.mock.timers.tick(minute)
      store.get(session.id, undefined)
      store.sweep(Date.now())
      await storage.tasks(100).delete('none')
    }
    assert.notEqual(storage.sessions.find(session.id, Date.now(), retention), undefined)
    assert.equal(storage.sessions.size, 1)
  })

  test('sessions at rest leave the process, and come back as they were', async (t) => {
    const storage = await openStorage(t, temporaryFolder(t))
    const { store, ended } = storeOf(storage)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const [resting, listening] = await Promise.all(
      [1, 2].map(async () => {
        const { session, kept } = store.open(revision, profile, undefined)
        await kept
        return session
      }),
    )
    if (resting === undefined || listening === undefined) return assert.fail()
    await resting.setLogLevel('error')
    listening.outlet = listening.openStream(defaultEventLogLimits)
    t.mock.timers.tick(61_000)
    store.sweep(Date.now())
    assert.deepEqual([...store], [listening])
    assert.deepEqual([store.size, ended], [2, []])
    await storage.tasks(100).delete('none')
    const back = store.get(resting.id, undefined)
    assert.notEqual(back, resting)
    assert.equal(back.logLevel, 'error')
  })

  test('an event that the log has no room for is forgotten in the file, too', async (t) => {
    const storage = await openStorage(t, temporaryFolder(t))
    const { session, kept } = storeOf(storage).store.open(revision, profile, undefined)
    await kept
    const stream = session.openStream({ ...defaultEventLogLimits, maxEvents: 10 })
    for (let count = 0; count < 100; count += 1) stream.send(`${count}`)
    await logged(session)
    const found = storage.sessions.find(session.id, Date.now(), retention)
    // Told to the file so many at a time: 64 of the 90 that the log has forgotten.
    assert.deepEqual(
      found?.events.map(({ data }) => data),
      Array.from({ length: 36 }, (_, index) => `${index + 64}`),
    )
    assert.equal(found?.streams[0]?.forgotten, found.events[0] && found.events[0].sequence - 1)
  })
})
