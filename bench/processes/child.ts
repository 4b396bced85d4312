import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The server has a core for itself, and so has whoever puts load on it. */
export const serverCore = 0
export const loadCore = 1

/**
 * False where there is no `taskset` or no second core: the report then says so. It counts the cores
 * of the machine, since the generator, which pins stdio servers, is itself allowed only one.
 */
export const canPin =
  cpus().length >= 2 &&
  [serverCore, loadCore].every(
    (core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0,
  )

/** The command line that runs Node on one core. */
export function nodeOnCore(core: number, nodeArguments: string[]): [string, string[]] {
  const command = [process.execPath, ...nodeArguments]
  return canPin ? ['taskset', ['-c', String(core), ...command]] : [process.execPath, nodeArguments]
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => process.exit(130))
}

export interface StartOptions {
  core: number
  nodeFlags?: string[]
  environment?: Record<string, string>
}

/** Starts a file of the bench with an IPC channel, production settings and its own core. */
export function start(file: string, options: StartOptions): ChildProcess {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const [command, commandArguments] = nodeOnCore(options.core, [...(options.nodeFlags ?? []), path])
  const child = spawn(command, commandArguments, {
    env: { ...process.env, NODE_ENV: 'production', ...options.environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  // Without a listener a failed spawn would end the whole run; `ask` reports it as a dead process.
  child.on('error', () => running.delete(child))
  return child
}

/** Ends a child that `start` made: first by closing its channel, then by force. */
export async function stop(child: ChildProcess, patienceMs = 3_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  const force = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await exited
  clearTimeout(force)
}
