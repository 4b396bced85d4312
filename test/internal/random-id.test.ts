import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomId } from '../../src/internal/random-id.ts'

test('25.sessions.002 25.sessions.003 26.security.036: ids are 22 characters of base64url, and no two are alike', () => {
  const ids = new Set<string>()
  // More than one drawing of random bytes holds.
  for (let index = 0; index < 2000; index += 1) ids.add(randomId())
  assert.equal(ids.size, 2000)
  for (const id of ids) {
    assert.match(id, /^[A-Za-z0-9_-]{22}$/)
    assert.equal(Buffer.from(id, 'base64url').length, 16)
  }
})

test('25.sessions.016 26.security.036: every bit of an id is as often set as not', () => {
  const counts = new Array<number>(128).fill(0)
  const draws = 4000
  for (let draw = 0; draw < draws; draw += 1) {
    for (const [index, byte] of Buffer.from(randomId(), 'base64url').entries()) {
      for (let bit = 0; bit < 8; bit += 1) counts[index * 8 + bit]! += (byte >> bit) & 1
    }
  }
  // Eight standard deviations: it fails by chance once in some 10^13 runs.
  for (const count of counts) assert.ok(Math.abs(count - draws / 2) < 8 * Math.sqrt(draws / 4))
})
