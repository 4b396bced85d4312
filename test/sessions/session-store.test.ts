import assert from 'node:assert/strict'
import { test } from 'node:test'
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import { sharedProfile } from '../../src/sessions/peer.ts'
import type { Session } from '../../src/sessions/session.ts'
import { SessionStore } from '../../src/sessions/session-store.ts'
import { testSessionStore } from './store-conformance.ts'

const revision = negotiate('2025-11-25')
const profile = { clientInfo: { name: 'c', version: '1' }, clientCapabilities: {} }

function makeStore(limits: { idleTtlMs?: number } = {}) {
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

testSessionStore('in memory', async (_t, limits, events) => new SessionStore(limits, events))

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
