import * as core from '@modelcontextprotocol/core'
import * as v1 from '@modelcontextprotocol/sdk/types.js'
import type { Message } from './clients-wire.ts'
import { officialProblems } from './official-schemas.ts'

/** The request that a response answers. */
export interface Origin {
  readonly method: string
  readonly params: Record<string, unknown> | undefined
  revision: string | undefined
  isAnswered: boolean
}

interface Conversation {
  readonly requests: ReadonlyMap<string | number, Origin>
  /** What a handshake has agreed on; undefined in the stateless era. */
  readonly revision: string | undefined
}

interface Schema {
  safeParse(value: unknown): { success: boolean; error?: { message: string } }
}

/** Result schemas of SDK 1.32, which know 2025-11-25. */
const results2025: Record<string, Schema> = {
  initialize: v1.InitializeResultSchema,
  ping: v1.EmptyResultSchema,
  'logging/setLevel': v1.EmptyResultSchema,
  'resources/subscribe': v1.EmptyResultSchema,
  'resources/unsubscribe': v1.EmptyResultSchema,
  'tools/list': v1.ListToolsResultSchema,
  'tools/call': v1.CallToolResultSchema,
  'resources/list': v1.ListResourcesResultSchema,
  'resources/templates/list': v1.ListResourceTemplatesResultSchema,
  'resources/read': v1.ReadResourceResultSchema,
  'prompts/list': v1.ListPromptsResultSchema,
  'prompts/get': v1.GetPromptResultSchema,
  'completion/complete': v1.CompleteResultSchema,
}

/** Result schemas of SDK 2.4, which know 2026-07-28. */
const results2026: Record<string, Schema> = {
  'server/discover': core.DiscoverResultSchema,
  'subscriptions/listen': core.SubscriptionsListenResultSchema,
  'tools/list': core.ListToolsResultSchema,
  'tools/call': core.CallToolResultSchema,
  'resources/list': core.ListResourcesResultSchema,
  'resources/templates/list': core.ListResourceTemplatesResultSchema,
  'resources/read': core.ReadResourceResultSchema,
  'prompts/list': core.ListPromptsResultSchema,
  'prompts/get': core.GetPromptResultSchema,
  'completion/complete': core.CompleteResultSchema,
}

/** The official schemas of 2.4 ask for an `elicitationId`, which 2026-07-28 has taken away. */
const urlElicitation = core.ElicitRequestSchema.extend({
  params: core.ElicitRequestURLParamsSchema.omit({ elicitationId: true }),
})
const inputRequests: Record<string, Schema> = {
  'elicitation/create': core.ElicitRequestSchema.or(urlElicitation),
  'sampling/createMessage': core.CreateMessageRequestSchema,
  'roots/list': core.ListRootsRequestSchema,
}

const notifications2026 = [
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/subscriptions/acknowledged',
]
const cacheable = [
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]
const mayAskForInput = ['tools/call', 'prompts/get', 'resources/read']
const subscriptionIdKey = 'io.modelcontextprotocol/subscriptionId'

/** What is wrong with a message of the server, by the official schemas and the rules that they cannot say. */
export function messageProblems(
  message: Message,
  origin: Origin | undefined,
  conversation: Conversation,
): string[] {
  const problems: string[] = []
  const check = (schema: Schema | undefined, value: unknown, what: string): void => {
    if (schema === undefined) problems.push(`${what} is unknown`)
    else {
      const parsed = schema.safeParse(value)
      if (!parsed.success) problems.push(`${what} is off schema (${parsed.error?.message})`)
    }
  }
  const require = (holds: boolean, otherwise: string): void => {
    if (!holds) problems.push(otherwise)
  }

  const revision = origin?.revision ?? conversation.revision ?? '2026-07-28'
  problems.push(...officialProblems(revision, message, origin?.method))
  check(v1.JSONRPCMessageSchema, message, 'the envelope')
  check(core.JSONRPCMessageSchema, message, 'the envelope')
  if (message.method !== undefined) {
    const isModern = conversation.revision === undefined
    if (message.id !== undefined) {
      require(!isModern, '26.base.076: the server sent a request')
      check(v1.ServerRequestSchema, message, 'the request')
      check(core.ServerRequestSchema, message, 'the request')
    } else checkNotification(message, conversation, isModern, check, require)
    return problems
  }

  if (message.error !== undefined) {
    require(Number.isInteger(message.error.code), 'the error has no integer code')
    require(message.id === undefined || origin !== undefined, 'the error answers nothing')
    require(!/\n\s+at /.test(message.error.message), 'the error has a stack trace')
    return problems
  }
  if (origin === undefined || message.result === undefined) return ['a response to nothing']
  require(!origin.isAnswered, `${origin.method} is answered twice`)
  checkResult(message.result, origin, check, require)
  return problems
}

