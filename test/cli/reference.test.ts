import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { page, rendered } from './reference.ts'

test('docs/reference/cli.md says what the program says (else: node test/cli/reference.ts)', async () => {
  const text = readFileSync(page, 'utf8')
  assert.equal(text, await rendered(text))
})

test('docs/reference/cli.md has every part that can be generated', () => {
  const text = readFileSync(page, 'utf8')
  const names = [...text.matchAll(/<!-- generated: ([\w ]+) -->/g)].map(([, name]) => name)
  assert.deepEqual(names.sort(), [
    'audit help',
    'call help',
    'client settings',
    'common settings',
    'exit codes',
    'init help',
    'keys help',
    'list help',
    'lock help',
    'policy help',
    'secret variables',
    'serve help',
    'serve settings',
    'unused variables',
  ])
})
