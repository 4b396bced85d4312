/**
 * Runs the official conformance suite against our fixture server and prints one table.
 *
 * `npm run conformance -- [--scenario NAME] [--revision R] [--workers N] [--verbose]`
 * Exit code: 0 all passed, 1 a check failed, 2 it could not be run.
 */
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Fixture, startFixture } from './fixture.ts'
import { countChecks, isMet, isSkipped, renderReasons, renderTable } from './report.ts'
import {
  listExtensionScenarios,
  listScenarios,
  readResults,
  runSuite,
  type ScenarioResult,
  type SuiteRun,
} from './suite.ts'

const allRevisions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']
/** The revisions for which the suite freezes what an implementation must pass. */
const requirementSets = ['2025-11-25', '2026-07-28']

/** The revision that the suite's extensions are specified against. */
const extensionRevision = '2026-07-28'
/** Extensions by how the names of their scenarios begin. */
const extensions: Readonly<Record<string, string>> = { 'tasks-': 'tasks', 'sep-2640-': 'skills' }
/** Scenarios that consist of nothing but a skipped check, whatever the server does. */
const emptyScenarios = ['tasks-status-notifications']

/** What `npm run compliance` reads is of one process; a run with workers has a folder of its own. */
let resultsDirectory = fileURLToPath(new URL('results/', import.meta.url))
const builtServer = fileURLToPath(new URL('../dist/http.js', import.meta.url))

interface Options {
  revisions: string[]
  scenario: string | undefined
  workers: number
  verbose: boolean
}

interface Findings {
  results: ScenarioResult[]
  /** By the revision whose requirement set they are. */
  requirements: Map<string, ScenarioResult[]>
  extensions: ScenarioResult[]
}

async function main(): Promise<number> {
  const options = readOptions()
  if (!existsSync(builtServer)) throw new Error('dist/ is missing: run `npm run build` first')
  if (options.workers > 1) resultsDirectory = join(resultsDirectory, 'workers')
  await rm(resultsDirectory, { recursive: true, force: true })
  await mkdir(resultsDirectory, { recursive: true })

  const fixture = await startFixture(join(resultsDirectory, 'fixture.log'), options.workers)
  let findings: Findings
  try {
    findings = await runAll(fixture, options)
  } finally {
    await fixture.stop()
  }
  return print(findings, fixture.problem(), options)
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string' },
      revision: { type: 'string' },
      workers: { type: 'string', default: '1' },
      verbose: { type: 'boolean', default: false },
    },
  })
  if (values.revision !== undefined && !allRevisions.includes(values.revision)) {
    throw new Error(`unknown revision ${values.revision}; known: ${allRevisions.join(', ')}`)
  }
  return {
    revisions: values.revision === undefined ? allRevisions : [values.revision],
    scenario: values.scenario,
    workers: Number(values.workers),
    verbose: values.verbose,
  }
}

async function runAll(fixture: Fixture, options: Options): Promise<Findings> {
  const results: ScenarioResult[] = []
  for (const revision of options.revisions) {
    if (fixture.problem() !== undefined) break
    results.push(...(await runRevision(fixture.url, revision, options)))
  }
  const ofExtensions = options.revisions.includes(extensionRevision)
    ? await runExtensions(fixture, options)
    : []
  if (results.length + ofExtensions.length === 0) {
    throw new Error(fixture.problem() ?? 'no scenario was selected')
  }

  const requirements = new Map<string, ScenarioResult[]>()
  // One scenario is not a requirement set.
  const sets = options.scenario === undefined ? requirementSets : []
  for (const revision of sets.filter((set) => options.revisions.includes(set))) {
    if (fixture.problem() !== undefined) break
    requirements.set(revision, await runRequirements(fixture.url, revision, options))
  }
  return { results, requirements, extensions: ofExtensions }
}

