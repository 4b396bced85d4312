/** The table of attacks in SECURITY.md, from the list that `npm run attacks` goes through; this file writes it there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export function attackRows(): string {
  const list = readFileSync(join(root, 'test/security/attacks/mutations.tsv'), 'utf8')
  const rows = list
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [attack, tests = '', defence, file] = line.split('\t')
      const path = tests.startsWith('../') ? tests.slice(3) : `attacks/${tests}`
      return `| ${attack} | ${defence} | \`${file}\` | \`${path}\` |`
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
