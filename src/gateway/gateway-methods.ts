import { invalidParams, McpError, quoted } from '../protocol/errors.ts'
import { checkHeaderParameters } from '../protocol/header-parameters.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonObject } from '../protocol/types.ts'
import type { RequestContext } from '../server/context.ts'
import { type PagedList, viewOf } from '../server/list.ts'
import { mapMaybe } from '../server/maybe-promise.ts'
import type { ListedKind } from '../server/request-guard.ts'
import type { ResultEncoder } from '../server/result.ts'
import type { MethodHandler, MethodHost } from '../server/service.ts'
import { callAsTask, type TaskConfig, taskMode } from '../server/tasks/task-call.ts'
import { taskMethods } from '../server/tasks/task-methods.ts'
import type { ToolRoute } from './exposure.ts'
import type { Offer } from './offer.ts'
import {
  completionResult,
  forwardedMeta,
  mentionedUris,
  promptResult,
  readResult,
  toolResult,
} from './results.ts'
import type { Upstream } from './upstream/upstream.ts'
import { taskIdOf, taskOutcome } from './upstream/upstream-task.ts'

/** What the methods work on. */
export interface GatewayMethodsHost {
  readonly offer: Offer
  readonly encoder: ResultEncoder
  /** Undefined when the lists are known; else settles when they are, or when they need not be waited for any more. */
  whenListed(): Promise<void> | undefined
}

/** The methods of a gateway: lists are its own, all else is an upstream's. */
export function gatewayMethods(host: GatewayMethodsHost): Map<string, MethodHandler> {
  const { offer } = host
  return new Map<string, MethodHandler>([
    ['tools/list', listMethod(host, offer.tools, 'tool', ({ item }) => item.name)],
    ['prompts/list', listMethod(host, offer.prompts, 'prompt', ({ item }) => item.name)],
    ['resources/list', listMethod(host, offer.resources, 'resource', ({ item }) => item.uri)],
    [
      'resources/templates/list',
      listMethod(host, offer.templates, 'resourceTemplate', ({ item }) => item.uriTemplate),
    ],
    ['tools/call', (context, params, methodHost) => callTool(host, context, params, methodHost)],
    ['resources/read', (context, params) => readResource(host, context, params)],
    ['prompts/get', (context, params) => getPrompt(host, context, params)],
    ['completion/complete', (context, params) => complete(host, context, params)],
    ...taskMethods,
  ])
}

function listMethod<Item>(
  { encoder, whenListed }: GatewayMethodsHost,
  list: PagedList<Item>,
  kind: ListedKind,
  nameOf: (item: Item) => string,
): MethodHandler {
  return (context, { cursor }) => {
    const page = () =>
      list.page(encoder, context.peer.revision, cursor, viewOf(context.visibility, kind, nameOf))
    const listed = whenListed()
    return listed === undefined ? page() : listed.then(page)
  }
}

/** Finds something by its name, which may not be known yet. */
function found<Item>(
  { whenListed }: GatewayMethodsHost,
  find: () => Item | undefined,
  unknown: () => McpError,
): Item | Promise<Item> {
  const item = find()
  if (item !== undefined) return item
  const listed = whenListed()
  if (listed === undefined) throw unknown()
  return listed.then(() => {
    const late = find()
    if (late === undefined) throw unknown()
    return late
  })
}

function callTool(
  host: GatewayMethodsHost,
  context: RequestContext,
  params: JsonObject,
  methodHost: MethodHost,
): object | Promise<object> {
  const { name } = params
  if (typeof name !== 'string') throw invalidParams('name must be a string')
  const args = params.arguments ?? {}
  if (!isJsonObject(args)) throw invalidParams('arguments must be an object')
  return mapMaybe(
    found(
      host,
      () => host.offer.tools.get(name),
      () => new McpError('INVALID_PARAMS', `Unknown tool: ${quoted(name)}`),
    ),
    (route) => {
      const { getHeader } = context.reply
      if (getHeader !== undefined && context.peer.revision.http.standardHeaders) {
        checkHeaderParameters(route.headerParameters, args, getHeader)
      }
      return mapMaybe(context.openRound(), () => {
        const config = taskConfigOf(route)
        if (config !== undefined || params.task !== undefined) {
          const mode = taskMode(context, name, config, true)
          if (mode !== 'plain' && config !== undefined) {
            const run = () => callUpstream(host, route, args, context, config)
            return callAsTask(methodHost.tasks, context, config, mode === 'must', run)
          }
        }
        return callUpstream(host, route, args, context, config)
      })
    },
  )
}

