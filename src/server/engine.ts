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
import { defaultJsonBounds, type JsonBounds } from '../protocol/json-text.ts'
import { shapeServerCapabilities } from '../protocol/shape.ts'
import type { AuthInfo, JsonObject, RequestId } from '../protocol/types.ts'
import { DeadLetters } from '../queue/dead-letters.ts'
import type { Directory } from '../registry/directory.ts'
import { Holder } from '../registry/holder.ts'
import type { Registry } from '../registry/registry.ts'
import { defaultEventLogLimits, type EventLogLimits } from '../sessions/event-log.ts'
import type { Peer } from '../sessions/peer.ts'
import type { InFlightRequest, Session } from '../sessions/session.ts'
import type { SessionRepository } from '../sessions/session-repository.ts'
import { type SessionLimits, SessionStore } from '../sessions/session-store.ts'
import {
  Admission,
  type AdmissionLimits,
  clientName,
  clientOf,
  defaultAdmissionLimits,
  overloaded,
  type WaitingRequest,
} from './admission.ts'
import {
  type Authenticate,
  type Authenticator,
  isCurrent,
  refusalHeaders,
  toAuthenticator,
} from './authenticator.ts'
import { checkedUrlError } from './client-requests.ts'
import { Connections } from './connections.ts'
import { RequestContext } from './context.ts'
import { sessionKind } from './kinds.ts'
import {
  defaultSheddingLimits,
  type LoadGauge,
  LoadShedding,
  type SheddingLimits,
} from './load-shedding.ts'
import { isPromise } from './maybe-promise.ts'
import { type Network, networks, type ObservedRequest, type Observer } from './observer.ts'
import { type PingOptions, Pings } from './pings.ts'
import { protocolMethods, readInitialize } from './protocol-methods.ts'
import type { Reply } from './reply.ts'
import type { GuardedRequest, RequestGuard, Sender } from './request-guard.ts'
import { checkScopes, requireScopes } from './required-scopes.ts'
import { EncodedResult } from './result.ts'
import type { MethodHandler, Outcome, Service } from './service.ts'
import { Subscriptions } from './subscriptions.ts'
import { taskLimits } from './tasks/task-options.ts'
import type { TaskStore } from './tasks/task-store.ts'
import { Tasks } from './tasks/tasks.ts'

export interface EngineOptions extends PingOptions {
  sessions?: Partial<SessionLimits>
  events?: Partial<EventLogLimits>
  /** Requests that one session or connection may have in progress. Default 1000. */
  maxInFlight?: number
  /** Checks the credentials of requests and connections. Default: everybody may call. */
  authenticate?: Authenticate | Authenticator
  /** Scopes that methods need of callers with credentials, beside those of the tool or resource that is meant. */
  methodScopes?: Readonly<Record<string, readonly string[]>>
  /** How large the parts of a message may be. */
  json?: Partial<JsonBounds>
  /** Signs the state of `input_required` rounds, if the server has no secret of its own. Default: random. */
  stateSecret?: string
  /** Decides on each request before its handler, and hears what came of it. Default: none. */
  guard?: RequestGuard
  /** Sees what happens, for metrics, traces and logs. Default: none. */
  observer?: Observer
  /** How many requests run at a time, and how many wait for that and for how long. */
  admission?: Partial<AdmissionLimits>
  /** When new work is refused because the process has too much to do. */
  shedding?: Partial<SheddingLimits>
  /** Sockets that clients may hold open at a time, on all listeners of the server together. Default 100,000. */
  maxConnections?: number
}

/** Where an engine keeps what is to outlive its process. */
export interface EngineStorage {
  readonly sessions: SessionRepository
  tasks(max: number): TaskStore
  /** Why nothing can be written at the moment; undefined when all is well. */
  readonly problem?: Error | undefined
}

/** A session that has been opened, and the answer to the request that opened it. */
interface OpenedSession {
  readonly session: Session
  readonly response: string
  /** Set if the client must not have the answer yet; rejects when the session cannot be kept. */
  readonly kept: Promise<void> | undefined
}

