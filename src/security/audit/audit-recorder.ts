import type { AuditEvent } from './audit-event.ts'

/** Where records go: to the log of this process, or to that of the one that supervises it. */
export interface AuditRecorder {
  /**
   * Keeps a place for the record of a request.
   *
   * @returns false when the request must be refused, because it could not be recorded
   */
  reserve(): boolean
  /** Records a request for which a place was kept. */
  recordReserved(event: AuditEvent): void
  /** Records what cannot be refused. When there is no place, it is counted as missing. */
  record(event: AuditEvent): void
  /** Waits until all that was recorded is written. Idempotent. */
  close(): Promise<void>
}
