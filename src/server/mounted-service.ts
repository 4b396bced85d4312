import { encodeNotification } from '../protocol/json-rpc.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import {
  shapePrompt,
  shapePromptResult,
  shapeResource,
  shapeResourceContents,
  shapeResourceTemplate,
  shapeTool,
  shapeToolResult,
} from '../protocol/shape.ts'
import type { JsonObject, ResourceContents } from '../protocol/types.ts'
import { Registry } from '../registry/registry.ts'
import type { Peer } from '../sessions/peer.ts'
import { Session } from '../sessions/session.ts'
import { serverKind } from './kinds.ts'
import type { MountOptions } from './mount-options.ts'
import { type ClientIdentity, Relay, type SdkServer } from './relay.ts'
import { errorReporter } from './report-error.ts'
import type { ListedKind, Visibility } from './request-guard.ts'
import { RequestStateCodec } from './request-state.ts'
import { ResultEncoder } from './result.ts'
import { type Change, type MethodHandler, type Servable, type Service, service } from './service.ts'

/** What a client can do on whose behalf nobody in particular asks. */
const ableClient = {
  clientInfo: { name: 'tsmcp', version: '1' },
  capabilities: {
    roots: { listChanged: true },
    sampling: { tools: {}, context: {} },
    elicitation: { form: {}, url: {} },
  },
}

/** Makes the service behind `mount`. */
export async function mountedService(
  server: SdkServer | (() => SdkServer | Promise<SdkServer>),
  options: MountOptions,
): Promise<Servable> {
  const listeners = new Set<(change: Change) => void>()
  const announce = (change: Change): void => {
    for (const listener of listeners) listener(change)
  }
  const openRelay = async (
    identity: ClientIdentity,
    onNotification: (method: string, params: JsonObject) => void,
  ) => {
    const relay = new Relay(onNotification)
    const inner = typeof server === 'function' ? await server() : server
    return { relay, inner, greeting: await relay.open(inner, identity) }
  }
  const shared = await openRelay(ableClient, (method, params) => {
    const change = changeOf(method, params)
    if (change !== undefined) announce(change)
  })
  const own = new Map<Session, ReturnType<typeof openRelay>>()
  const relayOf = async (peer: Peer | undefined): Promise<Relay> => {
    if (typeof server !== 'function' || !(peer instanceof Session)) return shared.relay
    let opened = own.get(peer)
    if (opened === undefined) {
      // What changes in the server of one session is news to that session only.
      opened = openRelay(identityOf(peer), (method, params) => {
        if (changeOf(method, params) === undefined) return
        peer.outlet?.send(encodeNotification(method, params))
      })
      own.set(peer, opened)
    }
    return (await opened).relay
  }
  const watched = new Map<string, number>()

  const { greeting } = shared
  // Requests go through one by one: tasks would outlive them, and the methods of extensions are not passed on.
  const { tasks: _, extensions: __, ...capabilities } = greeting.capabilities
  const { ttlMs = 0, scope = 'private' } = options.cache ?? {}
  const encoder = new ResultEncoder(greeting.serverInfo, { ttlMs, cacheScope: scope })
  const methods = new Map<string, MethodHandler>()
  for (const [method, { shape, isCacheable }] of Object.entries(relayed)) {
    methods.set(method, async (context, params) => {
      await context.openRound()
      const relay = await relayOf(context.peer)
      const result = await relay.request(method, withoutRound(params), context)
      const shaped = visibleOf(method, shape(context.peer.revision, result), context.visibility)
      return isCacheable ? encoder.withCacheHints(context.peer.revision, shaped) : shaped
    })
  }

  const tellWatched = (session: Session | undefined, uri: string, isWatched: boolean): void => {
    const method = isWatched ? 'resources/subscribe' : 'resources/unsubscribe'
    relayOf(session)
      .then((relay) => relay.request(method, { uri }))
      .catch((error: unknown) => core.onError(error, undefined))
  }

  const onError = errorReporter(options.onError)
  const registry = new Registry((error) => onError(error, undefined))
  registry.of(serverKind).register(greeting.serverInfo.name, greeting.serverInfo)
  const core: Service = {
    info: greeting.serverInfo,
    instructions: greeting.instructions,
    registry,
    capabilities: () => capabilities,
    methods,
    encoder,
    requestState: new RequestStateCodec(options.requestState),
    maxQuestions: Number.POSITIVE_INFINITY,
    handlerTimeoutMs: options.handlerTimeoutMs ?? 300_000,
    logging: greeting.capabilities.logging !== undefined,
    onError,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    watchResource: (uri, isWatched, session) => {
      if (typeof server === 'function' && session !== undefined) {
        // The server of a session ends with it, and its subscriptions too.
        if (isWatched || own.has(session)) tellWatched(session, uri, isWatched)
        return
      }
      // All who share a server are one subscriber to it.
      const count = (watched.get(uri) ?? 0) + (isWatched ? 1 : -1)
      if (count === 0) watched.delete(uri)
      else watched.set(uri, count)
      if (count === (isWatched ? 1 : 0)) tellWatched(undefined, uri, isWatched)
    },
    sessionEnded: (session) => {
      const opened = own.get(session)
      if (opened === undefined) return
      own.delete(session)
      opened
        .then(({ inner }) => inner.close())
        .catch((error: unknown) => core.onError(error, undefined))
    },
  }
  return { [service]: core }
}