/** Prints what was found and says the exit code. */
function print(
  { results, requirements, extensions: ofExtensions }: Findings,
  problem: string | undefined,
  { revisions, verbose }: Options,
): number {
  const required = [...requirements.values()].flat()
  const shown = [...results, ...ofExtensions]
  const all = [...shown, ...required]
  console.log(`${renderTable(shown, revisions)}\n`)
  const reasons = renderReasons(all, verbose ? Number.POSITIVE_INFINITY : 600)
  if (reasons !== '') console.log(reasons)
  for (const [revision, set] of requirements) {
    const met = set.filter(isMet).length
    console.log(`Required by ${revision}: ${met} of ${set.length} scenarios passed`)
  }
  for (const line of extensionSummaries(ofExtensions)) console.log(line)
  if (problem !== undefined) console.log(problem)
  const { passed, failed } = countChecks(all)
  console.log(`${passed} passed, ${failed} failed`)
  const isGood = required.every(isMet) && ofExtensions.every(isMetOrEmpty)
  return failed === 0 && problem === undefined && isGood ? 0 : 1
}

function extensionSummaries(results: ScenarioResult[]): string[] {
  return Object.entries(extensions).flatMap(([prefix, name]) => {
    const own = results.filter(({ scenario }) => scenario.startsWith(prefix))
    if (own.length === 0) return []
    const met = own.filter(isMet).length
    const empty = own.filter((result) => !isMet(result) && isMetOrEmpty(result)).length
    const note = empty === 0 ? '' : `; ${empty} more checks nothing, whatever the server does`
    return [`Extension ${name}: ${met} of ${own.length - empty} scenarios passed${note}`]
  })
}

/** A scenario that skips itself is neither for nor against a server; any other that is skipped was not reached. */
function isMetOrEmpty(result: ScenarioResult): boolean {
  return isMet(result) || (isSkipped(result) && emptyScenarios.includes(result.scenario))
}

/** The scenarios of extensions, one by one: the suite selects them by name only. */
async function runExtensions(
  fixture: Fixture,
  { scenario, verbose }: Options,
): Promise<ScenarioResult[]> {
  const applicable = await listExtensionScenarios()
  const expected = applicable.filter((name) => scenario === undefined || name === scenario)
  // Beside the scenarios of the revision that they are specified against.
  const directory = join(resultsDirectory, extensionRevision)
  for (const name of expected) {
    if (fixture.problem() !== undefined) break
    const run = await runSuite([
      'server',
      ...['--url', fixture.url],
      ...['--scenario', name],
      ...['--spec-version', extensionRevision, '--force'],
      ...['-o', directory],
    ])
    show(run, verbose)
  }
  return readResults(directory, extensionRevision, expected)
}

/** Every scenario of the revision, also those that no requirement set scores. */
async function runRevision(
  url: string,
  revision: string,
  { scenario, verbose }: Options,
): Promise<ScenarioResult[]> {
  const applicable = await listScenarios(['--spec-version', revision])
  const expected = applicable.filter((name) => scenario === undefined || name === scenario)
  if (expected.length === 0) return []
  const directory = join(resultsDirectory, revision)
  const selection = scenario === undefined ? ['--suite', 'all'] : ['--scenario', scenario]
  const run = await runSuite([
    'server',
    ...['--url', url],
    ...selection,
    ...['--spec-version', revision],
    ...['-o', directory],
  ])
  show(run, verbose)
  return readResults(directory, revision, expected)
}

/** The frozen set of the revision; its unscored scenarios run too, and are not read here. */
async function runRequirements(
  url: string,
  revision: string,
  { verbose }: Options,
): Promise<ScenarioResult[]> {
  const required = await listScenarios(['--requirements', revision])
  const directory = join(resultsDirectory, `${revision}-requirements`)
  const run = await runSuite(['server', '--url', url, '--requirements', revision, '-o', directory])
  show(run, verbose)
  const results = await readResults(directory, revision, required)
  // The suite's own verdict counts too, whatever we read.
  if (run.exitCode !== 0 && results.every(isMet)) {
    const reason = `the suite ended with code ${run.exitCode}:\n${run.output.slice(-2000)}`
    const check = { id: 'exit-code', status: 'FAILURE', description: reason, reason } as const
    results.push({ revision, scenario: `requirements ${revision}`, checks: [check] })
  }
  return results
}

function show({ output }: SuiteRun, verbose: boolean): void {
  if (verbose) console.log(output)
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}
