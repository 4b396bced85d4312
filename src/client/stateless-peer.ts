import { invalidParams, McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import { metaKey } from '../protocol/meta.ts'
import type { RevisionName } from '../protocol/revisions/index.ts'
import type { Implementation, JsonObject, ServerCapabilities } from '../protocol/types.ts'
import type { CloseReason, Link } from './link.ts'
import { Listening } from './listening.ts'
import { type Agreement, type ClientProfile, statelessMeta } from './negotiate.ts'
import type { Peer, PeerEvents, PeerOptions, PeerRequestOptions } from './peer.ts'
import type { Rpc } from './rpc.ts'
import { ToolHeaders } from './tool-headers.ts'

/** A peer whose requests are whole in themselves: 2026-07-28. */
export class StatelessPeer implements Peer {
  readonly era = 'stateless'
  readonly revision: RevisionName
  readonly serverInfo: Implementation
  readonly capabilities: ServerCapabilities
  readonly instructions: string | undefined
  readonly pid: number | undefined
  readonly closed: Promise<CloseReason>
  readonly #rpc: Rpc
  readonly #link: Link
  readonly #events: PeerEvents
  readonly #meta: JsonObject
  readonly #maxRounds: number
  readonly #listening: Listening
  readonly #toolHeaders: ToolHeaders | undefined
  #closing: Promise<void> | undefined

  constructor(
    rpc: Rpc,
    link: Link,
    pid: number | undefined,
    agreement: Agreement,
    profile: ClientProfile,
    events: PeerEvents,
    options: PeerOptions,
  ) {
    this.#rpc = rpc
    this.#link = link
    this.pid = pid
    this.#events = events
    this.#meta = statelessMeta(agreement.revision, profile)
    if (options.logLevel !== undefined) this.#meta[metaKey.logLevel] = options.logLevel
    this.#maxRounds = options.maxRounds ?? 16
    this.revision = agreement.revision.name
    this.serverInfo = agreement.serverInfo
    this.capabilities = agreement.capabilities
    this.instructions = agreement.instructions
    this.closed = rpc.closed
    if (link.hasOwnStreams) {
      const toolHeaders = new ToolHeaders()
      this.#toolHeaders = toolHeaders
      link.parameterHeaders = (params) => toolHeaders.of(params)
    }
    this.#listening = new Listening(rpc, this.#meta, agreement.capabilities)
    if (events.notification !== undefined) this.#listening.toLists()
  }

  async request(
    method: string,
    params: JsonObject = {},
    options: PeerRequestOptions = {},
  ): Promise<JsonObject> {
    switch (method) {
      case 'ping':
        await this.#send('server/discover', {}, options)
        return {}
      case 'logging/setLevel':
        this.#meta[metaKey.logLevel] = params.level
        return {}
      case 'resources/subscribe':
        await this.#listening.subscribe(uriOf(params), options)
        return {}
      case 'resources/unsubscribe':
        await this.#listening.unsubscribe(uriOf(params), options)
        return {}
      case 'tools/list': {
        const result = await this.#send(method, params, options)
        return this.#toolHeaders?.learn(result) ?? result
      }
      case 'tools/call':
        return this.#call(params, options)
      default:
        return this.#answered(method, params, options)
    }
  }

  notify(method: string, params: JsonObject = {}): void {
    this.#rpc.notify(method, params)
  }

  close(): Promise<void> {
    this.#listening.stop()
    this.#closing ??= this.#link.close()
    return this.#closing
  }

  async #call(params: JsonObject, options: PeerRequestOptions): Promise<JsonObject> {
    try {
      return await this.#answered('tools/call', params, options)
    } catch (error) {
      // The schema with the headers to send is not known here, or is another by now; nothing has run.
      const isMismatch = error instanceof McpError && error.code === 'HEADER_MISMATCH'
      if (!isMismatch || this.#toolHeaders === undefined) throw error
      await this.#learnTools(options)
      return this.#answered('tools/call', params, options)
    }
  }

  async #learnTools(options: PeerRequestOptions): Promise<void> {
    const maxPages = 1000
    let cursor: unknown
    for (let page = 0; page < maxPages; page++) {
      const params = cursor === undefined ? {} : { cursor }
      const result = await this.request('tools/list', params, withoutEvents(options))
      cursor = result.nextCursor
      if (cursor === undefined) return
    }
  }

  /** Sends a request and answers what the server asks, until it has its result (2026-07-28, basic/patterns/mrtr). */
  async #answered(
    method: string,
    params: JsonObject,
    options: PeerRequestOptions,
  ): Promise<JsonObject> {
    let round = params
    for (let rounds = 0; ; rounds++) {
      const result = await this.#send(method, round, options)
      if (result.resultType !== 'input_required') return result
      if (rounds >= this.#maxRounds) {
        throw new McpError('INVALID_RESPONSE', `The server has asked ${this.#maxRounds} times`)
      }
      round = { ...params }
      if (isJsonObject(result.inputRequests)) {
        round.inputResponses = await this.#answers(result.inputRequests, options)
      }
      if (result.requestState !== undefined) round.requestState = result.requestState
    }
  }

  async #answers(requests: JsonObject, options: PeerRequestOptions): Promise<JsonObject> {
    const handler = options.onRequest ?? this.#events.request
    if (handler === undefined) {
      throw new McpError('MISSING_CLIENT_CAPABILITY', 'The server asks, and nobody answers')
    }
    const controller = new AbortController()
    const signal =
      options.signal === undefined
        ? controller.signal
        : AbortSignal.any([options.signal, controller.signal])
    try {
      const answers = Object.entries(requests).map(async ([key, request]) => {
        if (!isJsonObject(request) || typeof request.method !== 'string') {
          throw new McpError('INVALID_RESPONSE', 'The server asks for something that is no request')
        }
        const params = isJsonObject(request.params) ? request.params : {}
        return [key, await handler(request.method, params, signal)] as const
      })
      return Object.fromEntries(await Promise.all(answers))
    } finally {
      // One that fails takes the others with it.
      controller.abort()
    }
  }

  #send(method: string, params: JsonObject, options: PeerRequestOptions): Promise<JsonObject> {
    const given = params._meta as JsonObject | undefined
    const _meta = given === undefined ? this.#meta : { ...this.#meta, ...given }
    return this.#rpc.request(method, { ...params, _meta }, options)
  }
}

function uriOf({ uri }: JsonObject): string {
  if (typeof uri === 'string') return uri
  throw invalidParams('uri must be a string')
}

function withoutEvents({ signal, timeoutMs }: PeerRequestOptions): PeerRequestOptions {
  return { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
}
