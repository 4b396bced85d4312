import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpError } from '../../src/protocol/errors.ts'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import { sharedProfile } from '../../src/sessions/peer.ts'
import type { Session } from '../../src/sessions/session.ts'
import { SessionStore } from '../../src/sessions/session-store.ts'

const revision = negotiate('2025-11-25')
const profile = { clientInfo: { name: 'c', version: '1' }, clientCapabilities: {} }
const has = (code: string) => (error: unknown) => error instanceof McpError && error.code === code

function makeStore(limits: { idleTtlMs?: number; max?: number } = {}) {
  const ended: Session[] = []
  const store = new SessionStore(
    { idleTtlMs: 1000, max: 3, ...limits },
    { ended: (session) => ended.push(session) },
  )
  return {
    store,
    ended,
    create: (subject?: string) =>
      store.create(revision, profile, subject === undefined ? undefined : { subject }),
  }
}

test('25.sessions.002 25.sessions.016: ids are 128 random bits', () => {
  const { create } = makeStore({ max: 1000 })
  const ids = Array.from({ length: 1000 }, () => create().id)
  assert.equal(new Set(ids).size, 1000)
  for (const id of ids) assert.match(id, /^[\w-]{22}$/)
})

test('25.sessions.009: only ids of sessions that are there are found', () => {
  const { store, create } = makeStore()
  const session = create()
  assert.equal(store.get(session.id, undefined), session)
  assert.throws(() => store.get('other', undefined), has('SESSION_NOT_FOUND'))
  store.end(session, 'over')
  assert.throws(() => store.get(session.id, undefined), has('SESSION_NOT_FOUND'))
})

test("25.sessions.017: a session is its principal's alone, and the refusal does not tell", () => {
  const { store, create } = makeStore()
  const [mine, public_] = [create('me'), create()]
  assert.equal(store.get(mine.id, { subject: 'me', scopes: ['x'] }), mine)
  assert.throws(() => store.get(mine.id, { subject: 'you' }), has('SESSION_NOT_FOUND'))
  assert.throws(() => store.get(mine.id, undefined), has('SESSION_NOT_FOUND'))
  assert.throws(() => store.get(public_.id, { subject: 'me' }), has('SESSION_NOT_FOUND'))
})

test('there are only so many, and an ended one makes room', () => {
  const { store, create } = makeStore({ max: 2 })
  const first = create()
  create()
  assert.throws(create, has('SESSION_LIMIT'))
  store.end(first, 'over')
  create()
  assert.equal(store.size, 2)
  assert.equal([...store].length, 2)
})

test('idle ones end, used and busy ones do not', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const { store, ended, create } = makeStore()
  const [idle, used, busy] = [create(), create(), create()]
  busy.inFlight = new Map([[1, { cancel: () => {} }]])
  t.mock.timers.setTime(900)
  store.get(used.id, undefined)
  store.sweep(1000)
  assert.deepEqual(ended, [idle])
  busy.inFlight.clear()
  store.sweep(1900)
  assert.deepEqual(ended, [idle, used])
  store.sweep(2000)
  assert.deepEqual(ended, [idle, used, busy])
})

test('the end is told once, before everything is taken from the session', () => {
  const seen: unknown[] = []
  const store = new SessionStore(
    { idleTtlMs: 1, max: 1 },
    { ended: ({ subscriptions }) => seen.push(subscriptions?.size) },
  )
  const session = store.create(revision, profile, undefined)
  session.subscriptions = new Set(['docs://a'])
  store.end(session, 'over')
  store.end(session, 'over')
  assert.deepEqual(seen, [1])
  assert.equal(session.subscriptions, undefined)
})

test('all end at once', () => {
  const { store, ended, create } = makeStore()
  create()
  create()
  store.close('shutting down')
  assert.equal(store.size, 0)
  assert.equal(ended.length, 2)
})

test('a sweep lets sessions forget streams that are over', () => {
  const { store, create } = makeStore({ idleTtlMs: 1e9 })
  const session = create()
  const stream = session.openStream(defaultEventLogLimits)
  stream.send('a')
  store.sweep(Date.now())
  stream.end()
  store.sweep(Date.now())
  assert.equal(session.findStream(1), stream)
  store.sweep(Date.now() + 300_001)
  assert.equal(session.findStream(1), undefined)
  assert.equal(session.openStream(defaultEventLogLimits).number, 2)
})

test('clients that say the same of themselves share one profile, unless it is long', () => {
  const long = { clientInfo: { name: 'x'.repeat(5000), version: '1' }, clientCapabilities: {} }
  assert.equal(sharedProfile(structuredClone(profile)), sharedProfile(structuredClone(profile)))
  const copy = structuredClone(long)
  assert.equal(sharedProfile(copy), copy)
  assert.notEqual(sharedProfile(structuredClone(long)), copy)
})

test('profiles are not kept without end', () => {
  const first = sharedProfile({ ...profile, clientInfo: { name: 'first', version: '1' } })
  for (let index = 0; index < 1001; index += 1) {
    sharedProfile({ ...profile, clientInfo: { name: `n${index}`, version: '1' } })
  }
  const again = sharedProfile({ ...profile, clientInfo: { name: 'first', version: '1' } })
  assert.notEqual(again, first)
})
