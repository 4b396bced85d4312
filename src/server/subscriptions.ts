import { invalidParams, McpError } from '../protocol/errors.ts'
import { encodeNotification, isJsonObject } from '../protocol/json-rpc.ts'
import { metaKey } from '../protocol/meta.ts'
import type { JsonObject, RequestId, ServerCapabilities } from '../protocol/types.ts'
import type { Session } from '../sessions/session.ts'
import type { RequestContext } from './context.ts'
import type { ListenTopic, OpenTopic } from './listen-topic.ts'
import { mapMaybe } from './maybe-promise.ts'
import type { Reply } from './reply.ts'
import type { Change, Service } from './service.ts'

/** What a `subscriptions/listen` request asks to hear of (2026-07-28, basic/patterns/subscriptions). */
interface Filter {
  toolsListChanged?: true
  promptsListChanged?: true
  resourcesListChanged?: true
  resourceSubscriptions?: string[]
}

interface Listen {
  readonly id: RequestId
  readonly reply: Reply
  readonly filter: Filter
  /** Ends what is told beside lists and resources. */
  stopTopic?: () => void
  readonly end: (result: JsonObject) => void
  readonly ended: Promise<JsonObject>
}

/** Resources that one client may be subscribed to at a time. */
const maxResources = 1000

const resourceUpdated = 'notifications/resources/updated'

const listFilters = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const

/** Who wants to hear of which changes, in either era. */
export class Subscriptions {
  /** Sessions with somewhere to send what belongs to no request. */
  readonly #sessions = new Set<Session>()
  readonly #byResource = new Map<string, Set<Session | Listen>>()
  readonly #listens = new Set<Listen>()
  /** Changes of this turn that have not been told yet: many tools added at once are one change of the list. */
  readonly #pendingLists = new Set<keyof typeof listFilters>()
  readonly #watch: Service['watchResource']

  /** @param watch - told when someone subscribes to a resource, or no longer does */
  constructor(watch?: Service['watchResource']) {
    this.#watch = watch
  }

  get size(): number {
    return this.#sessions.size + this.#listens.size
  }

  /** The session has an outlet now. */
  addSession(session: Session): void {
    this.#sessions.add(session)
  }

  /** The session has lost its outlet; its subscriptions stay. */
  removeSession(session: Session): void {
    this.#sessions.delete(session)
  }

  /** The session is here again, with what it was subscribed to. */
  restore(session: Session): void {
    if (session.outlet !== undefined) this.#sessions.add(session)
    for (const uri of session.subscriptions ?? []) this.#addSubscriber(uri, session)
  }

  /** The session has ended. */
  forget(session: Session): void {
    this.letGo(session)
    session.subscriptions = undefined
  }

  /** The session leaves the process; what it is subscribed to is kept. */
  letGo(session: Session): void {
    this.#sessions.delete(session)
    for (const uri of session.subscriptions ?? []) this.#removeSubscriber(uri, session)
  }

  /**
   * `resources/subscribe`.
   *
   * @returns a promise when it has to be waited for
   * @throws McpError INVALID_PARAMS when the session has as many as allowed
   */
  subscribe(session: Session, uri: string): void | Promise<void> {
    session.subscriptions ??= new Set()
    if (session.subscriptions.size >= maxResources && !session.subscriptions.has(uri)) {
      throw new McpError('INVALID_PARAMS', `A client may subscribe to ${maxResources} resources`)
    }
    session.subscriptions.add(uri)
    this.#addSubscriber(uri, session)
    return session.keeping?.repository.subscribe(session.keeping.key, uri)
  }

  /** `resources/unsubscribe`. @returns a promise when it has to be waited for */
  unsubscribe(session: Session, uri: string): void | Promise<void> {
    session.subscriptions?.delete(uri)
    this.#removeSubscriber(uri, session)
    return session.keeping?.repository.unsubscribe(session.keeping.key, uri)
  }

  /**
   * Tells a client that has come back after a restart to look at everything again: nobody knows what has changed
   * while there was no server.
   */
  tellAll(session: Session, capabilities: ServerCapabilities): void {
    const { outlet } = session
    for (const list of ['tools', 'prompts', 'resources'] as const) {
      if (capabilities[list]?.listChanged !== true) continue
      outlet?.send(encodeNotification(`notifications/${list}/list_changed`))
    }
    for (const uri of session.subscriptions ?? []) {
      outlet?.send(encodeNotification(resourceUpdated, { uri }))
    }
  }

  /**
   * `subscriptions/listen`: acknowledges what will be told, and stays open until the client or the server ends it.
   *
   * @param topic - what may be asked for beside lists and resources
   * @throws McpError INVALID_PARAMS for a malformed filter, or what the topic throws
   */
  listen(
    context: RequestContext,
    params: JsonObject,
    capabilities: ServerCapabilities,
    topic?: ListenTopic,
  ): Promise<JsonObject> {
    const wanted = params.notifications
    const filter = readFilter(wanted, capabilities)
    context.isLongLived = true
    const opened = mapMaybe(topic?.open(context, wanted as JsonObject), (open) =>
      this.#open(context, filter, open),
    )
    return opened as Promise<JsonObject>
  }

