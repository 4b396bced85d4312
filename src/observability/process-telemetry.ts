import { engineHealth, type Health, type HealthComponent, worst } from '../server/health.ts'
import type { ObservedEngine, Observer } from '../server/observer.ts'
import { diskHealth } from './disk.ts'
import type { Log } from './logs/log.ts'
import { RequestLog } from './logs/request-log.ts'
import { Meter } from './metrics/meter.ts'
import { RuntimeMetrics } from './metrics/runtime-metrics.ts'
import type { Member, ProcessReport } from './report.ts'
import { Telemetry } from './telemetry.ts'
import type { Tracing } from './tracing.ts'
import { within } from './within.ts'

export interface ProcessTelemetryOptions {
  readonly log: Log
  readonly tracing?: Tracing | undefined
  /** Whether somebody will look at the figures. */
  readonly isMeasured: boolean
  /** Folders whose disks must not be full. */
  readonly folders: readonly string[]
}

/** A collector that does not answer must not keep the process. */
const closeMs = 5000

/** What one process knows of itself: sees its engines, and tells how it is. */
export class ProcessTelemetry implements Member {
  readonly log: Log
  readonly #requestLog: RequestLog
  readonly #telemetry: Telemetry
  readonly #runtime: RuntimeMetrics | undefined
  readonly #tracing: Tracing | undefined
  readonly #folders: readonly string[]
  #hasServed = false

  constructor({ log, tracing, isMeasured, folders }: ProcessTelemetryOptions) {
    const meter = new Meter()
    log.onRecord = (level) => meter.counter('logRecords', level).add()
    this.log = log
    this.#requestLog = new RequestLog(log)
    this.#tracing = tracing
    this.#folders = folders
    this.#telemetry = new Telemetry({ meter, tracing, log: this.#requestLog })
    this.#runtime = isMeasured ? new RuntimeMetrics(meter) : undefined
  }

  get observer(): Observer {
    return this.#telemetry
  }

  /** Records what a handler threw. */
  failed(error: unknown, request: { readonly method: string } | undefined): void {
    this.#requestLog.failed(error, request)
  }

  async ask(): Promise<ProcessReport> {
    const health = await this.health()
    return { pid: process.pid, metrics: this.#telemetry.meter.snapshot(), health }
  }

  /** How the process is; the parts of several engines are as the worst of them is. */
  async health(): Promise<Health> {
    const engines = [...this.#telemetry.engines]
    if (engines.length > 0) this.#hasServed = true
    const components = joined(engines)
    // A process that serves nothing yet is not ready, and one that has closed its engines is on its way out.
    if (engines.length === 0) {
      components.listeners = { status: this.#hasServed ? 'draining' : 'failed' }
    }
    for (const folder of this.#folders) {
      const disk = await diskHealth(folder)
      const before = components.disk
      if (before === undefined || before.status === 'ok') components.disk = disk
    }
    return { status: worst(Object.values(components).map(({ status }) => status)), components }
  }

  /** Sends what is left of traces, and stops measuring. */
  async close(): Promise<void> {
    this.#runtime?.stop()
    if (this.#tracing !== undefined) await within(closeMs, this.#tracing.close())
  }
}

function joined(engines: readonly ObservedEngine[]): Record<string, HealthComponent> {
  const components: Record<string, HealthComponent> = {}
  for (const engine of engines) {
    for (const [name, component] of Object.entries(engineHealth(engine).components)) {
      const before = components[name]
      const status =
        before === undefined ? component.status : worst([before.status, component.status])
      components[name] = status === before?.status ? before : { ...component, status }
    }
  }
  return components
}
