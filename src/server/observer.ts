import type { McpError } from '../protocol/errors.ts'
import type { JsonObject, RequestId } from '../protocol/types.ts'
import type { QueueMetrics } from '../queue/fair-queue.ts'
import type { Registry } from '../registry/registry.ts'
import type { Session } from '../sessions/session.ts'
import type { LoadShedding } from './load-shedding.ts'
import type { Sender } from './request-guard.ts'

/** How a client is connected, in the words of the semantic conventions (`network.*`). */
export interface Network {
  readonly transport: 'pipe' | 'tcp' | undefined
  readonly protocol: 'http' | 'websocket' | undefined
  /** Of the protocol: `1.1`. */
  readonly version: string | undefined
}

/** One object for each way: whoever tells them apart may do so by identity. */
export const networks = {
  stdio: { transport: 'pipe', protocol: undefined, version: undefined },
  tcp: { transport: 'tcp', protocol: undefined, version: undefined },
  http: { transport: 'tcp', protocol: 'http', version: '1.1' },
  webSocket: { transport: 'tcp', protocol: 'websocket', version: undefined },
  /** A transport of the user's own, or none at all. */
  other: { transport: undefined, protocol: undefined, version: undefined },
} as const satisfies Record<string, Network>

/** A request as an observer sees it. */
export interface ObservedRequest extends Sender {
  readonly method: string
  readonly params: JsonObject | undefined
  readonly requestId: RequestId
  readonly sessionId: string | undefined
  readonly revision: string
  readonly network: Network
  /** A header of the request by its name in lower case; undefined where a transport has none. */
  readonly getHeader: ((name: string) => string | undefined) | undefined
  /** The JSON-RPC code of an error, in the request's revision. */
  rpcCodeOf(error: McpError): number
  /** When it came, as `performance.now()` has it. */
  startedMs: number
  /** What the observer keeps of the request until it has ended. */
  observation: unknown
}

/** An engine as an observer sees it: what it may read at any time. */
export interface ObservedEngine {
  readonly registry: Registry
  readonly sessions: Iterable<Session> & { readonly size: number; readonly isKept: boolean }
  readonly connections: { readonly size: number; readonly refused: number }
  readonly shedding: Pick<LoadShedding, 'load' | 'overload'>
  /** Why nothing can be kept at the moment; undefined when all is well. */
  readonly storeProblem: Error | undefined
  readonly admission: { readonly metrics: QueueMetrics; readonly isOverloaded: boolean }
  /** Requests that have not been answered. */
  readonly running: number
  readonly isDraining: boolean
  readonly streamCounts: readonly (() => number)[]
}

/** A notification as an observer sees it. */
export interface ObservedNotification extends Sender {
  readonly method: string
  readonly params: JsonObject | undefined
  readonly session: Session | undefined
  readonly network: Network
  /** When it came, as `performance.now()` has it. */
  readonly startedMs: number
}

/**
 * Sees what a server does: for metrics, traces and logs. Nothing of it may throw, and all of it is synchronous, because
 * it is on the way of every request. Without an observer a request pays one look at a member.
 */
export interface Observer {
  /** A request has come, and nothing has been decided. */
  began(request: ObservedRequest): void
  /** Runs the handler of a request with an observation, so that it is at hand in there. */
  around<Value>(request: ObservedRequest, work: () => Value): Value
  /**
   * Told once of each request: it is answered, refused or cancelled.
   *
   * @param error - undefined when there is a result
   */
  ended(request: ObservedRequest, error: McpError | undefined, result: unknown): void
  /** A notification of a client has been taken. */
  notified(notification: ObservedNotification): void
  /** Something was refused before it became a request. */
  refused(sender: Sender, error: McpError): void
  /** It was found out who calls, or not: `error` says why not. */
  identified(error: McpError | undefined): void
  sessionOpened(session: Session): void
  sessionEnded(session: Session, network: Network, reason: string): void
  engineOpened(engine: ObservedEngine): void
  engineClosed(engine: ObservedEngine): void
}
