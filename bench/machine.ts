import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { canPin, loadCore, serverCore } from './processes/child.ts'

/** Where, when and of what the run was made. */
export interface Provenance {
  date: string
  commit: string
  command: string
  node: string
  machine: string
  cores: number
  memoryGiB: number
  system: string
  pinning: string
  /** Of the minute before the run: other work on the machine makes its figures poor. */
  loadBefore: number
}

export const repository = fileURLToPath(new URL('..', import.meta.url))

function git(...gitArguments: string[]): string | undefined {
  try {
    const options = { cwd: repository, encoding: 'utf8', stdio: 'pipe' } as const
    return execFileSync('git', gitArguments, options).trim()
  } catch {
    return undefined
  }
}

function commit(): string {
  const hash = git('rev-parse', '--short=10', 'HEAD')
  if (!hash) return 'uncommitted'
  // What the command itself writes does not make the measured code another one.
  const changes = git('status', '--porcelain', '--', '.', ':!docs/benchmarks.md', ':!bench/results')
  return changes ? `${hash}-modified` : hash
}

export function provenance(): Provenance {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    command: ['node bench/run.ts', ...process.argv.slice(2)].join(' '),
    node: process.version,
    machine: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    pinning: canPin
      ? `server on core ${serverCore}, load generator on core ${loadCore}`
      : 'none: this machine has no taskset or no second core, so the rows are not comparable',
    loadBefore: loadavg()[0] ?? Number.NaN,
  }
}
