import type { McpError } from '../protocol/errors.ts'
import type {
  Network,
  ObservedEngine,
  ObservedNotification,
  ObservedRequest,
  Observer,
} from '../server/observer.ts'
import type { Sender } from '../server/request-guard.ts'
import type { Session } from '../sessions/session.ts'
import type { RequestLog } from './logs/request-log.ts'
import { EngineMetrics } from './metrics/engine-metrics.ts'
import { Meter } from './metrics/meter.ts'
import { OperationMetrics } from './metrics/operation-metrics.ts'
import { endingOf, OperationNames } from './operation.ts'
import type { Tracing } from './tracing.ts'

export interface TelemetryParts {
  readonly meter?: Meter
  readonly tracing?: Tracing | undefined
  readonly log?: RequestLog | undefined
}

const wentWell = { errorType: undefined, statusCode: undefined }

/** Sees what the engines of a process do, and makes metrics, spans and log records of it. */
export class Telemetry implements Observer {
  readonly meter: Meter
  readonly #engines: EngineMetrics
  readonly #operations: OperationMetrics
  readonly #names: OperationNames
  readonly #tracing: Tracing | undefined
  readonly #log: RequestLog | undefined

  constructor({ meter = new Meter(), tracing, log }: TelemetryParts = {}) {
    this.meter = meter
    this.#tracing = tracing
    this.#log = log
    this.#operations = new OperationMetrics(meter)
    this.#engines = new EngineMetrics(meter)
    this.#names = new OperationNames((kind, name) => {
      for (const { registry } of this.#engines.engines) if (registry.has(kind, name)) return true
      return false
    })
  }

  /** The engines that are open. */
  get engines(): ReadonlySet<ObservedEngine> {
    return this.#engines.engines
  }

  began(request: ObservedRequest): void {
    request.startedMs = performance.now()
    if (this.#tracing === undefined) return
    const target = this.#names.targetOf(request.method, request.params, false)
    request.observation = this.#tracing.start(request, target)
  }

  around<Value>({ observation }: ObservedRequest, work: () => Value): Value {
    return this.#tracing === undefined ? work() : this.#tracing.around(observation, work)
  }

  ended(request: ObservedRequest, error: McpError | undefined, result: unknown): void {
    const seconds = (performance.now() - request.startedMs) / 1000
    const ending = endingOf(request, error, result)
    const worked = ending.errorType === undefined
    const target = this.#names.targetOf(request.method, request.params, worked)
    const { observation } = request
    const tracing = observation === undefined ? undefined : this.#tracing
    const exemplar = tracing?.isSampled(observation)
      ? { value: seconds, timeMs: Date.now(), ...tracing.idsOf(observation) }
      : undefined
    this.#operations.record(target, request.revision, request.network, ending, seconds, exemplar)
    if (error !== undefined) this.#engines.limited(error)
    if (this.#log?.wants(error)) {
      this.#log.ended(request, target, ending, error, seconds, tracing?.idsOf(observation))
    }
    if (tracing === undefined) return
    tracing.end(observation, request, target, ending)
    request.observation = undefined
  }

  notified(notification: ObservedNotification): void {
    const { method, session, network, startedMs } = notification
    const target = this.#names.targetOf(method, undefined, false)
    const seconds = (performance.now() - startedMs) / 1000
    const revision = session?.revision.name ?? ''
    this.#operations.record(target, revision, network, wentWell, seconds, undefined)
    this.#log?.notified(notification)
  }

  refused(sender: Sender, error: McpError): void {
    this.#engines.refused(error)
    this.#log?.refused(sender, error)
  }

  identified(error: McpError | undefined): void {
    this.#engines.identified(error)
  }

  sessionOpened(session: Session): void {
    this.#engines.sessionOpened(session)
    this.#log?.sessionOpened(session)
  }

  sessionEnded(session: Session, network: Network, reason: string): void {
    this.#engines.sessionEnded(session, network, reason)
    this.#log?.sessionEnded(session, reason)
  }

  engineOpened(engine: ObservedEngine): void {
    this.#engines.engineOpened(engine)
  }

  engineClosed(engine: ObservedEngine): void {
    this.#engines.engineClosed(engine)
  }
}
