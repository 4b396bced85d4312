import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { residentBytes } from './cpu.ts'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A whole `tsmcp serve --workers` as an operator runs it: the supervisor and the processes that serve. */
export interface Served {
  readonly port: number
  readonly workers: readonly number[]
  /** Resident bytes of the supervisor and all workers. */
  residentBytes(): number
}

/**
 * Serves a file of the bench with so many workers, works with it, and ends it whatever happens.
 *
 * @param flags - further flags of `tsmcp serve`
 * @param environment - further variables
 */
export async function withServed<Value>(
  file: string,
  workers: number,
  flags: readonly string[],
  work: (served: Served) => Promise<Value>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Value> {
  const data = await mkdtemp(join(tmpdir(), 'tsmcp-bench-'))
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const child = spawn(
    process.execPath,
    [
      program,
      'serve',
      path,
      '--port',
      '0',
      '--workers',
      String(workers),
      '--data',
      data,
      '--json',
      ...flags,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_ENV: 'production', ...environment },
    },
  )
  const exited = once(child, 'exit')
  try {
    const lines = createInterface({ input: child.stdout })
    const first = await Promise.race([once(lines, 'line'), exited.then(() => undefined)])
    if (first === undefined) throw new Error(`tsmcp serve ended with ${child.exitCode}`)
    const listening: { url: string; workers?: number[] } = JSON.parse(first[0])
    // One process serves by itself.
    const serving = listening.workers ?? [child.pid ?? 0]
    const pids = new Set([child.pid ?? 0, ...serving])
    return await work({
      port: Number(new URL(listening.url).port),
      workers: serving,
      residentBytes: () => [...pids].reduce((sum, pid) => sum + residentBytes(pid), 0),
    })
  } finally {
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await exited
    clearTimeout(force)
    await rm(data, { recursive: true, force: true })
  }
}
