import { type ChildProcess, spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { residentBytes } from '../processes/cpu.ts'
import { serve } from './harness.ts'

/** The server on stdio that all gateways are put before. */
export const upstream = fileURLToPath(new URL('./tsmcp-stdio.ts', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))

/** A file of this repository, or a command that it has installed. */
export const inRepository = (path: string): string => root + path
export const installed = (name: string): string => `${root}node_modules/.bin/${name}`

const patienceMs = 20_000

/** Runs a program that serves on a port, for as long as the runner wants it. */
export function serveByCommand(args: (port: number) => readonly string[]): void {
  let child: ChildProcess | undefined
  const port = started(args, (process) => {
    child = process
  })
  serve(port, { residentBytes: () => residentBytes(child?.pid ?? 0) })
}

async function started(
  args: (port: number) => readonly string[],
  onChild: (child: ChildProcess) => void,
): Promise<number> {
  const port = await freePort()
  const child = spawn(process.execPath, args(port), { stdio: 'ignore', detached: true })
  onChild(child)
  process.once('exit', () => end(child))
  process.once('disconnect', () => process.exit(0))
  const untilMs = Date.now() + patienceMs
  while (!(await answers(port))) {
    if (Date.now() > untilMs || child.exitCode !== null) throw new Error('it does not listen')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return port
}

/** With all that it has started. */
function end({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGTERM')
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    await (await fetch(`http://127.0.0.1:${port}/`)).text()
    return true
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
