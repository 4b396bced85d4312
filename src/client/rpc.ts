import { McpError } from '../protocol/errors.ts'
import {
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  isJsonObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  openEnvelope,
} from '../protocol/json-rpc.ts'
import { metaKey } from '../protocol/meta.ts'
import type { JsonObject, RequestId } from '../protocol/types.ts'
import type { CloseReason, Link, LinkListener } from './link.ts'
import type { PeerEvents, PeerRequestOptions, Progress } from './peer.ts'

/** What the users of a peer may say of a request, and what only the protocol does. */
interface CallOptions extends PeerRequestOptions {
  /** The subscription is open, with what was agreed to. */
  onAcknowledged?(params: JsonObject): void
}

interface Call {
  readonly method: string
  readonly options: CallOptions
  readonly resolve: (result: JsonObject) => void
  readonly reject: (error: unknown) => void
  timer: NodeJS.Timeout | undefined
  onAbort: (() => void) | undefined
}

/** Requests of the server's that may wait for an answer of ours. */
const maxIncoming = 1000

/** Requests and answers over one link, both ways. What they mean is the peers' business. */
export class Rpc implements LinkListener {
  /** How a request is cancelled: by ending its stream, or by a notification. */
  cancelsByDisconnect = false
  readonly closed: Promise<CloseReason>
  readonly #events: PeerEvents
  readonly #timeoutMs: number
  readonly #maxInFlight: number
  readonly #calls = new Map<RequestId, Call>()
  readonly #incoming = new Map<RequestId, AbortController>()
  readonly #resolveClosed: (reason: CloseReason) => void
  #link: Link | undefined
  #closeReason: CloseReason | undefined
  #lastId = 0

