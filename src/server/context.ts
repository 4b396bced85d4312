import { randomId } from '../internal/random-id.ts'
import { type Rate, spend } from '../internal/rate.ts'
import { elicitedContentProblem } from '../protocol/elicitation-schema.ts'
import { McpError } from '../protocol/errors.ts'
import { encodeNotification, isJsonObject, type JsonRpcRequest } from '../protocol/json-rpc.ts'
import { progressToken } from '../protocol/meta.ts'
import { principalKey } from '../protocol/principal.ts'
import { checkSampling } from '../protocol/sampling.ts'
import type {
  AuthInfo,
  ClientCapabilities,
  CreateMessageResult,
  ElicitResult,
  Implementation,
  JsonObject,
  LogLevel,
  ProgressToken,
  RequestId,
  Root,
} from '../protocol/types.ts'
import { logLevels } from '../protocol/types.ts'
import type { Peer } from '../sessions/peer.ts'
import { type InFlightRequest, Session } from '../sessions/session.ts'
import {
  answerProblem,
  askWithin,
  type ElicitForm,
  type ElicitUrl,
  elicitationParams,
  type QuestionOptions,
  requireCapability,
  type SampleRequest,
} from './client-requests.ts'
import { InputRound } from './input-round.ts'
import { logData } from './log-data.ts'
import { mapMaybe } from './maybe-promise.ts'
import type { Network, ObservedRequest, Observer } from './observer.ts'
import type { Reply } from './reply.ts'
import type { GuardedRequest, RequestGuard, Visibility } from './request-guard.ts'
import { type RequestState, type RequestStateCodec, stateBinding } from './request-state.ts'
import type { CallTask } from './tasks/call-task.ts'

/** What a handler knows about its request, and what it can do besides answering it. The same in every revision. */
export interface Context {
  /** Aborted when the client cancels or, in 2026-07-28, goes away; when time runs out; when the server stops. */
  readonly signal: AbortSignal
  readonly requestId: RequestId
  /** The method, for instance `tools/call`. */
  readonly method: string
  /** The protocol revision that the client speaks, for instance `2025-11-25`. */
  readonly revision: string
  /** Undefined in the stateless era. */
  readonly sessionId: string | undefined
  /** What the client calls itself. Nothing to base a decision on. */
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  /** What authentication found out; undefined when there is none. */
  readonly authInfo: AuthInfo | undefined
  /** The `_meta` of the request. */
  readonly meta: Readonly<JsonObject>
  /** The id of the task that the call has become, or undefined. */
  readonly taskId: string | undefined
  /**
   * Reports progress; does nothing when the client has not asked for it. Beyond 100 at once and 50 a second, all
   * but the last are dropped.
   *
   * @param progress - must grow with each call; a report that does not is dropped
   * @param total - what `progress` will be in the end, if known
   */
  progress(progress: number, total?: number, message?: string): void
  /**
   * Sends a log message to the client, if it wants messages of that level; at most 100 at once and 50 a second. What
   * looks like a secret is redacted, and errors are told without their stack.
   *
   * @deprecated by the specification since 2026-07-28: write to stderr, or use OpenTelemetry
   */
  log(level: LogLevel, data: unknown, logger?: string): void
  /**
   * Asks the user, by a form or by a page to visit.
   *
   * In 2026-07-28 the handler is left here and runs again from its start when the client comes back with the answer:
   * what stands before this call must be safe to repeat.
   *
   * @throws McpError MISSING_CLIENT_CAPABILITY when the client cannot, CLIENT_TIMEOUT when it takes too long,
   *   INTERNAL_ERROR when it answers with an error
   */
  elicit(request: ElicitForm | ElicitUrl): Promise<ElicitResult>
  /**
   * Asks the client's model. The remark at {@link Context.elicit} holds here too.
   *
   * @deprecated by the specification since 2026-07-28: call the interface of a model's provider
   */
  sample(request: SampleRequest): Promise<CreateMessageResult>
  /**
   * Asks which folders the client works in. The remark at {@link Context.elicit} holds here too.
   *
   * @deprecated by the specification since 2026-07-28: take paths as arguments, resource URIs or configuration
   */
  roots(options?: QuestionOptions): Promise<Root[]>
  /**
   * Makes the call a task, if tool and client allow it and it is none yet; else does nothing. From then on the client
   * has its answer, and what it is asked it is asked through the task: the handler waits and does not run again.
   *
   * @throws McpError TOO_MANY_TASKS when the client may have no more
   */
  beginTask(): Promise<void>
  /**
   * Ends the HTTP response but not the request: the client comes back for the result (2025-11-25). Elsewhere it
   * does nothing.
   *
   * @param retryMs - how long the client should wait; default 1000
   */
  closeStream(retryMs?: number): void
}

