import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** What ran, and how it ended, by the id that names it: a requirement or a scenario of the official suite. */
export interface Evidence {
  readonly tests: ReadonlyMap<string, { passed: number; failed: number }>
  /** Scenarios by `REVISION NAME`: whether all their checks passed. */
  readonly scenarios: ReadonlyMap<string, boolean>
}

const idPattern = /^(?:26|25|0618|0326|1105)\.[a-z]+\.\d{3}$/

/** Reads the results of `npm test -- --results FILE` and the folder that `npm run conformance` leaves. */
export function readEvidence(testResults: string, conformanceFolder: string): Evidence {
  return { tests: readTests(testResults), scenarios: readScenarios(conformanceFolder) }
}

/** The ids that a test's name begins with, before the colon: `25.http.013 26.http.002: …`. */
export function idsOf(name: string): string[] {
  const head = name.split(':')[0] ?? ''
  const words = head.split(/[\s,]+/)
  return words.every((word) => idPattern.test(word)) ? words : []
}

function readTests(file: string): Evidence['tests'] {
  const tests = new Map<string, { passed: number; failed: number }>()
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const { name, outcome } = JSON.parse(line) as { name: string; outcome: string }
    if (outcome === 'skipped') continue
    for (const id of idsOf(name)) {
      const counts = tests.get(id) ?? { passed: 0, failed: 0 }
      counts[outcome === 'passed' ? 'passed' : 'failed'] += 1
      tests.set(id, counts)
    }
  }
  return tests
}

function readScenarios(folder: string): Evidence['scenarios'] {
  const scenarios = new Map<string, boolean>()
  if (!existsSync(folder)) return scenarios
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const revision = entry.name.replace('-requirements', '')
    if (!entry.isDirectory()) continue
    for (const run of readdirSync(`${folder}/${entry.name}`)) {
      // `server-NAME-TIMESTAMP`
      const name = /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/.exec(run)?.[1]
      const file = `${folder}/${entry.name}/${run}/checks.json`
      if (name === undefined || !existsSync(file)) continue
      const checks = JSON.parse(readFileSync(file, 'utf8')) as { status: string }[]
      const isPassed = checks.every(({ status }) => status !== 'FAILURE')
      // A scenario that the suite skips says nothing.
      if (isPassed && !checks.some(({ status }) => status === 'SUCCESS')) continue
      const key = `${revision} ${name}`
      scenarios.set(key, isPassed && (scenarios.get(key) ?? true))
    }
  }
  return scenarios
}