/** Who sends something, and how. */
export interface Origin extends Sender {
  readonly network: Network
  readonly getHeader?: ObservedRequest['getHeader']
}

/** Whoever has requests in progress that can be cancelled by their id: a session or a connection. */
export interface RequestOwner {
  inFlight: Map<RequestId, InFlightRequest> | undefined
}

type EngineMethod = (
  context: RequestContext,
  params: JsonObject,
  engine: Engine,
) => Outcome | Promise<Outcome>

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
  readonly guard: RequestGuard | undefined
  readonly observer: Observer | undefined
  readonly jsonBounds: JsonBounds
  readonly connections: Connections
  /** Messages that could not be delivered, and requests that were never run. */
  readonly deadLetters = new DeadLetters()
  readonly admission: Admission
  readonly shedding: LoadShedding
  /** What counts the event streams that are open: each endpoint that has some adds to it. */
  readonly streamCounts: (() => number)[] = []
  readonly #maxInFlight: number
  readonly #authenticator: Authenticator | undefined
  readonly #methodScopes: ReadonlyMap<string, readonly string[] | undefined>
  /** Whose names the sessions are: they go when the engine does. */
  readonly #holder: Holder
  readonly #sessionNames: Directory<Session>
  readonly #running = new Set<RequestContext>()
  readonly #pings: Pings
  readonly #stopListening: () => void
  readonly #storage: EngineStorage | undefined
  #tasks: Tasks | undefined = undefined
  #onQuiet: (() => void) | undefined = undefined
  #closing: Promise<void> | undefined = undefined
  /** No further session or request is taken. */
  isDraining = false

  /**
   * @param storage - default: sessions and tasks are in memory only
   * @param openGauge - where load shedding reads the load; default: this process
   */
  constructor(
    service: Service,
    options: EngineOptions = {},
    storage?: EngineStorage,
    openGauge?: () => LoadGauge,
  ) {
    this.service = service
    this.#storage = storage
    this.#maxInFlight = options.maxInFlight ?? 1000
    this.#authenticator = options.authenticate && toAuthenticator(options.authenticate)
    this.#methodScopes = new Map(
      Object.entries(options.methodScopes ?? {}).map(([method, scopes]) => [
        method,
        checkScopes(scopes),
      ]),
    )
    this.guard = options.guard
    this.observer = options.observer
    if (options.stateSecret !== undefined) service.requestState.useSecret(options.stateSecret)
    this.jsonBounds = { ...defaultJsonBounds, ...options.json }
    this.#holder = new Holder(service.info.name)
    this.#sessionNames = service.registry.of(sessionKind)
    this.connections = new Connections(service.registry, options.maxConnections ?? 100_000)
    this.admission = new Admission({ ...defaultAdmissionLimits, ...options.admission }, (waiting) =>
      this.#expired(waiting),
    )
    this.shedding = new LoadShedding({ ...defaultSheddingLimits, ...options.shedding }, openGauge)
    this.eventLimits = { ...defaultEventLogLimits, ...options.events }
    this.subscriptions = new Subscriptions(service.watchResource)
    this.#pings = new Pings(options, (error) => service.onError(error, undefined))
    this.sessions = new SessionStore(
      options.sessions ?? {},
      {
        ended: (session, reason) => {
          this.guard?.sessionEnded?.(session.id, session.authInfo, reason)
          this.observer?.sessionEnded(session, networkOf(session), reason)
          this.#pings.forget(session)
          this.#sessionNames.unregister(session.id)
          this.subscriptions.forget(session)
          this.#tasks?.sessionEnded(session)
          service.sessionEnded?.(session)
        },
        restored: (session) => {
          this.sessionOpened(session)
          this.subscriptions.restore(session)
        },
        letGo: (session) => {
          this.#pings.forget(session)
          this.#sessionNames.unregister(session.id)
          this.subscriptions.letGo(session)
          service.sessionEnded?.(session)
        },
        // A mounted server has its own idea of the session, which must not be lost on the way.
        mayLetGo: () => service.sessionEnded === undefined,
      },
      storage && { repository: storage.sessions, eventLimits: this.eventLimits },
    )
    this.sweep = new Sweep(sweepIntervalMs, (error) => service.onError(error, undefined))
    this.sweep.add((nowMs) => {
      this.sessions.sweep(nowMs)
      this.#pings.sweep(this.sessions, nowMs)
      this.#expire(nowMs)
      this.#tasks?.sweep(nowMs)
      this.shedding.sample()
      this.admission.sweep(nowMs, this.shedding.overload)
    })
    this.#stopListening = service.onChange((change) => this.subscriptions.changed(change))
    this.observer?.engineOpened(this)
  }

  /** What has a name here, for whoever runs the server to look at. */
  get registry(): Registry {
    return this.service.registry
  }

  /** Whether the credentials that let a connection or stream in would still do so. */
  isCurrent(authInfo: AuthInfo | undefined, nowMs: number): boolean {
    return isCurrent(this.#authenticator, authInfo, nowMs)
  }

  /** Requests that have not been answered yet: their handlers run, or they wait for their turn. */
  get running(): number {
    return this.#running.size
  }

  /** Why nothing can be kept at the moment; undefined when all is well, or nothing is to be kept. */
  get storeProblem(): Error | undefined {
    return this.#storage?.problem
  }

  /** The tasks that calls have become; made when there is a first one to look for. */
  get tasks(): Tasks {
    const { service } = this
    const storage = this.#storage
    this.#tasks ??= new Tasks(
      service.taskLimits ?? taskLimits(),
      (error) => service.onError(error, undefined),
      storage && ((max) => storage.tasks(max)),
    )
    return this.#tasks
  }

  /**
   * Answers `initialize` by opening a session.
   *
   * @param isOfConnection - the session ends with its connection, so it is not kept beyond the process
   * @throws McpError INVALID_PARAMS, SESSION_LIMIT when there are too many sessions, or OVERLOADED
   */
  initialize(request: JsonRpcRequest, sender: Origin, isOfConnection = false): OpenedSession {
    const { guard, observer } = this
    if (guard === undefined && observer === undefined) {
      return this.#openSession(request, sender.authInfo, isOfConnection)
    }
    const opening = new Opening(request, sender)
    observer?.began(opening)
    try {
      guard?.check(opening, true)
      const opened = this.#openSession(request, sender.authInfo, isOfConnection)
      opening.sessionId = opened.session.id
      opening.revision = opened.session.revision.name
      guard?.settled(opening, undefined, undefined)
      observer?.ended(opening, undefined, undefined)
      observer?.sessionOpened(opened.session)
      return opened
    } catch (thrown) {
      const error = asMcpError(thrown)
      guard?.settled(opening, error, undefined)
      observer?.ended(opening, error, undefined)
      throw thrown
    }
  }

  #openSession(
    request: JsonRpcRequest,
    authInfo: AuthInfo | undefined,
    isOfConnection: boolean,
  ): OpenedSession {
    if (this.isDraining) throw new McpError('SHUTTING_DOWN')
    const { revision, profile } = readInitialize(request.params ?? noParams)
    this.admission.requireCapacity()
    const { session, kept } = isOfConnection
      ? { session: this.sessions.create(revision, profile, authInfo), kept: undefined }
      : this.sessions.open(revision, profile, authInfo)
    this.sessionOpened(session)
    const { service } = this
    const result: JsonObject = {
      protocolVersion: revision.name,
      capabilities: shapeServerCapabilities(revision, service.capabilities()),
      serverInfo: service.encoder.serverInfo(revision),
    }
    if (service.instructions !== undefined) result.instructions = service.instructions
    const response = encodeResult(request.id, service.encoder.encode(revision, result))
    return { session, response, kept }
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
    const { guard, observer } = this
    const { method } = request
    if (observer !== undefined) {
      context.observer = observer
      observer.began(context)
    }
    const handler = peer.revision.clientRequests.has(method)
      ? (protocolMethods.get(method) ?? this.service.methods.get(method))
      : this.#extensionMethod(peer, method)
    try {
      if (guard !== undefined) {
        context.guard = guard
        guard.check(context, handler !== undefined)
      }
      if (this.isDraining) throw new McpError('SHUTTING_DOWN')
      if (handler === undefined) {
        throw new McpError('METHOD_NOT_FOUND', `Method not found: ${quoted(method)}`)
      }
      requireScopes(context.authInfo, this.#methodScopes.get(method))
      if (owner?.inFlight !== undefined) this.#admit(owner.inFlight, request.id)
      if (this.admission.isBusy && !protocolMethods.has(method)) {
        this.#queue(context, handler, owner)
        return
      }
    } catch (error) {
      this.#fail(context, error)
      return
    }
    this.#run(context, handler, owner)
  }

  /**
   * Takes a notification of a client. Those that are unknown or malformed are ignored, as JSON-RPC has it.
   *
   * @param owner - whose requests it may be about
   */
  notified(
    notification: JsonRpcNotification,
    owner: RequestOwner | undefined,
    session: Session | undefined,
    origin: Origin,
  ): void {
    const { observer } = this
    const startedMs = observer === undefined ? 0 : performance.now()
    const { method, params } = notification
    if (method === 'notifications/initialized') session?.markInitialized()
    else if (method === 'notifications/cancelled') cancelRequest(params, owner)
    else if (method === 'notifications/roots/list_changed' && session !== undefined) {
      this.service.rootsChanged?.(session)
    }
    observer?.notified({ method, params, session, startedMs, ...origin })
  }

  /** A client has come back to its stream after a restart. */
  tellAll(session: Session): void {
    this.subscriptions.tellAll(session, this.service.capabilities())
  }

  /** A session is there that was not: it has a name from now on, until it ends. */
  sessionOpened(session: Session): void {
    this.#sessionNames.register(session.id, session, this.#holder)
  }

  /** Ends a session and what hangs on it. @returns a promise when that has to be waited for */
  endSession(session: Session, reason: string): void | Promise<void> {
    return this.sessions.end(session, reason)
  }

  /**
   * Ends all work: takes nothing new, lets what runs finish for `drainMs`, then cancels the rest and ends all
   * sessions that are not kept beyond the process. Idempotent.
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
    this.sessions.close('The server is shutting down')
    this.#stopListening()
    this.shedding.close()
    this.#holder.end()
    this.sweep.stop()
    this.observer?.engineClosed(this)
  }

  #run(context: RequestContext, method: EngineMethod, owner: RequestOwner | undefined): void {
    let outcome: Outcome | Promise<Outcome>
    try {
      const params = context.request.params ?? noParams
      outcome =
        context.observation === undefined
          ? method(context, params, this)
          : this.#runObserved(context, method, params)
    } catch (error) {
      this.#fail(context, error)
      return
    }
    if (isPromise(outcome)) this.#wait(context, outcome as Promise<Outcome>, owner)
    else this.#succeed(context, outcome)
  }

  #runObserved(
    context: RequestContext,
    method: EngineMethod,
    params: JsonObject,
  ): Outcome | Promise<Outcome> {
    const run = (): Outcome | Promise<Outcome> => method(context, params, this)
    return this.observer === undefined ? run() : this.observer.around(context, run)
  }

  /** There is no room for the request now. @throws McpError OVERLOADED when it may not wait either */
  #queue(context: RequestContext, method: EngineMethod, owner: RequestOwner | undefined): void {
    this.admission.wait(context, clientOf(context, owner), Date.now(), () =>
      this.#run(context, method, owner),
    )
    this.#track(context, owner)
  }

  #expired({ context, client }: WaitingRequest): void {
    if (context.isSettled) return
    const { method, requestId } = context
    const letter = JSON.stringify({ method, id: requestId })
    this.deadLetters.bury('deadline', clientName(client), letter)
    this.#stop(context, overloaded('The request has waited for too long: try again later'))
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
    if (context.isSettled) {
      // Cancelled by what its own handler did: nobody is left to tell.
      outcome.catch(() => {})
      return
    }
    // One that had to wait for its turn is on the books already.
    if (context.onReleased === undefined) this.#track(context, owner)
    if (!context.isLongLived) {
      context.startClock(Date.now())
      context.isCounted = true
      this.admission.began()
    }
    outcome.then(
      (value) => this.#succeed(context, value),
      (error: unknown) => this.#fail(context, error),
    )
  }

  /** Keeps the books on a request that is not answered at once. */
  #track(context: RequestContext, owner: RequestOwner | undefined): void {
    const { id } = context.request
    this.#running.add(context)
    if (owner !== undefined) {
      owner.inFlight ??= new Map()
      owner.inFlight.set(id, context)
    }
    context.reply.hold(() => context.cancel('The client went away'))
    context.onReleased = () => {
      this.#running.delete(context)
      if (owner?.inFlight?.get(id) === context) owner.inFlight.delete(id)
      if (context.isCounted) this.admission.ended()
      if (this.#running.size === 0) this.#onQuiet?.()
    }
  }

  // Nothing may throw out of the functions below: they also run where nobody would catch it.

  #succeed(context: RequestContext, outcome: Outcome): void {
    if (context.isSettled) return
    const { peer, request } = context
    let response: string | Uint8Array
    let result: Outcome
    try {
      result = context.inputRequired ?? outcome
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
    context.settle(undefined, result)
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
    const error = checkedUrlError(context.peer, asMcpError(thrown))
    const httpStatus = error.httpStatus(revision.httpStatuses)
    if (!(thrown instanceof McpError)) this.service.onError(thrown, context)
    context.flushProgress()
    context.settle(error)
    context.reply.end(
      encodeError(context.request.id, error, revision.errorCodes),
      httpStatus,
      refusalHeaders(this.#authenticator, httpStatus, error),
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

/** An `initialize`, which belongs to no session yet, as a guard sees it. */
class Opening implements GuardedRequest, ObservedRequest {
  readonly method = 'initialize'
  readonly params: JsonObject | undefined
  readonly requestId: RequestId
  readonly authInfo: AuthInfo | undefined
  readonly remoteAddress: string | undefined
  sessionId: string | undefined = undefined
  revision = ''
  readonly hasArrived = true
  readonly getHeader: ObservedRequest['getHeader']
  readonly network: Network
  guardState: unknown = undefined
  startedMs = 0
  observation: unknown = undefined

  constructor(request: JsonRpcRequest, sender: Origin) {
    this.params = request.params
    this.requestId = request.id
    this.authInfo = sender.authInfo
    this.remoteAddress = sender.remoteAddress
    this.network = sender.network
    this.getHeader = sender.getHeader
  }

  rpcCodeOf(error: McpError): number {
    return error.rpcCode()
  }
}

/** Cancels the request that a notification names, if it is one in progress. */
function cancelRequest(params: JsonObject | undefined, owner: RequestOwner | undefined): void {
  if (!isJsonObject(params)) return
  const { requestId, reason } = params
  if (!isRequestId(requestId)) return
  const why = typeof reason === 'string' ? reason : 'The client cancelled the request'
  owner?.inFlight?.get(requestId)?.cancel(why)
}

/** How the client of a session is connected; to one over HTTP there need be no connection. */
function networkOf({ outlet }: Session): Network {
  return outlet !== undefined && 'network' in outlet ? (outlet.network as Network) : networks.http
}

function asMcpError(thrown: unknown): McpError {
  return thrown instanceof McpError ? thrown : new McpError('INTERNAL_ERROR')
}
