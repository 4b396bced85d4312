import { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonObject, ServerCapabilities } from '../protocol/types.ts'
import type { PeerRequestOptions } from './peer.ts'
import type { Rpc } from './rpc.ts'

/** Resources that may be subscribed to at a time. */
const maxResources = 1000
const firstRestMs = 500
const maxRestMs = 30_000
/** A subscription that has stood this long was a good one: the next failure is a new one. */
const steadyMs = 60_000

interface Listen {
  readonly filter: string
  id: number | undefined
  isOver: boolean
}

/**
 * What a peer of the stateless era hears beside its requests: one `subscriptions/listen` (2026-07-28,
 * basic/patterns/subscriptions) for all of it, opened again with another filter when that changes, and when it breaks.
 */
export class Listening {
  readonly #rpc: Rpc
  readonly #meta: JsonObject
  readonly #capabilities: ServerCapabilities
  #hearsLists = false
  readonly #uris = new Set<string>()
  #current: Listen | undefined
  /** Filters change one after the other, so that each knows which subscription it takes the place of. */
  #turn: Promise<unknown> = Promise.resolve()
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(rpc: Rpc, meta: JsonObject, capabilities: ServerCapabilities) {
    this.#rpc = rpc
    this.#meta = meta
    this.#capabilities = capabilities
  }

  /** Begins to hear of lists that change, as far as the server tells of them. */
  toLists(): void {
    this.#hearsLists = true
    // Whether it is heard is not waited for: it will be tried again.
    this.#change({}).catch(() => {})
  }

  /** @throws McpError when the server does not take the subscription */
  async subscribe(uri: string, options: PeerRequestOptions): Promise<void> {
    if (this.#uris.has(uri)) return
    if (this.#uris.size >= maxResources) {
      throw new McpError('INVALID_PARAMS', `A client may subscribe to ${maxResources} resources`)
    }
    this.#uris.add(uri)
    try {
      const { notifications } = await this.#change(options)
      const agreed = isJsonObject(notifications) ? notifications.resourceSubscriptions : undefined
      if (!Array.isArray(agreed) || !agreed.includes(uri)) {
        throw new McpError(
          'METHOD_NOT_FOUND',
          'The server does not tell of changes to this resource',
        )
      }
    } catch (error) {
      this.#uris.delete(uri)
      // Nobody waits for what is heard of a resource that nobody has.
      this.#change({}).catch(() => {})
      throw error
    }
  }

  async unsubscribe(uri: string, options: PeerRequestOptions): Promise<void> {
    if (this.#uris.delete(uri)) await this.#change(options)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#current = undefined
  }

  #filter(): JsonObject {
    const filter: JsonObject = {}
    if (this.#hearsLists) {
      for (const list of ['tools', 'prompts', 'resources'] as const) {
        if (this.#capabilities[list]?.listChanged === true) filter[`${list}ListChanged`] = true
      }
    }
    if (this.#uris.size > 0) filter.resourceSubscriptions = [...this.#uris]
    return filter
  }

  /** Hears what is wanted by now. @returns what the server has agreed to */
  #change(options: PeerRequestOptions): Promise<JsonObject> {
    const changed = this.#turn.then(() => this.#open(options))
    this.#turn = changed.catch(() => {})
    return changed
  }

  /** Opens a subscription with the filter of now; the one before ends when this one is acknowledged. */
  async #open({ signal, timeoutMs = 60_000 }: PeerRequestOptions): Promise<JsonObject> {
    clearTimeout(this.#timer)
    const before = this.#current
    const notifications = this.#filter()
    if (this.#isStopped || Object.keys(notifications).length === 0) {
      this.#current = undefined
      this.#end(before)
      return {}
    }
    const filter = JSON.stringify(notifications)
    if (before?.isOver === false && before.filter === filter) return { notifications }
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    const listen: Listen = { filter, id: undefined, isOver: false }
    this.#current = listen
    const openedAtMs = Date.now()
    const over = (error?: unknown): void => {
      listen.isOver = true
      reject(error ?? new McpError('CONNECTION_LOST', 'The server has ended the subscription'))
      // One that another has taken the place of is not missed.
      if (this.#current !== listen) return
      if (Date.now() - openedAtMs > steadyMs) this.#failures = 0
      const isUseless = error instanceof McpError && isFinal(error)
      if (!isUseless) this.#later()
    }
    listen.id = this.#rpc.begin(
      'subscriptions/listen',
      { notifications, _meta: this.#meta },
      { timeoutMs: Number.POSITIVE_INFINITY, onAcknowledged: resolve },
      () => over(),
      over,
    )
    try {
      const agreed = await waited(promise, timeoutMs, signal)
      this.#end(before)
      return agreed
    } catch (error) {
      // What was heard until now still is.
      this.#current = before
      this.#end(listen)
      if (before?.isOver === true) this.#later()
      throw error
    }
  }

  #end(listen: Listen | undefined): void {
    if (listen?.id !== undefined) this.#rpc.cancel(listen.id, 'Another subscription is open')
  }

  /** The connection may be back later. */
  #later(): void {
    if (this.#isStopped || this.#rpc.isClosed) return
    clearTimeout(this.#timer)
    const restMs = Math.min(firstRestMs * 2 ** this.#failures, maxRestMs)
    this.#failures += 1
    this.#timer = setTimeout(() => {
      this.#change({}).catch(() => {})
    }, restMs)
    this.#timer.unref()
  }
}

/** The server has understood the request and will not serve it. */
function isFinal({ code }: McpError): boolean {
  return code === 'METHOD_NOT_FOUND' || code === 'INVALID_PARAMS' || code === 'REQUEST_CANCELLED'
}

async function waited(
  acknowledged: Promise<JsonObject>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<JsonObject> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = Number.isFinite(timeoutMs)
    ? setTimeout(() => reject(new McpError('SERVER_TIMEOUT')), timeoutMs)
    : undefined
  const onAbort = (): void => reject(new McpError('REQUEST_CANCELLED'))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([acknowledged, promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
