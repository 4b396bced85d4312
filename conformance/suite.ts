import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const suitePath = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'),
)
const runTimeoutMs = 180_000

/** One assertion of the suite, as it writes it to `checks.json`. */
export interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  description: string
  reason: string
}

export interface ScenarioResult {
  revision: string
  scenario: string
  checks: Check[]
}

export interface SuiteRun {
  exitCode: number
  output: string
}

/** Runs the suite's command line; it tells of failures by its exit code, which is no error here. */
export function runSuite(args: string[]): Promise<SuiteRun> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [suitePath, ...args],
      { timeout: runTimeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const exitCode = error ? (typeof error.code === 'number' ? error.code : 1) : 0
        const killed = error?.killed ? `\nkilled after ${runTimeoutMs / 1000} s\n` : ''
        resolve({ exitCode, output: stdout + stderr + killed })
      },
    )
  })
}

/** The names of the server scenarios that the suite selects by `args`. */
export async function listScenarios(args: string[]): Promise<string[]> {
  const serverPart = await listServerPart(args)
  return Array.from(serverPart.matchAll(/^ {2}- (\S+)/gm), ([, name = '']) => name)
}

/** The names of the server scenarios of extensions, which belong to no revision. */
export async function listExtensionScenarios(): Promise<string[]> {
  const serverPart = await listServerPart([])
  return Array.from(serverPart.matchAll(/^ {2}- (\S+) \[extension\]/gm), ([, name = '']) => name)
}

async function listServerPart(args: string[]): Promise<string> {
  const { exitCode, output } = await runSuite(['list', '--server', ...args])
  if (exitCode !== 0) throw new Error(`the suite could not list its scenarios:\n${output}`)
  // A requirement set lists its client scenarios too, under a second heading.
  const [serverPart = ''] = output.split('\nClient scenarios')
  return serverPart
}

/**
 * Reads what a run wrote to `directory`. A scenario of `expected` without a result is one during
 * which the suite itself stumbled, and counts as failed.
 */
export async function readResults(
  directory: string,
  revision: string,
  expected: string[],
): Promise<ScenarioResult[]> {
  const folders = await readdir(directory).catch(() => [])
  const read = expected.map(async (scenario): Promise<ScenarioResult> => {
    const folder = folders.find((name) => withoutTimestamp(name) === `server-${scenario}`)
    if (folder === undefined) return { revision, scenario, checks: [noResult(scenario)] }
    const text = await readFile(join(directory, folder, 'checks.json'), 'utf8')
    const checks: unknown = JSON.parse(text)
    return { revision, scenario, checks: Array.isArray(checks) ? checks.map(toCheck) : [] }
  })
  return Promise.all(read)
}

function withoutTimestamp(folder: string): string {
  return folder.replace(/-\d{4}-\d\d-\d\dT.*$/, '')
}

function noResult(scenario: string): Check {
  const reason = 'the suite wrote no result; run again with --verbose to see why'
  return { id: scenario, status: 'FAILURE', description: 'the scenario runs', reason }
}

function toCheck(value: unknown): Check {
  const raw = value as Record<string, unknown>
  const details = (raw.details ?? {}) as Record<string, unknown>
  return {
    id: String(raw.id),
    status: raw.status as Check['status'],
    description: String(raw.description),
    reason: String(raw.errorMessage ?? details.message ?? details.note ?? ''),
  }
}
