import { extensionId } from '../protocol/extensions.ts'
import { checkIcons } from '../protocol/icons.ts'
import type { Icon, Implementation, JsonSchema, ServerCapabilities } from '../protocol/types.ts'
import { Registry } from '../registry/registry.ts'
import { type Completable, complete } from './completion.ts'
import { addUi, linkedMeta, type UiConfig } from './extensions/apps.ts'
import { type ExtensionConfig, Extensions } from './extensions/extensions.ts'
import type { SkillSource } from './extensions/skills/skill.ts'
import { Skills } from './extensions/skills/skills.ts'
import { serverKind } from './kinds.ts'
import { mapMaybe } from './maybe-promise.ts'
import {
  type PromptArgumentConfig,
  type PromptConfig,
  type PromptHandler,
  Prompts,
} from './prompts.ts'
import { type ErrorHook, errorReporter } from './report-error.ts'
import { RequestStateCodec } from './request-state.ts'
import {
  type ResourceConfig,
  type ResourceReader,
  Resources,
  type ResourceTemplateConfig,
} from './resources.ts'
import { ResultEncoder } from './result.ts'
import type { SchemaInput } from './schema.ts'
import { type Change, type MethodHandler, type Servable, type Service, service } from './service.ts'
import { taskMethods } from './tasks/task-methods.ts'
import { type TaskOptions, taskLimits } from './tasks/task-options.ts'
import type { ToolConfig, ToolHandler } from './tool-config.ts'
import { Tools } from './tools.ts'

export interface ServerOptions {
  name: string
  version: string
  title?: string
  description?: string
  websiteUrl?: string
  icons?: Icon[]
  /** How to use the server, for the model to read. */
  instructions?: string
  /** For how long, and by whom, lists and resources may be cached. Default: not at all, and privately. */
  cache?: { ttlMs?: number; scope?: 'public' | 'private' }
  /** Items on one page of a list. Default 1000. */
  pageSize?: number
  /** How the state of `input_required` rounds is signed. Default: a random secret, good for 10 minutes. */
  requestState?: { secret?: string | Uint8Array; ttlMs?: number }
  /** Limits of the tasks that calls of tools become, and where they are kept. */
  tasks?: TaskOptions
  /** Offers log messages to clients (`context.log`). Default true. */
  logging?: boolean
  /** Milliseconds after which an asynchronous handler that shows no sign of life is given up. Default 300,000. */
  handlerTimeoutMs?: number
  /** Told of what handlers throw. Default: one line on stderr. */
  onError?: ErrorHook
}

/** Takes back what was registered. */
export interface Registration {
  remove(): void
}

/**
 * A server: tools, resources and prompts that any transport can serve.
 *
 * What is registered or removed while the server runs is announced to its clients.
 */
export interface Server extends Servable {
  /**
   * Offers a tool.
   *
   * @throws TypeError when the name is taken or a schema is invalid
   */
  tool<Input extends SchemaInput = JsonSchema, Output extends SchemaInput = SchemaInput>(
    name: string,
    config: ToolConfig<Input, Output>,
    handler: ToolHandler<Input, Output>,
  ): Registration
  /** Offers a resource under a fixed URI. @throws TypeError when the URI is none or is taken */
  resource(uri: string, config: ResourceConfig, read: ResourceReader): Registration
  /** Offers all resources whose URI matches an RFC 6570 template. @throws TypeError when the template is none */
  resourceTemplate(
    uriTemplate: string,
    config: ResourceTemplateConfig,
    read: ResourceReader,
  ): Registration
  /** Offers a prompt. @throws TypeError when the name is taken */
  prompt<const Arguments extends Record<string, PromptArgumentConfig> = Record<never, never>>(
    name: string,
    config: PromptConfig<Arguments>,
    handler: PromptHandler<Arguments>,
  ): Registration
  /**
   * Offers a skill: instructions for agents, with the files that belong to them.
   *
   * @throws TypeError when it is no proper skill, or its path is taken
   */
  skill(source: SkillSource): Registration
  /**
   * Offers a user interface for the results of tools, which name it by their `ui` (MCP Apps).
   *
   * @param uri - begins with `ui://`
   * @throws TypeError for what the specification forbids, or a URI that is taken
   */
  ui(uri: string, config: UiConfig): Registration
  /**
   * Offers an extension of the protocol (2026-07-28): clients see its settings and may call its methods.
   *
   * @throws TypeError for an identifier without a prefix, or one or a method that is taken
   */
  extension(id: string, config?: ExtensionConfig): void
  /** Tells those who subscribed to it that a resource has changed. */
  resourceUpdated(uri: string): void
}

/**
 * Makes a server.
 *
 * @throws RangeError for an option outside its range
 * @example
 * const server = defineServer({ name: 'weather', version: '1.0.0' })
 * server.tool('forecast', { input: z.object({ city: z.string() }) }, ({ city }) => `Sunny in ${city}`)
 * export default server
 */
