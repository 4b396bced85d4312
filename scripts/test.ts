/**
 * Runs test files under node:test and ends with the line `N passed, N failed[, N skipped]`.
 *
 *     npm test                            everything in test/
 *     npm test -- test/protocol           a folder
 *     npm test -- test/http/post.test.ts  files
 *     npm run test:dist                   against dist/ in place of src/, those that go through what is published
 *     npm run coverage                    with coverage, and its floors
 *     npm run test:slow                   what takes minutes: as often, or as much, as it should
 *     npm test -- --results FILE          also writes each test's name and outcome as lines of JSON
 */
import { existsSync, globSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { checkFloors } from './coverage.ts'
import { publishedTests } from './published-tests.ts'

let testTimeoutMs = 60_000
/** A file that keeps a handle open never ends by itself; longer than any one test may take. */
let silenceLimitMs = 180_000
/** How much longer tests of the slow lane may take. */
const slowFactor = 20

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dist: { type: 'boolean' },
    coverage: { type: 'boolean' },
    slow: { type: 'boolean' },
    results: { type: 'string' },
  },
})
process.chdir(new URL('..', import.meta.url).pathname)

let files = testFiles(positionals.length > 0 ? positionals : ['test'])
if (files.length === 0) stop(`No test files in ${positionals.join(', ') || 'test/'}`)

if (flags.dist) {
  if (!existsSync('dist')) stop('There is no dist/: run `npm run build` first')
  const all = files.length
  files = await publishedTests(files)
  console.log(`${files.length} of ${all} test files go through what is published alone`)
  // By the environment, so that it reaches the programs which tests start, too.
  const hook = new URL('./dist-hook.ts', import.meta.url)
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${hook}`.trim()
}

if (flags.slow) {
  process.env.SLOW_TESTS = '1'
  testTimeoutMs *= slowFactor
  silenceLimitMs *= slowFactor
}

const silence = new AbortController()
const watchdog = setTimeout(() => silence.abort(), silenceLimitMs)
let floors: ReturnType<typeof checkFloors> = []

const events = run({
  files,
  // Tests wait on sockets and child processes more than they compute.
  concurrency: Math.max(2, availableParallelism()),
  execArgv: [`--test-timeout=${testTimeoutMs}`],
  signal: silence.signal,
  coverage: flags.coverage ?? false,
  coverageIncludeGlobs: ['src/**'],
})
events.on('test:complete', () => watchdog.refresh())
events.on('test:coverage', ({ summary }) => {
  floors = checkFloors(summary)
})
const results: string[] = []
const record = (outcome: string) => (test: { name: string; skip?: unknown; todo?: unknown }) => {
  const isOut = Boolean(test.skip ?? test.todo)
  results.push(JSON.stringify({ name: test.name, outcome: isOut ? 'skipped' : outcome }))
}
events.on('test:pass', record('passed'))
events.on('test:fail', record('failed'))
events.on('test:summary', ({ file, counts, success }) => {
  // Each file has a summary of its own; the one of all names none.
  if (file !== undefined) return
  clearTimeout(watchdog)
  if (flags.results !== undefined) {
    mkdirSync(dirname(flags.results), { recursive: true })
    writeFileSync(flags.results, `${results.join('\n')}\n`)
  }
  const skipped = counts.skipped + counts.todo
  const failed = Math.max(success ? 0 : 1, counts.tests - counts.passed - skipped)
  process.exitCode = failed === 0 && floors.every(({ isEnough }) => isEnough) ? 0 : 1
  // Below everything that the reporter has to say.
  process.once('exit', () => {
    for (const { text } of floors) console.log(text)
    console.log(
      `${counts.passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    )
  })
})
events.compose(new spec()).pipe(process.stdout)

function testFiles(paths: string[]): string[] {
  return paths.flatMap((path) => {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    return globSync(isFolder ? `${path}/**/*.test.ts` : path)
  })
}

function stop(message: string): never {
  console.error(message)
  process.exit(1)
}
