import type { Announcements } from './announcements.ts'
import { CliError } from './cli-error.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'
import { untilStopped } from './until-stopped.ts'
import type { WorkerMessage } from './worker-messages.ts'

/** Keeps processes serving. */
export interface Supervisor {
  /** Rejects when there will be no service. */
  readonly failed: Promise<never>
  start(): void
  /** Lets every process finish what it does. */
  close(): Promise<void>
  /** Ends every process at once. */
  kill(): void
}

/** Serves through a supervisor until a signal stops it, or it fails; no process is left behind. */
export async function supervised(
  supervisor: Supervisor,
  announcements: Announcements,
  io: Io,
): Promise<ExitCode> {
  const stopped = untilStopped(io, {
    close: () => supervisor.close(),
    onStopping: () => announcements.stopping(),
    ended: supervisor.failed,
  })
  supervisor.start()
  try {
    return await stopped
  } finally {
    supervisor.kill()
  }
}

/** The failure of a serving process as one of this process. */
export function failureOf(said: Extract<WorkerMessage, { kind: 'failed' }>): CliError {
  const error = new CliError(said.message, { exitCode: said.exitCode })
  error.stack = said.stack
  return error
}