type Check = (schema: Schema | undefined, value: unknown, what: string) => void
type Require = (holds: boolean, otherwise: string) => void

function checkNotification(
  message: Message,
  { requests }: Conversation,
  isModern: boolean,
  check: Check,
  require: Require,
): void {
  const { method = '', params = {} } = message
  const meta = (params._meta ?? {}) as Record<string, unknown>
  if (isModern) {
    require(notifications2026.includes(method), `26.schema.025: ${method} does not exist`)
    check(core.ServerNotificationSchema, message, 'the notification')
    const isListened = /list_changed|updated|acknowledged/.test(method)
    const listen = requests.get(meta[subscriptionIdKey] as string)
    const isOfListen = listen?.method === 'subscriptions/listen'
    require(isListened === isOfListen, '26.schema.015: subscriptionId is where it should not be')
  } else {
    check(v1.ServerNotificationSchema, message, 'the notification')
    require(meta[subscriptionIdKey] === undefined, 'subscriptionId is not of this revision')
  }
  if (method === 'notifications/progress') {
    const active = [...requests.values()].filter(({ isAnswered }) => !isAnswered)
    const tokens = active.map((each) => (each.params?._meta as Message['params'])?.progressToken)
    require(tokens.includes(params.progressToken), 'progress of no request that is in progress')
  }
}

function checkResult(
  result: Record<string, unknown>,
  { method, revision }: Origin,
  check: Check,
  require: Require,
): void {
  const meta = (result._meta ?? {}) as Record<string, unknown>
  if (revision !== '2026-07-28') {
    check(results2025[method], result, `the result of ${method}`)
    for (const member of ['resultType', 'ttlMs', 'cacheScope', 'inputRequests']) {
      require(!(member in result), `25.versioning.005: ${member} is not of this revision`)
    }
    return
  }
  const { resultType, ttlMs, cacheScope, requestState, inputRequests: asked } = result
  check(
    core.ImplementationSchema,
    meta['io.modelcontextprotocol/serverInfo'],
    '26.base.067: serverInfo',
  )
  const isCacheable = cacheable.includes(method) && resultType !== 'input_required'
  const isHinted =
    Number.isInteger(ttlMs) &&
    Number(ttlMs) >= 0 &&
    (cacheScope === 'public' || cacheScope === 'private')
  require(isCacheable === isHinted, '26.caching.001-003: hints are where they should not be')
  if (resultType !== 'input_required') {
    require(resultType === 'complete', '26.base.012: resultType is neither')
    check(results2026[method], result, `the result of ${method}`)
    return
  }
  require(mayAskForInput.includes(method), `26.mrtr.005: ${method} asks for input`)
  require(asked !== undefined ||
    requestState !== undefined, '26.mrtr.018: neither request nor state')
  require(requestState === undefined ||
    typeof requestState === 'string', 'requestState is no string')
  for (const [key, request] of Object.entries(asked ?? {})) {
    check(inputRequests[request.method], request, `26.mrtr.008: the input request ${key}`)
    require(!('id' in request || 'jsonrpc' in request), '26.schema.019: an envelope within')
    require(request.params?.elicitationId === undefined, '26.elicitation.028: an elicitationId')
  }
}
