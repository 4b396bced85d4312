import type { McpError } from '../../protocol/errors.ts'
import type { RegistryMeter, RegistryOperation } from '../../registry/meter.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Network, ObservedEngine } from '../../server/observer.ts'
import type { Session } from '../../sessions/session.ts'
import type { Meter, Report } from './meter.ts'

/** Why a session ended, by what is said of it. */
const sessionEnds: Readonly<Record<string, string>> = {
  'The client ended the session': 'client',
  'The connection has closed': 'connection_closed',
  'The session was idle for too long': 'idle',
  'The session has reached its greatest age': 'age',
  'The server is shutting down': 'shutdown',
}

const maxUpstreams = 1000

/** One operation of the registry in so many is timed: looking at the clock takes longer than the operation. */
const timedOnceIn = 64

/** Metrics of engines: what they tell of, and how things stand in them when somebody looks. */
export class EngineMetrics implements RegistryMeter {
  readonly #meter: Meter
  readonly #engines = new Set<ObservedEngine>()
  readonly #registries = new Map<Registry, number>()
  /** What engines have counted that are closed. */
  readonly #past = { taken: 0, refused: 0, expired: 0, connectionsRefused: 0 }
  #registryOperations = 0
  #lastRefusal: McpError | undefined = undefined

  constructor(meter: Meter) {
    this.#meter = meter
    meter.observe((report) => this.#report(report))
  }

  /** The engines that are open. */
  get engines(): ReadonlySet<ObservedEngine> {
    return this.#engines
  }

  engineOpened(engine: ObservedEngine): void {
    this.#engines.add(engine)
    const { registry } = engine
    this.#registries.set(registry, (this.#registries.get(registry) ?? 0) + 1)
    registry.meter = this
  }

  engineClosed(engine: ObservedEngine): void {
    if (!this.#engines.delete(engine)) return
    const { registry } = engine
    const left = (this.#registries.get(registry) ?? 1) - 1
    if (left > 0) this.#registries.set(registry, left)
    else {
      this.#registries.delete(registry)
      registry.meter = undefined
    }
    const { taken, refused, expired } = engine.admission.metrics
    this.#past.taken += taken
    this.#past.refused += refused
    this.#past.expired += expired
    this.#past.connectionsRefused += engine.connections.refused
  }

  sessionOpened({ revision }: Session): void {
    this.#meter.counter('sessionsOpened', revision.name).add()
  }

  sessionEnded({ createdAtMs, revision }: Session, network: Network, reason: string): void {
    this.#meter.counter('sessionsEnded', sessionEnds[reason] ?? 'other').add()
    const { transport, protocol, version } = network
    this.#meter
      .histogram(
        'serverSessionDuration',
        revision.name,
        null,
        transport ?? null,
        protocol ?? null,
        version ?? null,
      )
      .record(Math.max(Date.now() - createdAtMs, 0) / 1000)
  }

  identified(error: McpError | undefined): void {
    let outcome = 'accepted'
    if (error !== undefined) outcome = error.httpStatus() >= 500 ? 'failed' : 'refused'
    this.#meter.counter('authenticationDecisions', outcome).add()
  }

  /** @param error - of a request, or of what never became one */
  limited(error: McpError): void {
    if (!isOfLimit(error) || error === this.#lastRefusal) return
    // The transport may tell of the same refusal once more.
    this.#lastRefusal = error
    this.#meter.counter('limitRefusals', error.code).add()
  }

  refused(error: McpError): void {
    this.limited(error)
    this.#meter.counter('refusals', error.code, error.httpStatus()).add()
  }

  began(): number {
    this.#registryOperations += 1
    return this.#registryOperations % timedOnceIn === 0 ? performance.now() : 0
  }

  ended(operation: RegistryOperation, beganMs: number): void {
    this.#meter.counter('registryOperations', operation).add()
    if (beganMs === 0) return
    this.#meter
      .histogram('registryOperationDuration', operation)
      .record((performance.now() - beganMs) / 1000)
  }

  #report(report: Report): void {
    const { taken, refused, expired, connectionsRefused } = this.#past
    report('queueDepth', 0)
    report('queueRequests', taken, 'taken')
    report('queueRequests', refused, 'refused')
    report('queueRequests', expired, 'expired')
    report('requestsRunning', 0)
    report('connectionsRefused', connectionsRefused)
    report('streams', 0)
    report('connections', 0)
    report('sessions', 0, 'listening')
    report('sessions', 0, 'quiet')
    for (const engine of this.#engines) reportEngine(report, engine)
    // Engines of one server share its registry, in which their connections are.
    for (const registry of this.#registries.keys()) {
      report('connections', registry.counts().connection ?? 0)
      reportUpstreams(report, registry)
    }
  }
}

function reportEngine(report: Report, engine: ObservedEngine): void {
  const { depth, taken, refused, expired } = engine.admission.metrics
  report('queueDepth', depth)
  report('queueRequests', taken, 'taken')
  report('queueRequests', refused, 'refused')
  report('queueRequests', expired, 'expired')
  report('requestsRunning', engine.running)
  report('connectionsRefused', engine.connections.refused)
  let streams = 0
  for (const count of engine.streamCounts) streams += count()
  report('streams', streams)
  let listening = 0
  let all = 0
  for (const session of engine.sessions) {
    all += 1
    if (session.isListening) listening += 1
  }
  report('sessions', listening, 'listening')
  report('sessions', all - listening, 'quiet')
  if (engine.sessions.isKept) report('sessionsStored', engine.sessions.size)
}

/** Those of a gateway, as its registry describes them. */
function reportUpstreams(report: Report, registry: Registry): void {
  for (const { entries } of registry.snapshot({ kind: 'upstream', limit: maxUpstreams })) {
    for (const { name, properties } of entries) {
      report('upstreams', 1, String(properties.state))
      report('upstreamRestarts', Number(properties.restarts), name)
      report('upstreamRequests', Number(properties.running), name)
    }
  }
}

function isOfLimit({ code }: McpError): boolean {
  switch (code) {
    case 'RATE_LIMITED':
    case 'QUOTA_EXCEEDED':
    case 'TOO_MANY_IN_FLIGHT':
    case 'TOO_MANY_TASKS':
    case 'SESSION_LIMIT':
      return true
    default:
      return false
  }
}
