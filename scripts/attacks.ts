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

const limitMs = 90_000
process.chdir(new URL('..', import.meta.url).pathname)

const [, ...lines] = readFileSync('test/security/attacks/mutations.tsv', 'utf8')
  .trimEnd()
  .split('\n')
const word = process.argv[2]
let missed = 0
for (const line of lines) {
  if (word !== undefined && !line.includes(word)) continue
  const [attack = '', tests = '', defence = '', ...edits] = line.split('\t')
  const before = new Map<string, string>()
  let isFound = true
  let verdict = 'NOT FOUND in the sources'
  try {
    // A defence in depth is taken out in more than one place.
    for (let index = 0; index < edits.length; index += 3) {
      const [file = '', guarded = '', unguarded = ''] = edits.slice(index, index + 3)
      const source = readFileSync(file, 'utf8')
      if (!before.has(file)) before.set(file, source)
      const pattern = patternOf(guarded)
      isFound &&= pattern.test(source)
      writeFileSync(
        file,
        source.replace(pattern, () => unguarded),
      )
    }
    if (isFound) {
      verdict = isNoticed(`test/security/attacks/${tests}.test.ts`) ? 'noticed' : 'NOT NOTICED'
    }
  } finally {
    for (const [file, source] of before) writeFileSync(file, source)
  }
  if (verdict !== 'noticed') missed += 1
  console.log(`${verdict.padEnd(12)} ${attack} (${defence})`)
}
console.log(`${missed} defences whose absence no test notices`)
process.exitCode = missed === 0 ? 0 : 1

/** Where the formatter has broken a line, a blank stands for it in the table. */
function patternOf(guarded: string): RegExp {
  const parts = guarded.split(' ').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(parts.join('\\s+'))
}

/** Fails, or does not end: both say that the attack works. */
function isNoticed(path: string): boolean {
  const { status } = spawnSync(process.execPath, ['--test', '--test-timeout=20000', path], {
    timeout: limitMs,
    killSignal: 'SIGKILL',
    stdio: 'ignore',
  })
  return status !== 0
}
