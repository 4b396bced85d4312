import type { Command } from 'commander'
import type { CommandContext } from './command-context.ts'
import type { Connection, ConnectOptions } from './connect.ts'
import { type ExitCode, exitCodeOf, type StopSignal } from './exit-codes.ts'
import type { Io } from './io.ts'
import { clientSettings, commanderOption, commonSettings, resolveSettings } from './settings.ts'

/** The resolved options that `call` and `list` share. */
export interface ClientOptions {
  readonly headers: readonly string[]
  readonly timeoutMs: number
  readonly json: boolean
  readonly verbose: boolean
}

/** Adds the options that `call` and `list` share. */
export function addClientOptions(command: Command): void {
  command.option(
    '--header <header>',
    "HTTP header for a URL, such as 'Authorization: Bearer TOKEN' (repeatable)",
    (value: string, before: string[]) => [...before, value],
    [],
  )
  for (const setting of Object.values({ ...clientSettings, ...commonSettings })) {
    command.addOption(commanderOption(setting))
  }
}

/** Reads the options that `call` and `list` share. */
export function clientOptions(
  flags: Record<string, unknown>,
  { io: { env } }: CommandContext,
): ClientOptions {
  const headers = Array.isArray(flags.header) ? flags.header.map(String) : []
  const settings = resolveSettings({ ...clientSettings, ...commonSettings }, { flags, env })
  return { headers, ...settings }
}

/** Connects, works, closes. A signal cancels what is under way and gives its own exit code. */
export async function withConnection(
  target: string,
  options: ClientOptions,
  io: Io,
  work: (connection: Connection, connect: ConnectOptions) => Promise<ExitCode>,
): Promise<ExitCode> {
  // Loaded late: the client takes 70 ms, which `--help` and `serve` need not pay.
  const { connectTo } = await import('./connect.ts')
  const abort = new AbortController()
  let stoppedBy: StopSignal | undefined
  const unsubscribe = io.onSignal((signal) => {
    stoppedBy ??= signal
    abort.abort()
  })
  try {
    const connect = { ...options, signal: abort.signal }
    const connection = await connectTo(target, connect, io)
    try {
      return await work(connection, connect)
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (stoppedBy !== undefined) return exitCodeOf(stoppedBy)
    throw error
  } finally {
    unsubscribe()
  }
}
