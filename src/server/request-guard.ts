import type { McpError } from '../protocol/errors.ts'
import type { AuthInfo, JsonObject, RequestId } from '../protocol/types.ts'

/** Who sends something, as far as the transport knows. */
export interface Sender {
  /** The address of the client; undefined where there is none, as on stdio. */
  readonly remoteAddress: string | undefined
  readonly authInfo: AuthInfo | undefined
}

/** A request as a guard sees it. */
export interface GuardedRequest extends Sender {
  readonly method: string
  readonly params: JsonObject | undefined
  readonly requestId: RequestId
  readonly sessionId: string | undefined
  readonly revision: string
  /** Whether it came by itself, so that the guard has heard of its arrival; on a connection many come after one. */
  readonly hasArrived: boolean
  /** A header of the request by its name in lower case; undefined where a transport has none. */
  readonly getHeader: ((name: string) => string | undefined) | undefined
  /** What the guard keeps of the request until it is settled. */
  guardState: unknown
}

/** What lists are of. */
export type ListedKind = 'tool' | 'resource' | 'resourceTemplate' | 'prompt'

/** What a caller sees of lists. */
export interface Visibility {
  /** Callers with the same key see the same. */
  readonly key: string
  includes(kind: ListedKind, name: string): boolean
}

/**
 * Stands between transports and handlers: may this request be, and what came of it. All of it is synchronous, because
 * it is on the way of every request.
 */
export interface RequestGuard {
  /**
   * For each HTTP request and each connection, before it is asked who calls and before a body is read.
   *
   * @throws McpError to refuse
   */
  arrived?(remoteAddress: string | undefined): void
  /**
   * Before the handler runs.
   *
   * @param isServed - whether there is a handler for the method
   * @throws McpError to refuse
   */
  check(request: GuardedRequest, isServed: boolean): void
  /** What the caller sees of lists; undefined: all of them. */
  visibility?(authInfo: AuthInfo | undefined): Visibility | undefined
  /**
   * Told once of each request, when it is answered, refused or cancelled. Must not throw.
   *
   * @param error - undefined when there is a result
   */
  settled(request: GuardedRequest, error: McpError | undefined, result: unknown): void
  /** Told of what was refused before it became a request. Must not throw. */
  refused?(sender: Sender, error: McpError): void
  /** Told of the end of a session. Must not throw. */
  sessionEnded?(sessionId: string, authInfo: AuthInfo | undefined, reason: string): void
}
