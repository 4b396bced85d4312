import { AuditLog } from '../security/audit/audit-log.ts'
import type { AuditBatch, AuditReceipt } from '../security/audit/forwarded-audit.ts'
import { auditOptions } from './audit-options.ts'
import { CliError, messageOf } from './cli-error.ts'
import type { ServeValues } from './settings.ts'

/** The audit log of a supervising process, which writes what the serving ones record. */
export interface SharedAudit {
  /** Writes what a process has recorded. @returns what that process is to be told then */
  take(batch: AuditBatch): Promise<AuditReceipt>
  /** After the processes have ended. */
  close(): Promise<void>
}

/** @throws CliError when the log cannot be opened */
export async function openSharedAudit(values: ServeValues, cwd: string): Promise<SharedAudit> {
  const options = auditOptions(values, cwd)
  const log = await AuditLog.open(options).catch((error: unknown) => {
    throw new CliError(`--audit: ${messageOf(error)}`, { cause: error })
  })
  return {
    take: async ({ number, events }) => {
      for (const event of events) log.record(event)
      await log.flush()
      return { number, isFull: log.isFull }
    },
    close: () => log.close(),
  }
}
