import { CommanderError } from 'commander'
import type { ExitCode } from './exit-codes.ts'
import { type Io, note } from './io.ts'

/** A failure that is explained to the user in one line: what is wrong, then what to do. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.name = 'CliError'
    this.exitCode = options.exitCode ?? 1
  }
}

/** The command line itself is wrong: exit code 2. */
export function usageError(message: string): CliError {
  return new CliError(message, { exitCode: 2 })
}

/** How much of a failure is shown, and in which form. */
export interface ReportOptions {
  readonly json: boolean
  readonly verbose: boolean
}

/** Prints a failure as one line (with its stack when verbose) and returns the exit code it stands for. */
export function reportFailure(error: unknown, io: Io, options: ReportOptions): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  const { message, exitCode } = describeFailure(error)
  note(io, options.json ? JSON.stringify({ error: { message, exitCode } }) : `tsmcp: ${message}`)
  if (options.verbose) note(io, stackOf(error))
  return exitCode
}

/** The one line and the exit code of whatever was thrown. */
export function describeFailure(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof CliError)
    return { message: oneLine(error.message), exitCode: error.exitCode }
  if (error instanceof CommanderError) {
    return { message: oneLine(error.message.replace(/^error: /, '')), exitCode: 2 }
  }
  return { message: oneLine(messageOf(error)), exitCode: 1 }
}

/** The message of whatever was thrown, which need not be an Error. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? error.name : error.message
}

/** Folds line breaks and runs of blanks: a message of several lines stays one line of the log. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? error.message
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`
}
