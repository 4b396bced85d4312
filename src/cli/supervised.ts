import type { Announcements } from './announcements.ts'
import { CliError } from './cli-error.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { ServeValues } from './settings.ts'
import type { SharedAudit } from './shared-audit.ts'
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

/**
 * Works with the audit log that the settings ask for, which this process writes for those that serve; closes it when
 * they have ended.
 *
 * @throws CliError when it cannot be opened
 */
export async function withSharedAudit<Value>(
  values: ServeValues,
  cwd: string,
  work: (audit: SharedAudit | undefined) => Promise<Value>,
): Promise<Value> {
  if (values.audit === '') return work(undefined)
  const { openSharedAudit } = await import('./shared-audit.ts')
  const audit = await openSharedAudit(values, cwd)
  try {
    return await work(audit)
  } finally {
    await audit.close()
  }
}

/** The failure of a serving process as one of this process. */
export function failureOf(said: Extract<WorkerMessage, { kind: 'failed' }>): CliError {
  const error = new CliError(said.message, { exitCode: said.exitCode })
  error.stack = said.stack
  return error
}
