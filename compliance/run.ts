/**
 * Prints how every requirement of the specification stands, and writes docs/compliance.md.
 *
 *     npm run compliance                 runs the tests and the official suite first
 *     npm run compliance -- --no-run     judges what they left last time
 *
 * Fails when a requirement is failing, an id in a test's name or an exemption is unknown, or an exempt requirement
 * has a test after all.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readCatalogue, readExemptions } from './catalogue.ts'
import { readEvidence } from './evidence.ts'
import { judge, render } from './matrix.ts'

const { values: flags } = parseArgs({ options: { 'no-run': { type: 'boolean' } } })
process.chdir(new URL('..', import.meta.url).pathname)
const results = 'compliance/results/tests.jsonl'

if (!flags['no-run']) {
  run(['scripts/test.ts', '--results', results])
  run(['conformance/run.ts'])
}
if (!existsSync(results)) {
  console.error(`There is no ${results}: run \`npm run compliance\` without --no-run first`)
  process.exit(2)
}

const catalogue = readCatalogue()
const exemptions = readExemptions()
const evidence = readEvidence(results, 'conformance/results')
const judged = judge(catalogue, exemptions, evidence)
const report = render(judged)
writeFileSync('docs/compliance.md', `${report}\n`)

const known = new Set(catalogue.map(({ id }) => id))
const problems = [
  ...[...evidence.tests.keys()]
    .filter((id) => !known.has(id))
    .map((id) => `a test names ${id}, which is no requirement`),
  ...exemptions
    .filter(({ id }) => !known.has(id))
    .map(({ id }) => `${id} is exempt but no requirement`),
  ...exemptions
    .filter(({ id }) => evidence.tests.has(id))
    .map(({ id }) => `${id} is exempt and has a test`),
  ...judged.filter(({ standing }) => standing === 'failing').map(({ id }) => `${id} fails`),
]
console.log(report.split('\n## ')[0])
for (const problem of problems) console.error(problem)
const passing = judged.filter(({ standing }) => standing === 'passing').length
console.log(`${passing} of ${judged.length} requirements covered and passing`)
process.exitCode = problems.length === 0 ? 0 : 1

function run(args: string[]): void {
  spawnSync(process.execPath, args, { stdio: 'inherit' })
}
