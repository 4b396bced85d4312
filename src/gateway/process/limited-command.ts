import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ProcessLimits } from '../config/gateway-config.ts'

/** A command line. */
export interface CommandLine {
  readonly command: string
  readonly args: readonly string[]
}

/**
 * A command line under limits, by `prlimit` of util-linux, which sets them and then becomes the command.
 *
 * @returns undefined when there is no `prlimit`
 */
export function limitedCommand(
  { command, args }: CommandLine,
  limits: ProcessLimits,
  path = process.env.PATH ?? '',
): CommandLine | undefined {
  const { memoryMb, cpuSeconds, openFiles } = limits
  const options: string[] = []
  // Not --as: V8 reserves far more address space than it will ever use.
  if (memoryMb !== undefined) options.push(`--data=${memoryMb * 2 ** 20}`)
  if (cpuSeconds !== undefined) options.push(`--cpu=${cpuSeconds}`)
  if (openFiles !== undefined) options.push(`--nofile=${openFiles}`)
  if (options.length === 0) return { command, args }
  const program = findProgram('prlimit', path)
  if (program === undefined) return undefined
  return { command: program, args: [...options, '--', command, ...args] }
}

function findProgram(name: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // not here
    }
  }
  return undefined
}
