import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import {
  assumedRevision,
  findRevision,
  isStatelessVersion,
  negotiate,
  revisions,
  supportedVersions,
} from '../../src/protocol/revisions/index.ts'
import { allVersions, statefulVersions } from '../support/messages.ts'

suite('revisions', () => {
  test('26.versioning.009 26.versioning.025: all five are there, newest first', () => {
    assert.deepEqual(supportedVersions, [...allVersions])
    assert.deepEqual(
      revisions.map(({ name }) => name),
      [...allVersions],
    )
  })

  test('are found by their exact name', () => {
    for (const name of allVersions) assert.equal(findRevision(name)?.name, name)
    for (const name of ['', '2025-11', '2025-11-25 ', 'toString', '__proto__']) {
      assert.equal(findRevision(name), undefined)
    }
  })

  test('25.lifecycle.009 25.lifecycle.010 25.lifecycle.011 25.versioning.003: a handshake gives what was asked, else the newest that has one', () => {
    for (const name of statefulVersions) assert.equal(negotiate(name).name, name)
    for (const name of ['2026-07-28', '2099-01-01', '1900-01-01', '', 'x']) {
      assert.equal(negotiate(name).name, '2025-11-25')
    }
  })

  test('25.http.047 0618.http.003: a client that names none is taken for one of 2025-03-26', () => {
    assert.equal(assumedRevision.name, '2025-03-26')
  })

  test('an unknown version is stateless unless its date is before there was such a thing', () => {
    for (const version of ['2026-07-28', '2099-01-01', 'v999', '', 'draft']) {
      assert.equal(isStatelessVersion(version), true, version)
    }
    for (const version of [...statefulVersions, '2024-01-01', '2026-07-27']) {
      assert.equal(isStatelessVersion(version), false, version)
    }
  })

  test('0326.base.007: batches belong to 2025-03-26 alone', () => {
    const having = revisions.filter(({ batches }) => batches).map(({ name }) => name)
    assert.deepEqual(having, ['2025-03-26'])
  })

  test('26.base.076: what a server may ask of its client exists in each', () => {
    for (const { name, era, serverRequests } of revisions) {
      assert.equal(serverRequests.has('ping'), era === 'stateful', name)
      assert.ok(serverRequests.has('sampling/createMessage'), name)
      assert.equal(serverRequests.has('elicitation/create'), name >= '2025-06-18', name)
    }
  })
})

test('nothing but the folder of the revisions compares their names', () => {
  const src = new URL('../../src/', import.meta.url)
  // Under `npm run test:dist` the sources are still what is looked at.
  for (const path of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!/^(server|sessions|transports|internal|protocol)\/.*\.ts$/.test(path)) continue
    if (path.startsWith('protocol/revisions/')) continue
    const code = readFileSync(new URL(path, src), 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/\/\/.*$/gm, '')
    const name = /['"]20\d\d-\d\d-\d\d['"]/.source
    const operator = /\s*(?:[=!]==?|(?<!=)[<>]=?)\s*/.source
    const compared = new RegExp(`${operator}${name}|${name}${operator}`).exec(code)?.[0]
    assert.equal(compared, undefined, path)
  }
})
