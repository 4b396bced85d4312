import type { ObservedEngine } from './observer.ts'

/** How a part is. `failed` and `overloaded` are reasons to send clients elsewhere, `draining` is the way out. */
export type HealthStatus = 'ok' | 'draining' | 'overloaded' | 'failed'

/** One part of a server, with the figures that it is judged by. */
export interface HealthComponent {
  readonly status: HealthStatus
  readonly [figure: string]: string | number | boolean
}

/** How something is, part by part. */
export interface Health {
  /** The worst of all parts. */
  readonly status: HealthStatus
  readonly components: Readonly<Record<string, HealthComponent>>
}

const severity: readonly HealthStatus[] = ['ok', 'overloaded', 'draining', 'failed']

/** How an engine is. */
export function engineHealth(engine: ObservedEngine): Health {
  const { isDraining, admission, shedding, sessions, storeProblem } = engine
  const { lagMs, memoryBytes, heapShare } = shedding.load
  const { overload } = shedding
  const components: Record<string, HealthComponent> = {
    listeners: { status: isDraining ? 'draining' : 'ok' },
    queue: {
      status: admission.isOverloaded ? 'overloaded' : 'ok',
      waiting: admission.metrics.depth,
      running: engine.running,
    },
    load: {
      status: overload === undefined ? 'ok' : 'overloaded',
      ...(overload !== undefined && { tooMuch: overload }),
      eventLoopLagMs: Math.round(lagMs),
      memoryBytes,
      heapShare: Math.round(heapShare * 1000) / 1000,
    },
  }
  if (sessions.isKept) components.store = { status: storeProblem === undefined ? 'ok' : 'failed' }
  return { status: worst(Object.values(components).map(({ status }) => status)), components }
}

/** The worst of several; of none it is that nothing listens. */
export function worst(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.length === 0) return 'failed'
  return severity[Math.max(...statuses.map((status) => severity.indexOf(status)))] ?? 'failed'
}
