import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { McpError } from '../../src/protocol/errors.ts'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import type { Session } from '../../src/sessions/session.ts'
import type {
  SessionEvents,
  SessionLimits,
  SessionStore,
} from '../../src/sessions/session-store.ts'

/** Makes a store of the kind that is under test. */
export type MakeStore = (
  t: TestContext,
  limits: Partial<SessionLimits>,
  events: SessionEvents,
) => Promise<SessionStore>

const revision = negotiate('2025-11-25')
const profile = { clientInfo: { name: 'c', version: '1' }, clientCapabilities: { roots: {} } }
const has = (code: string) => (error: unknown) => error instanceof McpError && error.code === code

/** What every session store does, wherever it keeps its sessions. */
export function testSessionStore(kind: string, makeStore: MakeStore): void {
  async function make(t: TestContext, limits: Partial<SessionLimits> = {}) {
    const ended: Session[] = []
    const store = await makeStore(
      t,
      { idleTtlMs: 1000, max: 3, ...limits },
      { ended: (session) => void ended.push(session) },
    )
    const open = async (subject?: string): Promise<Session> => {
      const { session, kept } = store.open(
        revision,
        profile,
        subject === undefined ? undefined : { subject },
      )
      await kept
      return session
    }
    return { store, ended, open }
  }

  suite(`A session store ${kind}`, () => {
    test('25.sessions.002 25.sessions.016 25.sessions.003: opens sessions under visible ids of at least 128 random bits', async (t) => {
      const { open } = await make(t, { max: 1000 })
      const sessions = await Promise.all(Array.from({ length: 300 }, () => open()))
      const ids = sessions.map(({ id }) => id)
      assert.equal(new Set(ids.map((id) => id.slice(0, 22))).size, 300)
      for (const id of ids) assert.match(id, /^[\w-]{22}(?:\.[\w]+)?$/)
    })

    test('25.sessions.009: finds the sessions that are there, and no other', async (t) => {
      const { store, open } = await make(t)
      const session = await open()
      assert.equal(store.get(session.id, undefined), session)
      const { id: its } = session
      const near = `${its.startsWith('x') ? 'y' : 'x'}${its.slice(1)}`
      for (const id of ['other', `${its}x`, near, '']) {
        assert.throws(() => store.get(id, undefined), has('SESSION_NOT_FOUND'), id)
      }
      await store.end(session, 'over')
      assert.throws(() => store.get(session.id, undefined), has('SESSION_NOT_FOUND'))
      assert.equal(store.size, 0)
    })

    test('25.sessions.017: gives a session to its principal alone, and the refusal does not tell', async (t) => {
      const { store, open } = await make(t)
      const [mine, public_] = [await open('me'), await open()]
      assert.equal(store.get(mine.id, { subject: 'me', scopes: ['x'] }), mine)
      assert.throws(() => store.get(mine.id, { subject: 'you' }), has('SESSION_NOT_FOUND'))
      assert.throws(() => store.get(mine.id, undefined), has('SESSION_NOT_FOUND'))
      assert.throws(() => store.get(public_.id, { subject: 'me' }), has('SESSION_NOT_FOUND'))
    })

    test('has only so many, and an ended one makes room', async (t) => {
      const { store, open } = await make(t, { max: 2 })
      const first = await open()
      await open()
      await assert.rejects(open(), has('SESSION_LIMIT'))
      await store.end(first, 'over')
      await open()
      assert.equal(store.size, 2)
    })

    test('has only so many of one principal, and others come in', async (t) => {
      const { store, open } = await make(t, { max: 100, maxPerPrincipal: 2 })
      const first = await open('me')
      await open('me')
      await assert.rejects(open('me'), /one principal may have 2 at a time/)
      await open('you')
      await open()
      await open()
      await open()
      await store.end(first, 'over')
      await open('me')
      await assert.rejects(open('me'), has('SESSION_LIMIT'))
    })

    test('ends the idle ones, and neither those in use nor those at work', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
      const { store, ended, open } = await make(t)
      const [idle, used, busy] = [await open(), await open(), await open()]
      busy.inFlight = new Map([[1, { cancel: () => {} }]])
      t.mock.timers.tick(900)
      store.get(used.id, undefined)
      t.mock.timers.tick(100)
      store.sweep(Date.now())
      assert.deepEqual(ended, [idle])
      busy.inFlight.clear()
      t.mock.timers.tick(900)
      store.sweep(Date.now())
      assert.deepEqual(ended, [idle, used])
      t.mock.timers.tick(100)
      store.sweep(Date.now())
      assert.deepEqual(ended, [idle, used, busy])
    })

    test('ends a session at its greatest age though it is in use, but not that of a connection', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
      const { store, ended, open } = await make(t, { maxAgeMs: 3000, idleTtlMs: 1e6 })
      const session = await open()
      session.inFlight = new Map([[1, { cancel: () => {} }]])
      const connected = store.create(revision, profile, undefined)
      connected.outlet = { send: () => {}, hangUp: () => {} }
      t.mock.timers.tick(2999)
      store.sweep(Date.now())
      assert.deepEqual(ended, [])
      t.mock.timers.tick(1)
      store.sweep(Date.now())
      assert.deepEqual(ended, [session])
    })

    test('tells of an end once, before everything is taken from the session', async (t) => {
      const seen: unknown[] = []
      const store = await makeStore(
        t,
        {},
        { ended: ({ subscriptions }) => void seen.push(subscriptions?.size) },
      )
      const { session, kept } = store.open(revision, profile, undefined)
      await kept
      session.subscriptions = new Set(['docs://a'])
      await store.end(session, 'over')
      await store.end(session, 'over')
      assert.deepEqual(seen, [1])
      assert.equal(session.subscriptions, undefined)
    })

    test('has sessions with state and streams of their own', async (t) => {
      const { store, open } = await make(t)
      const [one, other] = [await open(), await open()]
      await one.setLogLevel('warning')
      const written: unknown[] = []
      const stream = one.openStream(defaultEventLogLimits)
      const sink = {
        event: (data: string, id: string | undefined) => void written.push(data, id),
        replay: () => {},
        close: () => void written.push('closed'),
      }
      stream.attach(sink)
      stream.send('a')
      stream.end()
      const isOver = Promise.withResolvers<void>()
      const look = (): void => {
        if (written.includes('closed')) isOver.resolve()
        else setImmediate(look)
      }
      look()
      await isOver.promise
      assert.deepEqual(written, ['a', `${stream.number}-${stream.number}`, 'closed'])
      assert.deepEqual([one.logLevel, other.logLevel], ['warning', undefined])
      assert.equal(other.findStream(stream.number), undefined)
      assert.equal(store.get(one.id, undefined).findStream(stream.number), stream)
    })

    test('refuses limits that are none', async (t) => {
      for (const limits of [{ max: 0 }, { idleTtlMs: 0.5 }, { maxAgeMs: -1 }]) {
        await assert.rejects(async () => makeStore(t, limits, { ended: () => {} }), RangeError)
      }
    })
  })
}