  #open(
    context: RequestContext,
    filter: Filter,
    topic: OpenTopic | undefined,
  ): Promise<JsonObject> {
    const { promise, resolve } = Promise.withResolvers<JsonObject>()
    const listen: Listen = {
      id: context.requestId,
      reply: context.reply,
      filter,
      end: resolve,
      ended: promise,
    }
    if (context.signal.aborted) return promise
    context.signal.addEventListener('abort', () => this.#endListen(listen), { once: true })
    this.#tell(listen, 'notifications/subscriptions/acknowledged', {
      notifications: { ...filter, ...topic?.agreed },
    })
    this.#listens.add(listen)
    const stop = topic?.start((method, told) => this.#tell(listen, method, told))
    if (stop !== undefined) listen.stopTopic = stop
    for (const uri of filter.resourceSubscriptions ?? []) this.#addSubscriber(uri, listen)
    return promise
  }

  changed(change: Change): void {
    if ('resource' in change) {
      this.#resourceUpdated(change.resource)
      return
    }
    if (this.#pendingLists.size === 0) queueMicrotask(() => this.#tellLists())
    this.#pendingLists.add(change.list)
  }

  /** Ends all subscriptions of the stateless era, as the server's own wish. */
  endListens(): void {
    for (const listen of this.#listens) {
      this.#endListen(listen)
      listen.end({ _meta: { [metaKey.subscriptionId]: listen.id } })
      if (listen.reply.getHeader === undefined) this.#cancelAfterResult(listen)
    }
  }

  /** On a shared connection no stream closes, so the end is said twice (2026-07-28, patterns/cancellation). */
  #cancelAfterResult(listen: Listen): void {
    void listen.ended.then(() =>
      this.#tell(listen, 'notifications/cancelled', {
        requestId: listen.id,
        reason: 'The server is shutting down',
      }),
    )
  }

  #tellLists(): void {
    for (const list of this.#pendingLists) {
      const method = `notifications/${list}/list_changed`
      const json = encodeNotification(method)
      for (const session of this.#sessions) session.outlet?.send(json)
      for (const listen of this.#listens) {
        if (listen.filter[listFilters[list]]) this.#tell(listen, method, {})
      }
    }
    this.#pendingLists.clear()
  }

  #resourceUpdated(uri: string): void {
    for (const subscriber of this.#byResource.get(uri) ?? []) {
      if ('filter' in subscriber) this.#tell(subscriber, resourceUpdated, { uri })
      else subscriber.outlet?.send(encodeNotification(resourceUpdated, { uri }))
    }
  }

  #addSubscriber(uri: string, subscriber: Session | Listen): void {
    let subscribers = this.#byResource.get(uri)
    if (subscribers === undefined) {
      subscribers = new Set()
      this.#byResource.set(uri, subscribers)
    }
    if (subscribers.has(subscriber)) return
    subscribers.add(subscriber)
    this.#watch?.(uri, true, sessionOf(subscriber))
  }

  #removeSubscriber(uri: string, subscriber: Session | Listen): void {
    const subscribers = this.#byResource.get(uri)
    if (subscribers?.delete(subscriber) !== true) return
    if (subscribers.size === 0) this.#byResource.delete(uri)
    this.#watch?.(uri, false, sessionOf(subscriber))
  }

  #endListen(listen: Listen): void {
    this.#listens.delete(listen)
    listen.stopTopic?.()
    for (const uri of listen.filter.resourceSubscriptions ?? []) this.#removeSubscriber(uri, listen)
  }

  #tell(listen: Listen, method: string, params: JsonObject): void {
    const _meta = { [metaKey.subscriptionId]: listen.id }
    listen.reply.send(encodeNotification(method, { _meta, ...params }))
  }
}

function sessionOf(subscriber: Session | Listen): Session | undefined {
  return 'filter' in subscriber ? undefined : subscriber
}

function readFilter(given: unknown, capabilities: ServerCapabilities): Filter {
  if (!isJsonObject(given)) throw invalidParams('notifications must be an object')
  const filter: Filter = {}
  for (const [list, name] of Object.entries(listFilters)) {
    const wanted = given[name]
    if (wanted === undefined) continue
    if (typeof wanted !== 'boolean') throw invalidParams(`notifications.${name} must be a boolean`)
    const capability = capabilities[list as keyof typeof listFilters]
    if (wanted && capability?.listChanged === true) filter[name] = true
  }
  const uris = given.resourceSubscriptions
  if (uris === undefined) return filter
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    throw invalidParams('notifications.resourceSubscriptions must be an array of strings')
  }
  if (uris.length > maxResources)
    throw invalidParams(`at most ${maxResources} resourceSubscriptions`)
  if (capabilities.resources?.subscribe === true) filter.resourceSubscriptions = uris
  return filter
}