type Shape = (revision: Revision, result: JsonObject) => JsonObject

/** The methods that go through, and how their results are fitted to the client's revision. */
const relayed: Record<string, { shape: Shape; isCacheable: boolean }> = {
  'tools/list': { shape: listOf('tools', shapeTool), isCacheable: true },
  'tools/call': { shape: shapeToolResult as never, isCacheable: false },
  'resources/list': { shape: listOf('resources', shapeResource), isCacheable: true },
  'resources/templates/list': {
    shape: listOf('resourceTemplates', shapeResourceTemplate),
    isCacheable: true,
  },
  'resources/read': {
    shape: (revision, { contents, ...result }) => ({
      ...result,
      contents: shapeResourceContents(revision, contents as ResourceContents[]),
    }),
    isCacheable: true,
  },
  'prompts/list': { shape: listOf('prompts', shapePrompt), isCacheable: true },
  'prompts/get': { shape: shapePromptResult as never, isCacheable: false },
  'completion/complete': { shape: (_revision, result) => result, isCacheable: false },
}

function listOf<Item>(
  member: string,
  shape: (revision: Revision, item: Item) => JsonObject,
): Shape {
  return (revision, result) => ({
    ...result,
    [member]: (result[member] as Item[]).map((item) => shape(revision, item)),
  })
}

/** The part of a list that the caller may see; any other result as it is. */
function visibleOf(
  method: string,
  result: JsonObject,
  visibility: Visibility | undefined,
): JsonObject {
  const list = lists[method]
  const items = list === undefined ? undefined : result[list.member]
  if (list === undefined || visibility === undefined || !Array.isArray(items)) return result
  const seen = items.filter((item) => visibility.includes(list.kind, String(item[list.key])))
  return { ...result, [list.member]: seen }
}

const lists: Record<string, { member: string; kind: ListedKind; key: string }> = {
  'tools/list': { member: 'tools', kind: 'tool', key: 'name' },
  'prompts/list': { member: 'prompts', kind: 'prompt', key: 'name' },
  'resources/list': { member: 'resources', kind: 'resource', key: 'uri' },
  'resources/templates/list': {
    member: 'resourceTemplates',
    kind: 'resourceTemplate',
    key: 'uriTemplate',
  },
}

/** The members of a round trip are between the client and us. */
function withoutRound({ inputResponses: _, requestState: __, ...params }: JsonObject): JsonObject {
  return params
}

function identityOf({ clientInfo, clientCapabilities }: Session) {
  return {
    clientInfo: clientInfo ?? ableClient.clientInfo,
    capabilities: clientCapabilities,
  }
}

function changeOf(method: string, { uri }: JsonObject): Change | undefined {
  if (method === 'notifications/resources/updated') return { resource: String(uri) }
  const list = /^notifications\/(tools|prompts|resources)\/list_changed$/.exec(method)?.[1]
  return list === undefined ? undefined : { list: list as 'tools' | 'prompts' | 'resources' }
}