/** Options of a question as they come out of the params of any. */
type Question = { [Name in keyof QuestionOptions]: QuestionOptions[Name] | undefined }

/** What a context needs of the server it belongs to. */
export interface ContextHost {
  readonly requestState: RequestStateCodec
  readonly handlerTimeoutMs: number
  readonly logging: boolean
  /** Takes out of log messages what must not leave the process. */
  readonly redactLog?: ((data: unknown) => unknown) | undefined
  /** How often one request may ask its client for something. */
  readonly maxQuestions: number
}

/** Reports of progress, and log messages, that one request may send; the rest is dropped. */
const notificationRate: Rate = { intervalMs: 20, burst: 100 }

/** A handler that shows signs of life may run for this many times its timeout, and then no longer. */
const maxExtensions = 12

/** A request in progress. Everything that most requests do without is made when first asked for. */
export class RequestContext implements Context, InFlightRequest, GuardedRequest, ObservedRequest {
  readonly peer: Peer
  readonly request: JsonRpcRequest
  readonly reply: Reply
  readonly authInfo: AuthInfo | undefined
  readonly #host: ContextHost
  /** Milliseconds since 1970; set once the handler turns out to be asynchronous. */
  deadlineMs = Number.POSITIVE_INFINITY
  /** Answered or cancelled: nothing is sent any more. */
  isSettled = false
  /** Called once when the request is settled, if its handler was asynchronous. */
  onReleased: (() => void) | undefined = undefined
  /** The handler counts as one of those that run at a time. */
  isCounted = false
  /** The request is meant to stay open: no deadline applies. */
  isLongLived = false
  /** The task that the call has become. It goes on when the request is settled. */
  task: CallTask | undefined = undefined
  /** Makes the call a task; undefined where that may not be. */
  becomeTask: (() => Promise<void>) | undefined = undefined
  /** Hears of the end of the request; set by the engine where there is one. */
  guard: RequestGuard | undefined = undefined
  guardState: unknown = undefined
  /** Sees the end of the request; set by the engine where there is one. */
  observer: Observer | undefined = undefined
  startedMs = 0
  observation: unknown = undefined
  #controller: AbortController | undefined = undefined
  #token: ProgressToken | undefined | null = null
  #lastProgress = Number.NEGATIVE_INFINITY
  #latestMs = Number.POSITIVE_INFINITY
  #progressDueMs = 0
  #heldProgress: JsonObject | undefined = undefined
  #logDueMs = 0
  #round: InputRound | undefined = undefined
  #questions = 0

  constructor(host: ContextHost, peer: Peer, request: JsonRpcRequest, reply: Reply) {
    this.#host = host
    this.peer = peer
    this.request = request
    this.reply = reply
    // Taken now: that of a session changes with its next request.
    this.authInfo = peer.authInfo
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }
  get requestId(): RequestId {
    return this.request.id
  }
  get method(): string {
    return this.request.method
  }
  get revision(): string {
    return this.peer.revision.name
  }
  get sessionId(): string | undefined {
    return this.peer instanceof Session ? this.peer.id : undefined
  }
  get clientInfo(): Implementation | undefined {
    return this.peer.clientInfo
  }
  get clientCapabilities(): ClientCapabilities {
    return this.peer.clientCapabilities
  }
  get taskId(): string | undefined {
    return this.task?.taskId
  }
  get params(): JsonObject | undefined {
    return this.request.params
  }
  get remoteAddress(): string | undefined {
    return this.reply.remoteAddress
  }
  get getHeader(): Reply['getHeader'] {
    return this.reply.getHeader
  }
  get network(): Network {
    return this.reply.network
  }
  get hasArrived(): boolean {
    return this.reply.getHeader !== undefined
  }
  /** What the caller sees of lists; undefined: all of them. */
  get visibility(): Visibility | undefined {
    return this.guard?.visibility?.(this.authInfo)
  }
  get meta(): Readonly<JsonObject> {
    const meta = this.request.params?._meta
    return isJsonObject(meta) ? meta : {}
  }

  // The functions below are getters so that a handler may take them apart: `(args, { progress }) => ...`.