  constructor(events: PeerEvents, options: { timeoutMs: number; maxInFlight: number }) {
    this.#events = events
    this.#timeoutMs = options.timeoutMs
    this.#maxInFlight = options.maxInFlight
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  set link(link: Link) {
    this.#link = link
  }

  get isClosed(): boolean {
    return this.#closeReason !== undefined
  }

  /** @throws McpError see {@link Peer.request} */
  request(
    method: string,
    params: JsonObject,
    options: PeerRequestOptions = {},
  ): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      this.begin(method, params, options, resolve, reject)
    })
  }

  /** Sends a request. @returns its id, or undefined when it was not sent, which `reject` is told */
  begin(
    method: string,
    params: JsonObject,
    options: CallOptions,
    resolve: Call['resolve'],
    reject: Call['reject'],
  ): number | undefined {
    const link = this.#link
    const { signal, timeoutMs = this.#timeoutMs, onProgress } = options
    if (link === undefined || this.#closeReason !== undefined) {
      reject(new McpError('CONNECTION_FAILED', this.#closeReason?.message))
      return undefined
    }
    if (signal?.aborted) {
      reject(cancelled(signal))
      return undefined
    }
    if (this.#calls.size >= this.#maxInFlight) {
      reject(new McpError('TOO_MANY_IN_FLIGHT'))
      return undefined
    }
    this.#lastId += 1
    const id = this.#lastId
    const call: Call = { method, options, resolve, reject, timer: undefined, onAbort: undefined }
    this.#calls.set(id, call)
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      call.timer = setTimeout(() => {
        const error = new McpError('SERVER_TIMEOUT', `No answer to ${method} in ${timeoutMs} ms`)
        this.#giveUp(id, error, 'The client no longer waits')
      }, timeoutMs)
    }
    if (signal !== undefined) {
      call.onAbort = () => this.#giveUp(id, cancelled(signal), 'The client has cancelled')
      signal.addEventListener('abort', call.onAbort, { once: true })
    }
    // Our ids are unique on the connection, and so good tokens.
    const sent = onProgress === undefined ? params : withToken(params, id)
    try {
      link.send(encodeRequest(id, method, sent), { id, method, params: sent })
    } catch (error) {
      this.#take(id)?.reject(error)
    }
    return id
  }

  notify(method: string, params?: JsonObject): void {
    if (this.#closeReason !== undefined) return
    this.#link?.send(encodeNotification(method, params), { id: undefined, method, params })
  }

  /** Stops waiting for a request and tells the server so. */
  cancel(id: RequestId, reason: string): void {
    this.#giveUp(id, new McpError('REQUEST_CANCELLED'), reason)
  }

  message(value: unknown, origin: RequestId | undefined): void {
    if (Array.isArray(value)) {
      // A batch, as servers of 2025-03-26 may send one.
      for (const each of value) this.#one(each, origin)
    } else this.#one(value, origin)
  }

  failed(id: RequestId, error: McpError): void {
    this.#take(id)?.reject(error)
  }

  settled(id: RequestId): void {
    if (this.#calls.has(id)) this.failed(id, new McpError('INVALID_RESPONSE'))
  }

  closeWith(reason: CloseReason): void {
    if (this.#closeReason !== undefined) return
    this.#closeReason = reason
    for (const id of [...this.#calls.keys()]) {
      this.#take(id)?.reject(new McpError('CONNECTION_LOST', reason.message))
    }
    for (const controller of this.#incoming.values()) controller.abort()
    this.#incoming.clear()
    this.#resolveClosed(reason)
  }

  #one(value: unknown, origin: RequestId | undefined): void {
    const envelope = openEnvelope(value)
    switch (envelope.kind) {
      case 'response':
        this.#response(envelope.message, origin)
        break
      case 'notification':
        this.#notification(envelope.message, origin)
        break
      case 'request':
        this.#request(envelope.message, origin)
        break
      case 'fault':
        // What was meant as an answer is one that cannot be read.
        if (envelope.id !== undefined && isJsonObject(value) && value.method === undefined) {
          this.failed(
            envelope.id,
            new McpError('INVALID_RESPONSE', undefined, { cause: envelope.error }),
          )
        }
        break
    }
  }

  #response({ id, result, error }: JsonRpcResponse, origin: RequestId | undefined): void {
    // An error without an id is about the request that it answers, where that is known.
    const call = this.#take(id ?? origin)
    // Late answers are to be ignored (basic/utilities/cancellation).
    if (call === undefined) return
    if (error !== undefined) call.reject(McpError.received(error))
    else call.resolve(result ?? {})
  }

  #notification({ method, params = {} }: JsonRpcNotification, origin: RequestId | undefined): void {
    if (method === 'notifications/progress') {
      const call = this.#calls.get(params.progressToken as RequestId)
      call?.options.onProgress?.(params as unknown as Progress)
      return
    }
    if (method === 'notifications/subscriptions/acknowledged') {
      const meta = params._meta as JsonObject | undefined
      const id = origin ?? (meta?.[metaKey.subscriptionId] as RequestId | undefined)
      if (id !== undefined) this.#calls.get(id)?.options.onAcknowledged?.(params)
      return
    }
    if (method === 'notifications/cancelled') {
      const incoming = this.#incoming.get(params.requestId as RequestId)
      if (incoming !== undefined) {
        incoming.abort()
        return
      }
    }
    const own = origin === undefined ? undefined : this.#calls.get(origin)?.options.onNotification
    if (own !== undefined) own(method, params)
    else this.#events.notification?.(method, params)
  }

  #request({ id, method, params = {} }: JsonRpcRequest, origin: RequestId | undefined): void {
    if (method === 'ping') {
      this.#answer(encodeResult(id, '{}'))
      return
    }
    const own = origin === undefined ? undefined : this.#calls.get(origin)?.options.onRequest
    const handler = own ?? this.#events.request
    if (handler === undefined) {
      this.#answer(encodeError(id, new McpError('METHOD_NOT_FOUND')))
      return
    }
    if (this.#incoming.size >= maxIncoming) {
      this.#answer(encodeError(id, new McpError('TOO_MANY_IN_FLIGHT')))
      return
    }
    const controller = new AbortController()
    this.#incoming.set(id, controller)
    const settle = (text: string): void => {
      if (this.#incoming.get(id) !== controller) return
      this.#incoming.delete(id)
      if (!controller.signal.aborted) this.#answer(text)
    }
    // What is thrown at once is an answer, too.
    const answered = async (): Promise<JsonObject> => handler(method, params, controller.signal)
    answered().then(
      (result) => settle(encodeResult(id, JSON.stringify(result))),
      (error: unknown) => settle(encodeError(id, asMcpError(error))),
    )
  }

  #answer(text: string): void {
    if (this.#closeReason !== undefined) return
    this.#link?.send(text, { id: undefined, method: undefined, params: undefined })
  }

  #giveUp(id: RequestId, error: McpError, reason: string): void {
    const call = this.#take(id)
    if (call === undefined) return
    this.#link?.abandon(id)
    // The handshake is the one request that may not be cancelled.
    if (!this.cancelsByDisconnect && call.method !== 'initialize') {
      this.notify('notifications/cancelled', { requestId: id, reason })
    }
    call.reject(error)
  }

  #take(id: RequestId | undefined): Call | undefined {
    if (id === undefined) return undefined
    const call = this.#calls.get(id)
    if (call === undefined) return undefined
    this.#calls.delete(id)
    clearTimeout(call.timer)
    if (call.onAbort !== undefined) {
      call.options.signal?.removeEventListener('abort', call.onAbort)
    }
    return call
  }
}

function withToken(params: JsonObject, token: number): JsonObject {
  return { ...params, _meta: { ...(params._meta as JsonObject | undefined), progressToken: token } }
}

function cancelled(signal: AbortSignal): McpError {
  return new McpError('REQUEST_CANCELLED', undefined, { cause: signal.reason })
}

function asMcpError(error: unknown): McpError {
  return error instanceof McpError
    ? error
    : new McpError('INTERNAL_ERROR', undefined, { cause: error })
}
