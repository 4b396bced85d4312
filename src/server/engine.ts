import { Sweep } from '../internal/sweep.ts'
import { McpError, quoted } from '../protocol/errors.ts'
import {
  encodeError,
  encodeResult,
  isJsonObject,
  isRequestId,
  type JsonRpcNotification,
  type JsonRpcRequest,
} from '../protocol/json-rpc.ts'
import { shapeServerCapabilities } from '../protocol/shape.ts'
import type { AuthInfo, JsonObject, RequestId } from '../protocol/types.ts'
import { defaultEventLogLimits, type EventLogLimits } from '../sessions/event-log.ts'
import type { Peer } from '../sessions/peer.ts'
import type { InFlightRequest, Session } from '../sessions/session.ts'
import {
  defaultSessionLimits,
  type SessionLimits,
  SessionStore,
} from '../sessions/session-store.ts'
import {
  type Authenticate,
  type Authenticator,
  isCurrent,
  toAuthenticator,
} from './authenticator.ts'
import { RequestContext } from './context.ts'
import { isPromise } from './maybe-promise.ts'
import { protocolMethods, readInitialize } from './protocol-methods.ts'
import type { Reply } from './reply.ts'
import { checkScopes, requireScopes } from './required-scopes.ts'
import { EncodedResult } from './result.ts'
import type { MethodHandler, Outcome, Service } from './service.ts'
import { Subscriptions } from './subscriptions.ts'
import { taskLimits } from './tasks/task-options.ts'
import { Tasks } from './tasks/tasks.ts'

export interface EngineOptions {
  sessions?: Partial<SessionLimits>
  events?: Partial<EventLogLimits>
  /** Requests that one session or connection may have in progress. Default 1000. */
  maxInFlight?: number
  /** Checks the credentials of requests and connections. Default: everybody may call. */
  authenticate?: Authenticate | Authenticator
  /** Scopes that methods need of callers with credentials, beside those of the tool or resource that is meant. */
  methodScopes?: Readonly<Record<string, readonly string[]>>
}

/** Whoever has requests in progress that can be cancelled by their id: a session or a connection. */
export interface RequestOwner {
  inFlight: Map<RequestId, InFlightRequest> | undefined
}

const sweepIntervalMs = 1000
const noParams: JsonObject = Object.freeze({})

/**
 * The heart: takes decoded messages of known peers, finds the method, runs it and answers.
 *
 * One engine serves one service on any number of transports.
 */
export class Engine {
  readonly service: Service
  readonly sessions: SessionStore
  readonly subscriptions: Subscriptions
  readonly sweep: Sweep
  readonly eventLimits: EventLogLimits
  readonly #maxInFlight: number
  readonly #authenticator: Authenticator | undefined
  readonly #methodScopes: ReadonlyMap<string, readonly string[] | undefined>
  readonly #running = new Set<RequestContext>()
  readonly #stopListening: () => void
  #tasks: Tasks | undefined = undefined
  #onQuiet: (() => void) | undefined = undefined
  #closing: Promise<void> | undefined = undefined
  /** No further session or request is taken. */
  isDraining = false

