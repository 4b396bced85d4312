import type { RevisionName } from '../protocol/revisions/index.ts'
import type {
  ClientCapabilities,
  Implementation,
  JsonObject,
  LogLevel,
  ServerCapabilities,
} from '../protocol/types.ts'
import type { CloseReason } from './link.ts'

/** What a server says of how far a request has come. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** How one request is made. */
export interface PeerRequestOptions {
  /** Cancels the request. */
  readonly signal?: AbortSignal
  /** Milliseconds after which it is cancelled; Infinity for none. Default: that of the peer. */
  readonly timeoutMs?: number
  onProgress?(progress: Progress): void
  /** Notifications on this request's own stream, where each has one (HTTP); others go to the peer's events. */
  onNotification?(method: string, params: JsonObject): void
  /** What this request's server asks of the client; default: the peer's `request` event. Over stdio and the like in sessions nobody knows which request a question belongs to, and the peer's is asked. */
  onRequest?: PeerEvents['request']
}

/** One connection to one MCP server, the same over every transport and in both eras. */
export interface Peer {
  /** What was negotiated. */
  readonly revision: RevisionName
  /** `stateful` up to 2025-11-25, `stateless` from 2026-07-28 on. */
  readonly era: 'stateful' | 'stateless'
  readonly serverInfo: Implementation
  readonly capabilities: ServerCapabilities
  readonly instructions: string | undefined
  /** The process of a server that was started by command. */
  readonly pid: number | undefined
  /**
   * Sends a request and gives the result as the server sent it. In the stateless era `input_required` is answered by
   * the `request` event, and the request is repeated; `resources/subscribe`, `resources/unsubscribe`, `logging/setLevel`
   * and `ping` work there as they did before, by what has taken their place.
   *
   * @throws McpError what the server answered; CONNECTION_FAILED when it cannot have seen the request, CONNECTION_LOST
   *   when it may have; SERVER_TIMEOUT; REQUEST_CANCELLED when `signal` was aborted
   */
  request(method: string, params?: JsonObject, options?: PeerRequestOptions): Promise<JsonObject>
  notify(method: string, params?: JsonObject): void
  /** Settles once the connection is over, with why. Never rejects. */
  readonly closed: Promise<CloseReason>
  /** Ends the session and the connection, and the process of a server that was started by command. Idempotent. */
  close(): Promise<void>
}

/** What a server says by itself. */
export interface PeerEvents {
  /** Lists that changed, log messages, resources that changed, tasks; in the stateless era from `subscriptions/listen`. */
  notification?(method: string, params: JsonObject): void
  /** `elicitation/create`, `sampling/createMessage`, `roots/list`: answers with the result. @throws McpError to refuse */
  request?(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject>
}

/** How a connection is opened and bounded. */
export interface PeerOptions {
  /** Who we are. Default `tsmcp`. */
  readonly clientInfo?: Implementation
  /** What we can be asked for. Default: nothing. */
  readonly capabilities?: ClientCapabilities
  /** The revisions to choose from. Default: all. */
  readonly revisions?: readonly RevisionName[]
  /** Milliseconds for each request, the handshake included. Default 60,000. */
  readonly timeoutMs?: number
  /** Milliseconds after which a server on stdio or the like that does not answer `server/discover` is taken for an old one. Default 10,000. */
  readonly probeTimeoutMs?: number
  /** Bytes of one message of the server. Default 16 MiB. */
  readonly maxMessageBytes?: number
  /** Requests that may be under way at a time; one more is refused. Default 10,000. */
  readonly maxInFlight?: number
  /** HTTP connections at a time; further requests wait for one. Default 256. */
  readonly maxConnections?: number
  /** Least severe log message to send, in the stateless era; see `logging/setLevel`. Default: none is sent. */
  readonly logLevel?: LogLevel
  /** How often a request is repeated with answers to what its server asked. Default 16. */
  readonly maxRounds?: number
  readonly signal?: AbortSignal
}