export function defineServer(options: ServerOptions): Server {
  const { ttlMs = 0, scope = 'private' } = options.cache ?? {}
  const { pageSize = 1000, handlerTimeoutMs = 300_000 } = options
  requireInteger('cache.ttlMs', ttlMs, 0)
  requireInteger('pageSize', pageSize, 1)
  requireInteger('handlerTimeoutMs', handlerTimeoutMs, 1)

  checkIcons(options.icons)
  const info = implementationOf(options)
  const listeners = new Set<(change: Change) => void>()
  const announce = (change: Change): void => {
    for (const listener of listeners) listener(change)
  }
  const onError = errorReporter(options.onError)

  const registry = new Registry((error) => onError(error, undefined))
  registry.of(serverKind).register(info.name, info)
  const tools = new Tools(registry, pageSize, onError)
  const resources = new Resources(registry, pageSize)
  const prompts = new Prompts(registry, pageSize)
  const skills = new Skills(registry, resources, pageSize)
  tools.list.onChange(() => announce({ list: 'tools' }))
  prompts.list.onChange(() => announce({ list: 'prompts' }))
  resources.resources.onChange(() => announce({ list: 'resources' }))
  resources.templates.onChange(() => announce({ list: 'resources' }))

  const encoder = new ResultEncoder(info, { ttlMs, cacheScope: scope })
  const capabilities: ServerCapabilities = options.logging === false ? {} : { logging: {} }
  const methods = new Map<string, MethodHandler>()
  const extensions = new Extensions(capabilities)
  // A feature once offered stays advertised, even when its last item is removed: clients may be using its lists.
  const offerTools = (): void => {
    capabilities.tools = { listChanged: true }
    methods.set('tools/list', (context, { cursor }) => tools.page(encoder, context, cursor))
    methods.set('tools/call', (context, params, host) => tools.call(context, params, host))
    if (tools.offersTasks && capabilities.tasks === undefined) offerTasks()
  }
  const offerTasks = (): void => {
    capabilities.tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
    extensions.offer(extensionId.tasks)
    for (const [method, handler] of taskMethods) methods.set(method, handler)
  }
  const offerResources = (): void => {
    capabilities.resources = { subscribe: true, listChanged: true }
    methods.set('resources/list', (context, { cursor }) =>
      resources.listResources(encoder, context, cursor),
    )
    methods.set('resources/templates/list', (context, { cursor }) =>
      resources.listTemplates(encoder, context, cursor),
    )
    methods.set('resources/read', (context, params) =>
      mapMaybe(resources.read(context, params), (result) =>
        encoder.withCacheHints(context.peer.revision, result),
      ),
    )
  }
  const offerPrompts = (): void => {
    capabilities.prompts = { listChanged: true }
    methods.set('prompts/list', (context, { cursor }) => prompts.page(encoder, context, cursor))
    methods.set('prompts/get', (context, params) => prompts.get(context, params))
  }
  const offerCompletion = (): void => {
    capabilities.completions = {}
    const find = (type: string, key: string): Completable | undefined =>
      type === 'ref/prompt' ? prompts.list.get(key) : resources.templates.get(key)
    methods.set('completion/complete', (context, params) => complete(context, params, find))
  }

  const core: Service = {
    info,
    instructions: options.instructions,
    registry,
    methods,
    extensionMethods: extensions.methods,
    taskLimits: taskLimits(options.tasks, pageSize),
    encoder,
    requestState: new RequestStateCodec(
      options.requestState?.secret,
      options.requestState?.ttlMs ?? 600_000,
    ),
    handlerTimeoutMs,
    logging: options.logging ?? true,
    capabilities: () => capabilities,
    onError,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  return {
    [service]: core,
    tool: (name, config, handler) => {
      const { ui, _meta } = config
      const linked = ui === undefined ? {} : { _meta: linkedMeta(resources, ui, _meta) }
      const remove = tools.add(name, { ...config, ...linked }, handler)
      offerTools()
      return { remove }
    },
    resource: (uri, config, read) => {
      const remove = resources.add(uri, config, read)
      offerResources()
      return { remove }
    },
    resourceTemplate: (uriTemplate, config, read) => {
      const remove = resources.addTemplate(uriTemplate, config, read)
      offerResources()
      if (config.complete !== undefined) offerCompletion()
      return { remove }
    },
    prompt: (name, config, handler) => {
      const remove = prompts.add(name, config, handler)
      offerPrompts()
      if (Object.values(config.arguments ?? {}).some((each) => each.complete)) offerCompletion()
      return { remove }
    },
    skill: (source) => {
      const remove = skills.add(source)
      offerResources()
      extensions.offer(extensionId.skills, { directoryRead: true }, skills.methods(encoder))
      return { remove }
    },
    ui: (uri, config) => {
      const remove = addUi(resources, uri, config)
      offerResources()
      extensions.offer(extensionId.ui)
      return { remove }
    },
    extension: (id, config = {}) => extensions.add(id, config),
    resourceUpdated: (uri) => announce({ resource: uri }),
  }
}

function implementationOf(options: ServerOptions): Implementation {
  const { name, version, title, description, websiteUrl, icons } = options
  return {
    name,
    version,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(websiteUrl !== undefined && { websiteUrl }),
    ...(icons !== undefined && { icons }),
  }
}

function requireInteger(name: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name} must be an integer of at least ${min}, got ${value}`)
  }
}
