import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readAttacks } from '../../../scripts/attack-list.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('each defence of the list is in the sources, and its tests are there', () => {
  const attacks = readAttacks()
  assert.ok(attacks.length > 70)
  for (const { attack, tests, edits } of attacks) {
    assert.ok(existsSync(join(root, tests)), `${attack}: ${tests}`)
    assert.ok(edits.length > 0, attack)
    for (const { file, guarded } of edits) {
      assert.match(readFileSync(join(root, file), 'utf8'), guarded, attack)
    }
  }
})
