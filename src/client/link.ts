import type { McpError } from '../protocol/errors.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import type { JsonObject, RequestId } from '../protocol/types.ts'

/** Why a connection is over. */
export interface CloseReason {
  /**
   * `closed`: we closed it. `exited`: the child process has ended. `lost`: the connection broke, or the other side
   * closed it. `session-ended`: the server no longer knows the session.
   */
  readonly kind: 'closed' | 'exited' | 'lost' | 'session-ended'
  /** One sentence for a log. */
  readonly message: string
  /** Of a child process that has ended by itself. */
  readonly exitCode?: number
  /** Of a child process that was ended by a signal. */
  readonly signal?: string
}

/** What a message is, for transports that say so beside it. */
export interface Outgoing {
  /** The request's id; undefined for what is answered by nothing. */
  readonly id: RequestId | undefined
  /** Undefined for a response. */
  readonly method: string | undefined
  readonly params: JsonObject | undefined
}

/** Who hears what comes over a link. */
export interface LinkListener {
  /**
   * A message, parsed.
   *
   * @param origin - the request on whose own stream it came, where each has one
   */
  message(value: unknown, origin: RequestId | undefined): void
  /** A request that will have no answer any more. */
  failed(id: RequestId, error: McpError): void
  /** The stream of a request has ended as it should: whoever still waits for an answer has got none. */
  settled(id: RequestId): void
  /** Called once; nothing follows. */
  closeWith(reason: CloseReason): void
}

/** The way to a server, whatever it is made of. Carries messages and knows nothing of what they mean. */
export interface Link {
  /** Requests travel on streams of their own, and ending one cancels it where the revision says so. */
  readonly hasOwnStreams: boolean
  /** `Mcp-Param-*` headers of a call. */
  parameterHeaders?: ((params: JsonObject) => Record<string, string>) | undefined
  send(text: string, message: Outgoing): void
  /** Ends the stream of a request, if it has one. */
  abandon(id: RequestId): void
  /** The handshake has led to this revision. */
  negotiated(revision: Revision): void
  /** Begins to hear what belongs to no request. */
  listen(): void
  close(): Promise<void>
}
