import type { ObservedRequest } from '../server/observer.ts'
import type { Ending, Target } from './operation.ts'
import type { TraceIds } from './trace-context.ts'

/** Makes spans of requests. OpenTelemetry implements it; nothing else here knows of that. */
export interface Tracing {
  /** @returns what is kept of the request until it ends; undefined when nothing is to be at hand while it runs */
  start(request: ObservedRequest, target: Target): unknown
  /** Runs a handler with the span as the active one. */
  around<Value>(observation: unknown, work: () => Value): Value
  end(observation: unknown, request: ObservedRequest, target: Target, ending: Ending): void
  /** Whether the span will be sent. */
  isSampled(observation: unknown): boolean
  /** Where the request is, for logs and exemplars. */
  idsOf(observation: unknown): TraceIds
  /** Sends what is left, and stops. Never rejects. */
  close(): Promise<void>
}
