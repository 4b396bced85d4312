import { McpError } from '../protocol/errors.ts'
import { encodeNotification, encodeRequest, type JsonRpcResponse } from '../protocol/json-rpc.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import type {
  AuthInfo,
  ClientCapabilities,
  Implementation,
  JsonObject,
  LogLevel,
  RequestId,
} from '../protocol/types.ts'
import { EventLog, type EventLogLimits } from './event-log.ts'
import { EventStream } from './event-stream.ts'
import type { ClientProfile, Peer } from './peer.ts'

/** Where messages to the client go: an event stream, or the one channel of stdio. */
export interface Outlet {
  send(json: string): void
}

/** A request in progress, as far as its session needs to know. */
export interface InFlightRequest {
  cancel(reason: string): void
}

interface PendingRequest {
  readonly resolve: (result: JsonObject) => void
  readonly reject: (error: Error) => void
}

/** Requests of ours that one client may leave unanswered. */
const maxPendingRequests = 64

/**
 * The state between an `initialize` and the end of its session (stateful era).
 *
 * Tables are made when first needed: an idle session, and most are, is one small object.
 */
export class Session implements Peer {
  readonly id: string
  readonly revision: Revision
  /** Of the latest request: a client may come with a newer token that allows more, or less. */
  authInfo: AuthInfo | undefined
  readonly #profile: ClientProfile
  logLevel: LogLevel | undefined = undefined
  #isInitialized = false
  /** Requests to the client that wait for the end of its handshake. */
  #waiting: (() => void)[] | undefined = undefined
  lastSeenMs: number
  /** Requests of the client in progress, by their id. */
  inFlight: Map<RequestId, InFlightRequest> | undefined = undefined
  /** Resources whose updates the client wants. */
  subscriptions: Set<string> | undefined = undefined
  /** Where messages go that belong to no request; undefined while the client listens to none. */
  outlet: Outlet | undefined = undefined
  #streams: Map<number, EventStream> | undefined = undefined
  #log: EventLog | undefined = undefined
  #pending: Map<RequestId, PendingRequest> | undefined = undefined
  #nextRequestId = 1
  #nextStream = 1

  constructor(
    id: string,
    revision: Revision,
    profile: ClientProfile,
    authInfo: AuthInfo | undefined,
    nowMs: number,
  ) {
    this.id = id
    this.revision = revision
    this.#profile = profile
    this.authInfo = authInfo
    this.lastSeenMs = nowMs
  }

  get clientInfo(): Implementation | undefined {
    return this.#profile.clientInfo
  }
  get clientCapabilities(): ClientCapabilities {
    return this.#profile.clientCapabilities
  }

  /** Nothing in progress and nobody listening: time counts against the session. */
  get isIdle(): boolean {
    if ((this.inFlight?.size ?? 0) > 0) return false
    // The channel of a connection: the session lives as long as that does.
    if (this.outlet !== undefined && !(this.outlet instanceof EventStream)) return false
    if (this.#streams === undefined) return true
    for (const stream of this.#streams.values()) if (stream.isAttached) return false
    return true
  }

  /** Opens a new event stream of the session. */
  openStream(limits: EventLogLimits): EventStream {
    this.#log ??= new EventLog(limits)
    this.#streams ??= new Map()
    const stream = new EventStream(this.#nextStream++, this.#log)
    this.#streams.set(stream.number, stream)
    return stream
  }

  findStream(number: number): EventStream | undefined {
    return this.#streams?.get(number)
  }

  /** Forgets old events, and streams that have ended and of which nothing is kept. */
  expireEvents(nowMs: number): void {
    if (this.#log === undefined || this.#streams === undefined) return
    this.#log.expire(nowMs)
    for (const [number, stream] of this.#streams) {
      if (stream.ended && !this.#log.has(number)) {
        this.#streams.delete(number)
        this.#log.drop(number)
      }
    }
  }

  /**
   * Sends a request to the client and waits for its answer.
   *
   * @param outlet - the stream of the request in whose course this one is sent
   * @param signal - aborting it cancels the request at the client
   * @throws McpError when the client answers with an error, or too many requests are unanswered
   */
  request(
    method: string,
    params: JsonObject,
    outlet: Outlet,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    if (signal.aborted) return Promise.reject(new McpError('REQUEST_CANCELLED'))
    if (!this.#isInitialized) {
      return this.#untilInitialized(signal).then(() => this.request(method, params, outlet, signal))
    }
    this.#pending ??= new Map()
    const pending = this.#pending
    if (pending.size >= maxPendingRequests) {
      return Promise.reject(
        new McpError('INTERNAL_ERROR', 'Too many requests to the client are unanswered'),
      )
    }
    const id = this.#nextRequestId++
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    pending.set(id, { resolve, reject })
    const cancel = (): void => {
      outlet.send(encodeNotification('notifications/cancelled', { requestId: id }))
      reject(signal.reason instanceof Error ? signal.reason : new McpError('REQUEST_CANCELLED'))
    }
    signal.addEventListener('abort', cancel, { once: true })
    outlet.send(encodeRequest(id, method, params))
    return promise.finally(() => {
      pending.delete(id)
      signal.removeEventListener('abort', cancel)
    })
  }

  /** `notifications/initialized` has arrived: the client may be asked things (2025-11-25, lifecycle#initialization). */
  markInitialized(): void {
    this.#isInitialized = true
    for (const goOn of this.#waiting ?? []) goOn()
    this.#waiting = undefined
  }

  #untilInitialized(signal: AbortSignal): Promise<void> {
    this.#waiting ??= []
    const waiting = this.#waiting
    return new Promise((resolve) => {
      waiting.push(resolve)
      // Then the request finds the signal aborted, and says so.
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** Hands an answer of the client to the request it belongs to; false when there is none. */
  respond(response: JsonRpcResponse): boolean {
    const pending = response.id === undefined ? undefined : this.#pending?.get(response.id)
    if (pending === undefined) return false
    if (response.result !== undefined) pending.resolve(response.result)
    else {
      const { code, message } = response.error ?? { code: 0, message: 'no error given' }
      pending.reject(new McpError('INTERNAL_ERROR', `The client answered: ${message} (${code})`))
    }
    return true
  }

  /** Ends everything that hangs on the session. Idempotent. */
  end(reason: string): void {
    for (const request of this.inFlight?.values() ?? []) request.cancel(reason)
    this.inFlight = undefined
    const gone = new McpError('REQUEST_CANCELLED', reason)
    for (const pending of this.#pending?.values() ?? []) pending.reject(gone)
    this.#pending = undefined
    for (const stream of this.#streams?.values() ?? []) stream.end()
    this.#streams = undefined
    this.#log = undefined
    this.outlet = undefined
    this.subscriptions = undefined
  }
}
