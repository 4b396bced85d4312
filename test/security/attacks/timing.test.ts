import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'

/** No clock is exact enough for a test: what is looked at is how it is written. */
const sourceOf = (path: string) =>
  readFileSync(new URL(`../../../src/${path}`, import.meta.url), 'utf8')

suite('secrets are compared in the same time wherever they differ', () => {
  test('those of API keys', () => {
    assert.match(sourceOf('security/keys/api-key.ts'), /timingSafeEqual\(expected, given\)/)
  })

  test('signatures of requestState', () => {
    assert.match(sourceOf('server/request-state.ts'), /timingSafeEqual\(given, expected\)/)
  })
})
