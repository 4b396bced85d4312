import type { Health, HealthStatus } from '../server/health.ts'
import { lastingPart, type MetricsSnapshot, mergeSnapshots } from './metrics/snapshot.ts'
import type { Member, ProcessReport } from './report.ts'

/** How a node is: process by process, and as a whole. */
interface NodeHealth {
  /** `degraded`: some of the processes are not well, the others serve. */
  readonly status: HealthStatus | 'degraded'
  /** Whether requests should be sent here. */
  readonly isReady: boolean
  readonly processes: readonly (Health & { readonly pid: number })[]
}

/** What is known of all processes of a node together. */
export interface NodeReport {
  readonly metrics: MetricsSnapshot
  readonly health: NodeHealth
}

/** A report as young as this is good for whoever asks. */
const freshMs = 200

/** Brings the reports of the processes of a node together. What one that has ended had counted stays counted. */
export class NodeReports {
  readonly #members = new Map<Member, ProcessReport | undefined>()
  #past: MetricsSnapshot = {}
  #latest: { readonly atMs: number; readonly report: Promise<NodeReport> } | undefined = undefined

  /** @returns a function that says that the process has ended */
  join(member: Member): () => void {
    this.#members.set(member, undefined)
    return () => {
      const last = this.#members.get(member)
      if (!this.#members.delete(member) || last === undefined) return
      this.#past = mergeSnapshots([this.#past, lastingPart(last.metrics)])
    }
  }

  /** Asks all processes. One that does not answer is as it was when it last did, as far as counters go. */
  read(nowMs: number): Promise<NodeReport> {
    if (this.#latest === undefined || nowMs - this.#latest.atMs >= freshMs) {
      this.#latest = { atMs: nowMs, report: this.#read() }
    }
    return this.#latest.report
  }

  async #read(): Promise<NodeReport> {
    const answers = await Promise.all(
      [...this.#members.keys()].map(async (member) => {
        const answer = await member.ask()
        // It may have ended meanwhile, and is among the past then.
        if (answer !== undefined && this.#members.has(member)) this.#members.set(member, answer)
        return answer
      }),
    )
    const known = [...this.#members.values()].filter((report) => report !== undefined)
    const live = answers.filter((report) => report !== undefined)
    const merged = mergeSnapshots([this.#past, ...known.map(({ metrics }) => metrics)])
    const metrics = { ...merged, workers: [{ values: [], value: live.length }] }
    return { metrics, health: healthOf(live) }
  }
}

function healthOf(reports: readonly ProcessReport[]): NodeHealth {
  const processes = reports.map(({ pid, health }) => ({ pid, ...health }))
  const [first] = processes
  const isReady = processes.some(({ status }) => status === 'ok')
  const isWell = processes.every(({ status }) => status === 'ok')
  let status: NodeHealth['status'] = first?.status ?? 'failed'
  if (isReady) status = isWell ? 'ok' : 'degraded'
  return { status, isReady, processes }
}
