import { invalidParams, McpError, quoted } from '../protocol/errors.ts'
import { checkIcons } from '../protocol/icons.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import { checkMeta } from '../protocol/meta.ts'
import { shapePrompt, shapePromptResult } from '../protocol/shape.ts'
import type { GetPromptResult, Icon, JsonObject, Prompt, PromptMessage } from '../protocol/types.ts'
import { defineKind } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'
import type { Completable, Completer } from './completion.ts'
import { text } from './content.ts'
import type { Context, RequestContext } from './context.ts'
import { PagedList, viewOf } from './list.ts'
import { mapMaybe } from './maybe-promise.ts'
import { checkScopes, requireScopes } from './required-scopes.ts'
import type { EncodedResult, ResultEncoder } from './result.ts'
import { withoutType } from './tool-result.ts'

export interface PromptArgumentConfig {
  title?: string
  description?: string
  required?: boolean
  /** Suggests values while the user types. */
  complete?: Completer
}
export interface PromptConfig<Arguments> {
  title?: string
  description?: string
  icons?: Icon[]
  arguments?: Arguments & Record<string, PromptArgumentConfig>
  /** Scopes that a caller must have been granted, over transports that ask who is calling. */
  scopes?: readonly string[]
  _meta?: JsonObject
}
/** Arguments are strings; those that are not required may be missing. */
export type PromptArguments<Arguments> = {
  [Name in keyof Arguments]: Arguments[Name] extends { required: true }
    ? string
    : string | undefined
}
/** Text becomes one message of the user's. */
export type PromptReturn = string | PromptMessage[] | GetPromptResult
export type PromptHandler<Arguments> = (
  args: PromptArguments<Arguments>,
  context: Context,
) => PromptReturn | Promise<PromptReturn>

interface RegisteredPrompt extends Completable {
  readonly prompt: Prompt
  readonly handler: (args: never, context: Context) => PromptReturn | Promise<PromptReturn>
}

const promptKind = defineKind<RegisteredPrompt>('prompt', {
  describe: ({ prompt: { title = '' }, argumentNames }) => ({
    title,
    arguments: argumentNames.length,
  }),
})
const nameOf = ({ prompt }: RegisteredPrompt): string => prompt.name

/** `prompts/list` and `prompts/get`. */
export class Prompts {
  readonly list: PagedList<RegisteredPrompt>

  constructor(registry: Registry, pageSize: number) {
    const names = registry.of(promptKind)
    this.list = new PagedList(names, 'prompts', pageSize, (revision, { prompt }) =>
      shapePrompt(revision, prompt),
    )
  }

  /** @returns a function that takes the prompt away again; @throws TypeError when the name is taken */
  add<Arguments extends Record<string, PromptArgumentConfig>>(
    name: string,
    config: PromptConfig<Arguments>,
    handler: PromptHandler<Arguments>,
  ): () => void {
    if (name === '') throw new TypeError('A prompt needs a name')
    checkIcons(config.icons)
    checkMeta(config._meta)
    const { arguments: args = {}, scopes, ...described } = config
    const completers = new Map<string, Completer>()
    const listed = Object.entries<PromptArgumentConfig>(args).map(
      ([argument, { complete, ...shown }]) => {
        if (complete !== undefined) completers.set(argument, complete)
        return { name: argument, ...shown }
      },
    )
    const registered: RegisteredPrompt = {
      prompt: { name, ...described, ...(listed.length > 0 && { arguments: listed }) },
      scopes: checkScopes(scopes),
      argumentNames: listed.map((each) => each.name),
      completers,
      handler: handler as RegisteredPrompt['handler'],
    }
    this.list.add(name, registered)
    return () => this.list.remove(name, registered)
  }

  page(
    encoder: ResultEncoder,
    { peer: { revision }, visibility }: RequestContext,
    cursor: unknown,
  ): EncodedResult {
    return this.list.page(encoder, revision, cursor, viewOf(visibility, 'prompt', nameOf))
  }

  get(context: RequestContext, params: JsonObject): GetPromptResult | Promise<GetPromptResult> {
    const { name } = params
    if (typeof name !== 'string') throw invalidParams('name must be a string')
    const registered = this.list.get(name)
    if (registered === undefined)
      throw new McpError('INVALID_PARAMS', `Unknown prompt: ${quoted(name)}`)
    requireScopes(context.authInfo, registered.scopes)
    const args = readArguments(registered.prompt, params.arguments)
    const get = () => registered.handler(args as never, context)
    return mapMaybe(mapMaybe(context.openRound(), get), (returned) =>
      shapePromptResult(context.peer.revision, toResult(registered.prompt, returned)),
    )
  }
}

function readArguments(prompt: Prompt, given: unknown = {}): Record<string, string> {
  if (!isJsonObject(given)) throw invalidParams('arguments must be an object')
  const args: Record<string, string> = {}
  for (const { name, required } of prompt.arguments ?? []) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (value === undefined) {
      if (required === true) throw invalidParams(`argument ${name} is required`)
    } else if (typeof value === 'string') args[name] = value
    else throw invalidParams(`argument ${name} must be a string`)
  }
  return args
}

function toResult(prompt: Prompt, returned: PromptReturn): GetPromptResult {
  if (!Array.isArray(returned) && typeof returned !== 'string') {
    checkMessages(returned.messages)
    return withoutType(returned)
  }
  if (Array.isArray(returned)) checkMessages(returned)
  const messages: PromptMessage[] =
    typeof returned === 'string' ? [{ role: 'user', content: text(returned) }] : returned
  const { description } = prompt
  return description === undefined ? { messages } : { description, messages }
}

/** A prompt speaks for the user or the assistant, and in content that there is; for nobody else, for instance a system. */
function checkMessages(messages: unknown): void {
  const isGood =
    Array.isArray(messages) &&
    messages.every(
      (each) =>
        isJsonObject(each) &&
        (each.role === 'user' || each.role === 'assistant') &&
        isJsonObject(each.content) &&
        blockTypes.has(String(each.content.type)),
    )
  if (!isGood) throw new TypeError('A prompt gave messages without a known role and content')
}

const blockTypes = new Set(['text', 'image', 'audio', 'resource_link', 'resource'])
