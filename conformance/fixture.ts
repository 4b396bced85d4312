import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const startTimeoutMs = 10_000
const endTimeoutMs = 3000

/** The fixture server, in a process of its own so that a crash of it is a finding, not our end. */
export interface Fixture {
  url: string
  /** What is wrong with it: that it ended before `stop()`, or did not end then. */
  problem: () => string | undefined
  stop: () => Promise<void>
}

/**
 * Starts the fixture on a free port. What it writes to stderr goes to `logFile`.
 *
 * @param workers - processes that serve it under `tsmcp serve --workers`; 1 for one that serves by itself
 */
export async function startFixture(logFile: string, workers: number): Promise<Fixture> {
  const child = spawn(process.execPath, workers === 1 ? [file('server.ts')] : served(workers), {
    // The channel ends when we do, however we end, and the fixture ends with it.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  child.stderr?.pipe(createWriteStream(logFile))
  let problem: string | undefined
  let isStopping = false
  const exited = once(child, 'exit').then(([code, signal]) => {
    if (isStopping && code === 0) return
    problem ??= `the fixture ended with ${code === null ? signal : `code ${code}`}, see ${logFile}`
  })

  const killUnless = (what: string, timeoutMs: number): NodeJS.Timeout =>
    setTimeout(() => {
      problem = `the fixture did not ${what} within ${timeoutMs} ms, see ${logFile}`
      child.kill('SIGKILL')
    }, timeoutMs)

  const startTimer = killUnless('start', startTimeoutMs)
  const line = await readFirstLine(child.stdout)
  clearTimeout(startTimer)
  if (line === undefined) {
    await exited
    throw new Error(problem)
  }
  const url = workers === 1 ? line : (JSON.parse(line) as { url: string }).url

  return {
    url,
    problem: () => problem,
    async stop() {
      if (problem !== undefined) return
      isStopping = true
      if (workers === 1) child.disconnect()
      else child.kill('SIGTERM')
      const stopTimer = killUnless('end', endTimeoutMs)
      await exited
      clearTimeout(stopTimer)
    },
  }
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

function served(workers: number): string[] {
  const flags = ['--port', '0', '--workers', String(workers), '--drain-ms', '1000', '--json']
  return [file('../dist/cli/main.js'), 'serve', file('served.ts'), ...flags]
}

async function readFirstLine(input: Readable | null): Promise<string | undefined> {
  if (input === null) return undefined
  for await (const line of createInterface({ input })) return line
  return undefined
}
