/**
 * The slow lane of the fuzz tests: `npm run fuzz [-- INPUTS]`, by default 1,000,000 inputs, shared by all properties.
 *
 * Each file of tests with properties runs with a tenth of the inputs and then with all of them. Whatever fails, hangs or
 * answers outside the specification fails its test; what needs more memory for ten times the inputs has leaked, be it the
 * server or the test.
 */
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const wanted = Number(process.argv[2] ?? 1_000_000)
/** With fewer, a tenth of them is so little that tests notice which make sure that something was tried. */
const fewest = 200_000
if (!(Number.isSafeInteger(wanted) && wanted >= fewest)) {
  console.error(`npm run fuzz -- INPUTS: a whole number of at least ${fewest}`)
  process.exit(2)
}
process.chdir(new URL('..', import.meta.url).pathname)

/** What the inputs of ten times the number may need more: garbage that has not been collected. */
const slack = 1.3
const slackBytes = 64 * 2 ** 20
/** A small heap is collected often: what a process then needs is what it holds, and one that leaks dies of it. */
const heapFlags = ['--max-old-space-size=128', '--max-semi-space-size=8']
const hangMs = 60 * 60_000

interface Run {
  readonly properties: number
  readonly inputs: number
  readonly peakBytes: number
  readonly seconds: number
  readonly hasPassed: boolean
  readonly output: string
}

const folder = mkdtempSync(join(tmpdir(), 'tsmcp-fuzz-'))
const files = globSync('test/**/*.test.ts')
  .filter((file) => /from '[./]*support\/fuzz\.ts'/.test(readFileSync(file, 'utf8')))
  .sort()

function runFile(file: string, inputs: number): Promise<Run> {
  const report = join(folder, `${files.indexOf(file)}-${inputs}.json`)
  const beganMs = Date.now()
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...heapFlags, file], {
      env: { ...process.env, TSMCP_FUZZ_RUNS: String(inputs), TSMCP_FUZZ_REPORT: report },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const note = (chunk: Buffer) => {
      output = (output + chunk).slice(-20_000)
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
    const timer = setTimeout(() => child.kill('SIGKILL'), hangMs)
    child.on('exit', (code) => {
      clearTimeout(timer)
      const seconds = (Date.now() - beganMs) / 1000
      let told = { properties: 0, inputs: 0, peakBytes: 0 }
      try {
        told = JSON.parse(readFileSync(report, 'utf8'))
      } catch {
        // It was killed, or has no property after all.
      }
      resolve({ ...told, seconds, hasPassed: code === 0 && told.properties > 0, output })
    })
  })
}

let [passed, failed, total] = [0, 0, 0]
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
try {
  // How many properties there are, each file knows when it runs.
  const first = []
  for (const file of files) first.push(await runFile(file, 100))
  const properties = first.reduce((sum, each) => sum + each.properties, 0)
  const each = Math.ceil(wanted / properties)
  console.log(`${properties} properties in ${files.length} files, ${each} inputs each`)
  for (const file of files) {
    const few = await runFile(file, Math.ceil(each / 10))
    const all = await runFile(file, each)
    const hasLeaked = all.peakBytes > few.peakBytes * slack + slackBytes
    const isGood = few.hasPassed && all.hasPassed && !hasLeaked
    total += all.inputs
    if (isGood) passed += 1
    else failed += 1
    const memory = `${mebibytes(few.peakBytes)} for a tenth, ${mebibytes(all.peakBytes)} for all`
    const verdict = isGood ? 'passed' : hasLeaked ? 'FAILED: memory grows' : 'FAILED'
    console.log(`${verdict}  ${file}  ${all.inputs} inputs, ${all.seconds.toFixed(0)} s, ${memory}`)
    if (!isGood) console.log(all.hasPassed ? few.output : all.output)
  }
  console.log(`${total} inputs`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
