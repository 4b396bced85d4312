/** The table of attacks in SECURITY.md, from the list that `npm run attacks` goes through; this file writes it there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAttacks } from '../../scripts/attack-list.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export function attackRows(): string {
  const rows = readAttacks().map(({ attack, tests, defence, edits }) => {
    const path = tests.replace(/^test\/security\/|\.test\.ts$/g, '')
    return `| ${attack} | ${defence} | \`${edits[0]?.file}\` | \`${path}\` |`
  })
  const head = '| Attack | What stops it | Where | Test in `test/security` |\n|---|---|---|---|'
  return `<!-- generated: attacks -->\n${[head, ...rows].join('\n')}\n<!-- end -->`
}

if (import.meta.main) {
  const path = join(root, 'SECURITY.md')
  const text = readFileSync(path, 'utf8')
  const part = /<!-- generated: attacks -->[\s\S]*?<!-- end -->/
  writeFileSync(
    path,
    text.replace(part, () => attackRows()),
  )
}
