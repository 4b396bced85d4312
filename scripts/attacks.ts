/**
 * Shows of each defence that a test would miss it: takes it out of the sources, runs the test, and puts it back.
 *
 *     npm run attacks             all of test/security/attacks/mutations.tsv
 *     npm run attacks -- bombs    those whose row holds the word
 *
 * Run it in a working tree that nobody else uses: sources are changed while it works.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { readAttacks } from './attack-list.ts'

const limitMs = 90_000
process.chdir(new URL('..', import.meta.url).pathname)

const word = process.argv[2]
let missed = 0
for (const { attack, tests, defence, edits, line } of readAttacks()) {
  if (word !== undefined && !line.includes(word)) continue
  const before = new Map<string, string>()
  let isFound = true
  let verdict = 'NOT FOUND in the sources'
  try {
    for (const { file, guarded, unguarded } of edits) {
      const source = readFileSync(file, 'utf8')
      if (!before.has(file)) before.set(file, source)
      isFound &&= guarded.test(source)
      writeFileSync(
        file,
        source.replace(guarded, () => unguarded),
      )
    }
    if (isFound) verdict = isNoticed(tests) ? 'noticed' : 'NOT NOTICED'
  } finally {
    for (const [file, source] of before) writeFileSync(file, source)
  }
  if (verdict !== 'noticed') missed += 1
  console.log(`${verdict.padEnd(12)} ${attack} (${defence})`)
}
console.log(`${missed} defences whose absence no test notices`)
process.exitCode = missed === 0 ? 0 : 1

/** Fails, or does not end: both say that the attack works. */
function isNoticed(path: string): boolean {
  const { status } = spawnSync(process.execPath, ['--test', '--test-timeout=20000', path], {
    timeout: limitMs,
    killSignal: 'SIGKILL',
    stdio: 'ignore',
  })
  return status !== 0
}
