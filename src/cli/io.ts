import type { Readable, Writable } from 'node:stream'
import type { StopSignal } from './exit-codes.ts'

/** Everything a command may touch of the process it runs in, so that tests can hand it something else. */
export interface Io {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Whether a person sits at the terminal and can be asked. */
  readonly isInteractive: boolean
  /** The width of the terminal that stdout goes to; absent when it goes to a file or a pipe. */
  readonly columns?: number
  /** Calls the listener at each SIGINT and SIGTERM until the returned function is called. */
  onSignal(listener: (signal: StopSignal) => void): () => void
  /** From now on only `stdout` above reaches standard output: what user code prints goes to stderr. */
  reserveStdout(): void
}

/** Writes one line to standard output: as it is for a file or a program, made harmless for a terminal. */
export function print(io: Io, line = ''): void {
  io.stdout.write(`${io.columns === undefined ? line : harmless(line)}\n`)
}

/** Writes one line for the human beside the output: progress, notes, errors. */
export function note(io: Pick<Io, 'stderr'>, line: string): void {
  io.stderr.write(`${harmless(line)}\n`)
}

/** Without control characters: a server's text must not move the cursor of the terminal, or retitle it. */
export function harmless(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '')
}