/** How calls may become tasks of ours, whatever they are at the upstream. */
function taskConfigOf({ item, upstream }: ToolRoute): TaskConfig | undefined {
  const support = item.execution?.taskSupport
  if (support !== 'optional' && support !== 'required') return undefined
  // What must be a task there need not be one here: a client that cannot have one is served without.
  return { support: 'optional', begin: upstream.makesTasks ? 'by-handler' : 'at-once' }
}

async function callUpstream(
  { offer }: GatewayMethodsHost,
  { upstream, ownName, item }: ToolRoute,
  args: JsonObject,
  context: RequestContext,
  config: TaskConfig | undefined,
): Promise<object> {
  if (context.becomeTask !== undefined && config?.begin === 'at-once') await context.becomeTask()
  const _meta = forwardedMeta(context.request.params ?? {})
  const params: JsonObject = { name: ownName, arguments: args, ...(_meta && { _meta }) }
  if (item.execution?.taskSupport === 'required' && !upstream.makesTasks) {
    // A client that could have asked for a task and has not is refused by the upstream, in its own words.
    const couldAsk = context.peer.revision.tasks === 'augmented'
    if (!couldAsk || context.request.params?.task !== undefined) params.task = {}
  }
  const result = await upstream.request('tools/call', params, context, async (connection, call) => {
    const answer = await connection.request('tools/call', params, call)
    const taskId = taskIdOf(answer)
    if (taskId === undefined) return answer
    await context.beginTask()
    return taskOutcome(connection, call, answer, taskId)
  })
  return finished(offer, upstream, toolResult(context.peer.revision, result))
}

function readResource(host: GatewayMethodsHost, context: RequestContext, params: JsonObject) {
  const { uri } = params
  if (typeof uri !== 'string') throw invalidParams('uri must be a string')
  return mapMaybe(
    found(
      host,
      () => host.offer.ownerOf(uri),
      () =>
        new McpError('RESOURCE_NOT_FOUND', `Resource not found: ${quoted(uri)}`, { data: { uri } }),
    ),
    async (upstream) => {
      await context.openRound()
      const { revision } = context.peer
      const result = await upstream.request('resources/read', forwarded(params, { uri }), context)
      const read = finished(host.offer, upstream, readResult(revision, result))
      return host.encoder.withCacheHints(revision, read)
    },
  )
}

function getPrompt(host: GatewayMethodsHost, context: RequestContext, params: JsonObject) {
  const { name } = params
  if (typeof name !== 'string') throw invalidParams('name must be a string')
  return mapMaybe(
    found(
      host,
      () => host.offer.prompts.get(name),
      () => new McpError('INVALID_PARAMS', `Unknown prompt: ${quoted(name)}`),
    ),
    async ({ upstream, ownName }) => {
      await context.openRound()
      const { arguments: args } = params
      const asked = forwarded(params, {
        name: ownName,
        ...(args !== undefined && { arguments: args }),
      })
      const result = await upstream.request('prompts/get', asked, context)
      return finished(host.offer, upstream, promptResult(context.peer.revision, result))
    },
  )
}

function complete(host: GatewayMethodsHost, context: RequestContext, params: JsonObject) {
  const { ref, argument, context: known } = params
  if (!isJsonObject(ref)) throw invalidParams('ref must be an object')
  return mapMaybe(
    found(
      host,
      () => referred(host.offer, ref),
      () => invalidParams('ref names no prompt and no resource template that there is'),
    ),
    async ({ upstream, ownRef }) => {
      const asked = forwarded(params, {
        ref: ownRef,
        argument,
        ...(known !== undefined && { context: known }),
      })
      const result = await upstream.request('completion/complete', asked, context)
      return upstream.secrets.value(completionResult(result))
    },
  )
}

function referred(
  offer: Offer,
  ref: JsonObject,
): { upstream: Upstream; ownRef: JsonObject } | undefined {
  if (ref.type === 'ref/prompt') {
    const route = offer.prompts.get(String(ref.name))
    return route && { upstream: route.upstream, ownRef: { ...ref, name: route.ownName } }
  }
  if (ref.type !== 'ref/resource') return undefined
  const uri = String(ref.uri)
  const upstream = offer.templates.get(uri)?.upstream ?? offer.ownerOf(uri)
  return upstream && { upstream, ownRef: ref }
}

function forwarded(params: JsonObject, own: JsonObject): JsonObject {
  const _meta = forwardedMeta(params)
  return _meta === undefined ? own : { ...own, _meta }
}

/** A result as it leaves: what it names is known, and what is secret is not in it. */
function finished(offer: Offer, upstream: Upstream, result: JsonObject): JsonObject {
  const uris = mentionedUris(result)
  if (uris.length > 0) offer.mention(uris, upstream)
  return upstream.secrets.value(result)
}