  get progress(): Context['progress'] {
    return (progress, total, message) => {
      if (message !== undefined) this.task?.describe(message)
      const token = this.#progressToken()
      if (token === undefined || this.#isOver) return
      if (!Number.isFinite(progress) || progress <= this.#lastProgress) return
      const nowMs = Date.now()
      this.touch(nowMs)
      this.#lastProgress = progress
      const params: JsonObject = { progressToken: token, progress }
      if (total !== undefined && Number.isFinite(total)) params.total = total
      if (message !== undefined && this.peer.revision.progressMessage) params.message = message
      const dueMs = spend(notificationRate, this.#progressDueMs, nowMs)
      this.#heldProgress = dueMs === undefined ? params : undefined
      if (dueMs === undefined) return
      this.#progressDueMs = dueMs
      this.#tell('notifications/progress', params)
    }
  }

  /** Sends the last report of progress, if the rate has held it back: the response is about to follow. */
  flushProgress(): void {
    if (this.#heldProgress !== undefined && this.task === undefined) {
      this.#tell('notifications/progress', this.#heldProgress)
    }
    this.#heldProgress = undefined
  }

  get log(): Context['log'] {
    return (level, data, logger) => {
      if (this.#isOver || !this.#host.logging || !this.#wantsLog(level)) return
      const dueMs = spend(notificationRate, this.#logDueMs, Date.now())
      if (dueMs === undefined) return
      this.#logDueMs = dueMs
      const params: JsonObject = { level, data: logData(data, this.#host.redactLog) }
      if (logger !== undefined) params.logger = logger
      this.#tell('notifications/message', params)
    }
  }

  get elicit(): Context['elicit'] {
    return (request) => {
      let params: JsonObject = {}
      if ('url' in request && request.done !== undefined) {
        const tell = (): void => this.#tellDone(params.elicitationId)
        request.done.then(tell, () => {})
      }
      return this.#ask<ElicitResult>(
        'elicitation/create',
        () => {
          params = elicitationParams(this.peer.revision, request, randomId)
          return params
        },
        request,
        (given) => {
          if ('url' in request || given.action !== 'accept') return true
          return elicitedContentProblem(request.schema, given.content) === undefined
        },
      )
    }
  }

  get sample(): Context['sample'] {
    return ({ key, timeoutMs, ...params }) =>
      this.#ask<CreateMessageResult>(
        'sampling/createMessage',
        () => {
          checkSampling(this.peer.revision, params)
          return { ...params }
        },
        { key, timeoutMs },
      )
  }

  get roots(): Context['roots'] {
    return (options = {}) =>
      this.#ask<{ roots: Root[] }>('roots/list', () => ({}), options).then(({ roots }) => roots)
  }

  get beginTask(): Context['beginTask'] {
    return () => this.becomeTask?.() ?? Promise.resolve()
  }

  get closeStream(): Context['closeStream'] {
    return (retryMs = 1000) => {
      if (!this.isSettled && this.peer.revision.http.primedStreams) this.reply.pause(retryMs)
    }
  }

  get isWaitingForInput(): boolean {
    return this.#round !== undefined && this.#round.needed.size > 0
  }

  /** The questions that the handler has left open in this round, and the state to bring back with the answers. */
  get inputRequired(): JsonObject | undefined {
    const round = this.#round
    if (round === undefined || round.needed.size === 0) return undefined
    return {
      resultType: 'input_required',
      inputRequests: Object.fromEntries(round.needed),
      requestState: this.#host.requestState.encode(
        { answers: round.used },
        this.#binding(),
        Date.now(),
      ),
    }
  }

  /**
   * Checks `requestState` and `inputResponses` of a request that carries them.
   *
   * @returns a promise where it must be waited for whether the state has been used
   * @throws McpError INVALID_PARAMS
   */
  openRound(): Promise<void> | undefined {
    const { params } = this.request
    if (params === undefined || !this.peer.revision.inputRequiredMethods.has(this.method)) return
    const { requestState: state, inputResponses } = params
    if (state === undefined && inputResponses === undefined) return
    const read =
      state === undefined
        ? { answers: {} }
        : this.#host.requestState.decode(state, this.#binding(), Date.now())
    return mapMaybe<RequestState, undefined>(read, ({ answers }) => {
      this.#round = new InputRound(inputResponses, answers)
      return undefined
    })
  }

  /** Passes on a question in the words of 2025-11-25, for a server that is mounted. */
  ask(method: string, params: JsonObject): Promise<JsonObject> {
    return this.#ask(
      method,
      () => {
        const { era, elicitation } = this.peer.revision
        const fitted = { ...params }
        if (elicitation?.elicitationId === false) delete fitted.elicitationId
        // What is asked in a result is no request of its own, and nothing can be reported of its progress.
        if (era === 'stateless') delete fitted._meta
        return fitted
      },
      {},
    )
  }

  /** The handler is asynchronous: from here on it has so much time. */
  startClock(nowMs: number): void {
    this.deadlineMs = nowMs + this.#host.handlerTimeoutMs
    this.#latestMs = nowMs + this.#host.handlerTimeoutMs * maxExtensions
  }

  /** The handler is alive: its time begins anew, within limits. */
  touch(nowMs: number): void {
    if (this.deadlineMs === Number.POSITIVE_INFINITY) return
    this.deadlineMs = Math.min(nowMs + this.#host.handlerTimeoutMs, this.#latestMs)
  }

  /**
   * From here on nothing is sent but the response.
   *
   * @param error - what the response says, or undefined when that is a result
   */
  settle(error: McpError | undefined, result?: unknown): void {
    this.isSettled = true
    this.guard?.settled(this, error, result)
    this.observer?.ended(this, error, result)
    this.onReleased?.()
    this.onReleased = undefined
  }

  rpcCodeOf(error: McpError): number {
    return error.rpcCode(this.peer.revision.errorCodes)
  }

  /** Stops the handler and sends nothing more. */
  cancel(reason: string): void {
    if (this.isSettled) return
    const error = new McpError('REQUEST_CANCELLED', reason)
    this.settle(error)
    this.abort(error)
    this.reply.abandon()
  }

  /** Tells the handler to stop, with the error that says why. */
  abort(error: McpError): void {
    // A handler that asks for the signal later must find it aborted.
    this.#controller ??= new AbortController()
    this.#controller.abort(error)
  }

  /** Nothing more can be said: the request is settled, and no task goes on. */
  get #isOver(): boolean {
    return this.isSettled && this.task === undefined
  }

  /** What the user went to a page for is done (2025-11-25, client/elicitation#completion-notifications-for-url-mode-elicitation). */
  #tellDone(elicitationId: unknown): void {
    if (elicitationId === undefined || !(this.peer instanceof Session)) return
    const json = encodeNotification('notifications/elicitation/complete', { elicitationId })
    if (this.isSettled) this.peer.outlet?.send(json)
    else this.reply.send(json)
  }

  #tell(method: string, params: JsonObject): void {
    if (this.task !== undefined) this.task.tell(method, params)
    else this.reply.send(encodeNotification(method, params))
  }

  #progressToken(): ProgressToken | undefined {
    if (this.#token === null) this.#token = progressToken(this.request.params)
    return this.#token
  }

  #wantsLog(level: LogLevel): boolean {
    const { logLevel, revision } = this.peer
    if (logLevel === undefined) return !revision.logLevelPerRequest
    return logLevels.indexOf(level) >= logLevels.indexOf(logLevel)
  }

