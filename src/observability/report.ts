import type { Health } from '../server/health.ts'
import type { MetricsSnapshot } from './metrics/snapshot.ts'

/** What a process tells of itself; plain JSON, which goes from one process to another. */
export interface ProcessReport {
  readonly pid: number
  readonly metrics: MetricsSnapshot
  readonly health: Health
}

/** A process whose report belongs to that of the node. */
export interface Member {
  /** @returns undefined when it does not answer in time, or has ended. Never rejects */
  ask(): Promise<ProcessReport | undefined>
}
