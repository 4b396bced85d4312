import { McpError } from '../protocol/errors.ts'
import {
  encodeError,
  encodeNotification,
  encodeRequest,
  type JsonRpcResponse,
} from '../protocol/json-rpc.ts'
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
import type { SessionRepository, StoredSession, StreamRequests } from './session-repository.ts'

/** Where messages to the client go: an event stream, or the one channel of stdio. */
export interface Outlet {
  send(json: string): void
}

/** Where messages go that belong to no request. */
export interface SessionOutlet extends Outlet {
  /** The client does not answer any more: gives up the connection to it. */
  hangUp(): void
}

/** A request in progress, as far as its session needs to know. */
export interface InFlightRequest {
  cancel(reason: string): void
}

/** Where a session is kept, and under which name. */
export interface Keeping {
  readonly repository: SessionRepository
  readonly key: number
  /** When a client was last seen in it, as far as the repository has been told. */
  toldSeenMs: number
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
  readonly createdAtMs: number
  readonly #profile: ClientProfile
  /** Where the session is kept beyond the process; undefined when it is in memory only. */
  readonly keeping: Keeping | undefined
  logLevel: LogLevel | undefined = undefined
  #isInitialized = false
  /** Requests to the client that wait for the end of its handshake. */
  #waiting: Set<() => void> | undefined = undefined
  lastSeenMs: number
  /** Requests of the client in progress, by their id. */
  inFlight: Map<RequestId, InFlightRequest> | undefined = undefined
  /** Resources whose updates the client wants. */
  subscriptions: Set<string> | undefined = undefined
  /** Where messages go that belong to no request; undefined while the client listens to none. */
  outlet: SessionOutlet | undefined = undefined
  /** The stream on which an earlier process sent what belongs to no request, until its client comes back to it. */
  #interrupted: EventStream | undefined = undefined
  /** There are few; a table would be a good part of what a session with one costs. */
  #streams: EventStream[] | undefined = undefined
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
    keeping?: Keeping,
    createdAtMs = nowMs,
  ) {
    this.id = id
    this.revision = revision
    this.#profile = profile
    this.authInfo = authInfo
    this.createdAtMs = createdAtMs
    this.lastSeenMs = nowMs
    this.keeping = keeping
  }

  /** A name of the session that gives no access to it, and is the same after a restart. */
  get name(): string {
    return this.keeping === undefined ? this.id : String(this.keeping.key)
  }

  get clientInfo(): Implementation | undefined {
    return this.#profile.clientInfo
  }
  get clientCapabilities(): ClientCapabilities {
    return this.#profile.clientCapabilities
  }

  /** The session of a connection, which lives as long as that does. */
  get isOfConnection(): boolean {
    return this.outlet !== undefined && !(this.outlet instanceof EventStream)
  }

  /** Nothing in progress and nobody listening: time counts against the session. */
  get isIdle(): boolean {
    if ((this.inFlight?.size ?? 0) > 0 || this.isOfConnection) return false
    if (this.#streams === undefined) return true
    return !this.#streams.some(({ isAttached }) => isAttached)
  }

  /** There is a way to tell the client something that it has not asked for. */
  get isListening(): boolean {
    if (!this.#isInitialized || this.outlet === undefined) return false
    return !(this.outlet instanceof EventStream) || this.outlet.isAttached
  }

  /** Another process can go on with the session where this one has left it. */
  get canMove(): boolean {
    return this.#isInitialized && this.isAtRest
  }

  /** The session can be let go of and looked up again: there is no more to it than what is kept. */
  get isAtRest(): boolean {
    return (
      this.keeping !== undefined &&
      this.outlet === undefined &&
      this.subscriptions === undefined &&
      // The numbers that it has given to events must not be given again.
      this.#log === undefined &&
      (this.#pending?.size ?? 0) === 0 &&
      this.#waiting === undefined &&
      this.isIdle
    )
  }

  /**
   * Opens a new event stream of the session.
   *
   * @param requests - the requests that it is to answer; undefined for one of what belongs to no request
   */
  openStream(limits: EventLogLimits, requests?: StreamRequests): EventStream {
    const log = this.#openLog(limits)
    const stream = this.#addStream(this.#nextStream++, log)
    this.keeping?.repository.openStream(this.keeping.key, stream.number, requests)
    return stream
  }

  #openLog(limits: EventLogLimits): EventLog {
    if (this.#log === undefined) {
      const keeper = this.keeping?.repository.events(this.keeping.key)
      this.#log = new EventLog(limits, keeper)
      this.#nextStream = (keeper?.lastNumber ?? 0) + 1
    }
    return this.#log
  }

  #addStream(number: number, log: EventLog): EventStream {
    const stream = new EventStream(number, log)
    if (this.#streams === undefined) this.#streams = [stream]
    else this.#streams.push(stream)
    return stream
  }

  findStream(number: number): EventStream | undefined {
    return this.#streams?.find((stream) => stream.number === number)
  }

  /** Takes up what an earlier process has left of the session. */
  restore(stored: StoredSession, limits: EventLogLimits): void {
    // Whoever goes on with a session has shaken hands: the flag need not be kept.
    this.#isInitialized = true
    this.logLevel = stored.logLevel
    if (stored.subscriptions.length > 0) this.subscriptions = new Set(stored.subscriptions)
    if (stored.streams.length === 0) return
    const log = this.#openLog(limits)
    log.restore(
      stored.events,
      stored.streams.map(({ number, forgotten }) => [number, forgotten]),
    )
    for (const { number, requests, isEnded, isOrphan } of stored.streams) {
      const stream = this.#addStream(number, log)
      if (isEnded) stream.ended = true
      else if (!isOrphan) continue
      else if (requests === undefined) {
        this.outlet = stream
        this.#interrupted = stream
      } else {
        stream.send(encodeLoss(requests))
        stream.end()
      }
    }
  }

  /** Whether the client has come back to a stream for the first time since its server restarted; true once. */
  takeInterrupted(stream: EventStream): boolean {
    if (stream !== this.#interrupted) return false
    this.#interrupted = undefined
    return true
  }

  /** Forgets old events, and streams that have ended and of which nothing is kept. */
  expireEvents(nowMs: number): void {
    const log = this.#log
    if (log === undefined || this.#streams === undefined) return
    log.expire(nowMs)
    const isOver = ({ ended, number }: EventStream): boolean => ended && !log.has(number)
    const over = this.#streams.filter(isOver)
    if (over.length === 0) return
    this.#streams = this.#streams.filter((stream) => !over.includes(stream))
    for (const { number } of over) {
      log.drop(number)
      this.keeping?.repository.dropStream(this.keeping.key, number)
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

  /**
   * Asks the client for a sign of life.
   *
   * @param answered - called when one comes, even an error
   * @returns a function that stops waiting for it
   */
  ping(answered: () => void): () => void {
    const id = this.#nextRequestId++
    const giveUp = (): void => void this.#pending?.delete(id)
    const settle = (): void => {
      giveUp()
      answered()
    }
    this.#pending ??= new Map()
    this.#pending.set(id, { resolve: settle, reject: settle })
    this.outlet?.send(encodeRequest(id, 'ping', {}))
    return giveUp
  }

  /** `notifications/initialized` has arrived: the client may be asked things (2025-11-25, lifecycle#initialization). */
  markInitialized(): void {
    this.#isInitialized = true
    for (const goOn of this.#waiting ?? []) goOn()
    this.#waiting = undefined
  }

  #untilInitialized(signal: AbortSignal): Promise<void> {
    this.#waiting ??= new Set()
    const waiting = this.#waiting
    return new Promise((resolve) => {
      waiting.add(resolve)
      const goOn = (): void => {
        waiting.delete(resolve)
        resolve()
      }
      // Then the request finds the signal aborted, and says so.
      signal.addEventListener('abort', goOn, { once: true })
    })
  }

  /**
   * Hands an answer of the client to the request it belongs to. One that comes too late is ignored
   * (2025-11-25, basic/utilities/cancellation).
   *
   * @returns false when no request of ours ever had its id
   */
  respond(response: JsonRpcResponse): boolean {
    const { id } = response
    const pending = id === undefined ? undefined : this.#pending?.get(id)
    if (pending === undefined) {
      return typeof id === 'number' && id >= 1 && id < this.#nextRequestId
    }
    if (response.result !== undefined) pending.resolve(response.result)
    else {
      const { code, message } = response.error ?? { code: 0, message: 'no error given' }
      pending.reject(new McpError('INTERNAL_ERROR', `The client answered: ${message} (${code})`))
    }
    return true
  }

  /** Sets the least severe level of log messages that the client wants. */
  setLogLevel(level: LogLevel): void | Promise<void> {
    this.logLevel = level
    return this.keeping?.repository.setLogLevel(this.keeping.key, level)
  }

  /** Ends everything that hangs on the session. Idempotent. */
  end(reason: string): void {
    this.#close(reason, (stream) => stream.end())
  }

  /** Ends everything of the session that is in this process; what is kept of it stays. */
  letGo(reason: string): void {
    this.#close(reason, (stream) => stream.letGo())
  }

  #close(reason: string, close: (stream: EventStream) => void): void {
    for (const request of this.inFlight?.values() ?? []) request.cancel(reason)
    this.inFlight = undefined
    const gone = new McpError('REQUEST_CANCELLED', reason)
    for (const pending of this.#pending?.values() ?? []) pending.reject(gone)
    this.#pending = undefined
    for (const stream of this.#streams ?? []) close(stream)
    this.#streams = undefined
    this.#log = undefined
    this.outlet = undefined
    this.subscriptions = undefined
  }
}

/** What the requests of a stream are answered whose process has ended before they were. */
function encodeLoss(requests: RequestId | readonly RequestId[]): string {
  const error = new McpError(
    'INTERNAL_ERROR',
    'The server was restarted while the request ran: it may or may not have had its effect',
  )
  if (typeof requests !== 'object') return encodeError(requests, error)
  return `[${requests.map((id) => encodeError(id, error)).join(',')}]`
}