  constructor(service: Service, options: EngineOptions = {}) {
    this.service = service
    this.#maxInFlight = options.maxInFlight ?? 1000
    this.#authenticator = options.authenticate && toAuthenticator(options.authenticate)
    this.#methodScopes = new Map(
      Object.entries(options.methodScopes ?? {}).map(([method, scopes]) => [
        method,
        checkScopes(scopes),
      ]),
    )
    this.eventLimits = { ...defaultEventLogLimits, ...options.events }
    this.subscriptions = new Subscriptions(service.watchResource)
    this.sessions = new SessionStore(
      { ...defaultSessionLimits, ...options.sessions },
      (session) => {
        this.subscriptions.forget(session)
        this.#tasks?.sessionEnded(session)
        service.sessionEnded?.(session)
      },
    )
    this.sweep = new Sweep(sweepIntervalMs, (error) => service.onError(error, undefined))
    this.sweep.add((nowMs) => {
      this.sessions.sweep(nowMs)
      this.#expire(nowMs)
      this.#tasks?.sweep(nowMs)
    })
    this.#stopListening = service.onChange((change) => this.subscriptions.changed(change))
  }

  /** Whether the credentials that let a connection or stream in would still do so. */
  isCurrent(authInfo: AuthInfo | undefined, nowMs: number): boolean {
    return isCurrent(this.#authenticator, authInfo, nowMs)
  }

  /** Requests whose handlers have not answered yet. */
  get running(): number {
    return this.#running.size
  }

  /** The tasks that calls have become; made when there is a first one to look for. */
  get tasks(): Tasks {
    const { service } = this
    this.#tasks ??= new Tasks(service.taskLimits ?? taskLimits(), (error) =>
      service.onError(error, undefined),
    )
    return this.#tasks
  }

  /**
   * Answers `initialize` by opening a session.
   *
   * @throws McpError INVALID_PARAMS, or SESSION_LIMIT when there are too many sessions
   */
  initialize(
    request: JsonRpcRequest,
    authInfo: AuthInfo | undefined,
  ): { session: Session; response: string } {
    if (this.isDraining) throw new McpError('SHUTTING_DOWN')
    const { revision, profile } = readInitialize(request.params ?? noParams)
    const session = this.sessions.create(revision, profile, authInfo)
    const { service } = this
    const result: JsonObject = {
      protocolVersion: revision.name,
      capabilities: shapeServerCapabilities(revision, service.capabilities()),
      serverInfo: service.encoder.serverInfo(revision),
    }
    if (service.instructions !== undefined) result.instructions = service.instructions
    return { session, response: encodeResult(request.id, service.encoder.encode(revision, result)) }
  }

  /**
   * Runs a request and answers it through `reply`, now or later.
   *
   * @param owner - who can cancel it by its id; undefined where only its connection can
   */
  dispatch(
    peer: Peer,
    request: JsonRpcRequest,
    reply: Reply,
    owner: RequestOwner | undefined,
  ): void {
    const context = new RequestContext(this.service, peer, request, reply)
    const { method } = request
    const handler = peer.revision.clientRequests.has(method)
      ? (protocolMethods.get(method) ?? this.service.methods.get(method))
      : this.#extensionMethod(peer, method)
    let outcome: Outcome | Promise<Outcome>
    try {
      if (this.isDraining) throw new McpError('SHUTTING_DOWN')
      if (handler === undefined) {
        throw new McpError('METHOD_NOT_FOUND', `Method not found: ${quoted(method)}`)
      }
      requireScopes(context.authInfo, this.#methodScopes.get(method))
      if (owner?.inFlight !== undefined) this.#admit(owner.inFlight, request.id)
      outcome = handler(context, request.params ?? noParams, this)
    } catch (error) {
      this.#fail(context, error)
      return
    }
    if (isPromise(outcome)) this.#wait(context, outcome as Promise<Outcome>, owner)
    else this.#succeed(context, outcome)
  }

  /** Takes a notification of a client. Those that are unknown or malformed are ignored, as JSON-RPC has it. */
  notified({ method, params }: JsonRpcNotification, owner: RequestOwner | undefined): void {
    if (method !== 'notifications/cancelled' || !isJsonObject(params)) return
    const { requestId, reason } = params
    if (!isRequestId(requestId)) return
    const why = typeof reason === 'string' ? reason : 'The client cancelled the request'
    owner?.inFlight?.get(requestId)?.cancel(why)
  }

  /** Ends a session and what hangs on it. */
  endSession(session: Session, reason: string): void {
    this.sessions.end(session, reason)
  }

  /**
   * Ends all work: takes nothing new, lets what runs finish for `drainMs`, then cancels the rest and ends all
   * sessions. Idempotent.
   */
  close(drainMs: number): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    this.isDraining = true
    this.subscriptions.endListens()
    // Lets the subscriptions give their results, even when nothing else may finish.
    await Promise.resolve()
    if (this.#running.size > 0 && drainMs > 0) await this.#quiet(drainMs)
    for (const context of this.#running) this.#stop(context, new McpError('SHUTTING_DOWN'))
    this.#tasks?.close()
    this.sessions.endAll('The server is shutting down')
    this.#stopListening()
    this.sweep.stop()
  }

  #extensionMethod({ revision }: Peer, method: string): MethodHandler | undefined {
    return revision.extensions ? this.service.extensionMethods?.get(method) : undefined
  }

  #admit(inFlight: ReadonlyMap<RequestId, InFlightRequest>, id: RequestId): void {
    if (inFlight.has(id)) {
      throw new McpError(
        'INVALID_REQUEST',
        `Invalid request: id ${quoted(String(id))} is in use by a running request`,
      )
    }
    if (inFlight.size >= this.#maxInFlight) {
      throw new McpError(
        'TOO_MANY_IN_FLIGHT',
        `Too many requests in flight: ${this.#maxInFlight} at a time are allowed`,
      )
    }
  }

  #wait(context: RequestContext, outcome: Promise<Outcome>, owner: RequestOwner | undefined): void {
    const { id } = context.request
    this.#running.add(context)
    if (owner !== undefined) {
      owner.inFlight ??= new Map()
      owner.inFlight.set(id, context)
    }
    if (!context.isLongLived) context.startClock(Date.now())
    context.reply.hold(() => context.cancel('The client went away'))
    context.onReleased = () => {
      this.#running.delete(context)
      if (owner?.inFlight?.get(id) === context) owner.inFlight.delete(id)
      if (this.#running.size === 0) this.#onQuiet?.()
    }
    outcome.then(
      (value) => this.#succeed(context, value),
      (error: unknown) => this.#fail(context, error),
    )
  }

  // Nothing may throw out of the functions below: they also run where nobody would catch it.

  #succeed(context: RequestContext, outcome: Outcome): void {
    if (context.isSettled) return
    const { peer, request } = context
    let response: string | Uint8Array
    try {
      const result = context.inputRequired ?? outcome
      response =
        result instanceof EncodedResult
          ? result.response(request.id)
          : encodeResult(request.id, this.service.encoder.encode(peer.revision, result))
    } catch (error) {
      // What the handler returned cannot be JSON, or what it has been told is too much to carry on.
      this.#answerError(context, error)
      return
    }
    context.flushProgress()
    context.settle()
    context.reply.end(response, 200)
  }

  #fail(context: RequestContext, thrown: unknown): void {
    if (context.isSettled) return
    // A handler that waits for input may have caught that and thrown an error of its own.
    const waits = context.isWaitingForInput && !(thrown instanceof McpError)
    if (waits) this.#succeed(context, noParams)
    else this.#answerError(context, thrown)
  }

  #answerError(context: RequestContext, thrown: unknown): void {
    if (context.isSettled) return
    const { revision } = context.peer
    const error = thrown instanceof McpError ? thrown : new McpError('INTERNAL_ERROR')
    if (!(thrown instanceof McpError)) this.service.onError(thrown, context)
    context.flushProgress()
    context.settle()
    context.reply.end(
      encodeError(context.request.id, error, revision.errorCodes),
      error.httpStatus(revision.httpStatuses),
      error,
    )
  }

  #expire(nowMs: number): void {
    for (const context of this.#running) {
      // A call that was allowed may finish; what goes on telling news may not.
      if (context.isLongLived && !this.isCurrent(context.authInfo, nowMs)) {
        this.#stop(context, new McpError('UNAUTHORIZED', 'The credentials are no longer valid'))
      }
      if (nowMs < context.deadlineMs) continue
      this.#stop(
        context,
        new McpError(
          'HANDLER_TIMEOUT',
          `${context.method} did not answer within ${this.service.handlerTimeoutMs} ms`,
        ),
      )
    }
  }

  /** Answers with an error in the handler's stead, and tells the handler to stop. */
  #stop(context: RequestContext, error: McpError): void {
    this.#answerError(context, error)
    context.abort(error)
  }

  #quiet(drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, drainMs)
      this.#onQuiet = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