  #ask<Answer>(
    method: string,
    makeParams: () => JsonObject,
    options: Question,
    isGood: (answer: JsonObject) => boolean = () => true,
  ): Promise<Answer> {
    const answer = this.#answerOf(method, makeParams, options, isGood)
    // A handler that asks two things and is left at the first never looks at the second.
    answer.catch(() => {})
    return answer as Promise<unknown> as Promise<Answer>
  }

  async #answerOf(
    method: string,
    makeParams: () => JsonObject,
    { key, timeoutMs }: Question,
    isGood: (answer: JsonObject) => boolean,
  ): Promise<JsonObject> {
    const params = makeParams()
    requireCapability(this.peer, method, params)
    this.#questions += 1
    if (this.#questions > this.#host.maxQuestions) {
      const message = `A request may ask its client ${this.#host.maxQuestions} times (maxQuestions)`
      throw new McpError('INTERNAL_ERROR', message)
    }
    if (this.task !== undefined) return this.task.ask(key, method, params, isGood)
    const { peer } = this
    if (!(peer instanceof Session)) {
      this.#round ??= this.#newRound()
      return this.#round.ask(key, method, params, isGood)
    }
    const answer = await askWithin(timeoutMs, method, this.signal, (signal) =>
      peer.request(method, params, this.reply, signal),
    )
    this.touch(Date.now())
    const problem = answerProblem(method, answer)
    if (problem !== undefined || !isGood(answer)) {
      throw new McpError(
        'INTERNAL_ERROR',
        `The client's answer to ${method} ${problem ?? 'does not fit what was asked'}`,
      )
    }
    return answer
  }

  #newRound(): InputRound {
    if (!this.peer.revision.inputRequiredMethods.has(this.method)) {
      throw new McpError('INTERNAL_ERROR', `${this.method} cannot ask the client for input`)
    }
    return new InputRound(undefined, {})
  }

  #binding(): string {
    const { method, params } = this.request
    return stateBinding(this.authInfo && principalKey(this.authInfo), method, params)
  }
}
