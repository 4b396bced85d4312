import {
  checkExtension,
  declaredExtension,
  extensionId,
  missingExtension,
} from '../../protocol/extensions.ts'
import { revisions } from '../../protocol/revisions/index.ts'
import type { JsonObject, ServerCapabilities } from '../../protocol/types.ts'
import type { Context } from '../context.ts'
import type { MethodHandler } from '../service.ts'

/** Answers a method of an extension. */
export type ExtensionMethod = (
  params: JsonObject,
  context: Context,
) => JsonObject | Promise<JsonObject>

export interface ExtensionConfig {
  /** What clients are told of the extension. Default: that it is there. */
  settings?: JsonObject
  /** The methods that it brings, by their names. */
  methods?: Readonly<Record<string, ExtensionMethod>>
  /** Whether only clients that declare the extension may call its methods; others are refused. Default true. */
  requiresClient?: boolean
}

/** Identifiers that stand for features of tsmcp's own, and how those are offered. */
const ownExtensions: Readonly<Record<string, string>> = {
  [extensionId.tasks]: 'register a tool with `task`',
  [extensionId.skills]: 'use server.skill()',
  [extensionId.ui]: 'use server.ui()',
}
/** Names and beginnings of names that the protocol and official extensions have taken. */
const reservedPrefixes = [
  'rpc.',
  'notifications/',
  'tasks/',
  'skills/',
  'ui/',
  'resources/directory/',
]

/**
 * The extensions that a server offers (2026-07-28, basic/versioning#extension-negotiation): none, until one is added.
 */
export class Extensions {
  readonly methods = new Map<string, MethodHandler>()
  readonly #capabilities: ServerCapabilities

  /** @param capabilities - where the extensions are advertised */
  constructor(capabilities: ServerCapabilities) {
    this.#capabilities = capabilities
  }

  /** Advertises an extension of tsmcp's own, with the methods that belong to it. */
  offer(
    id: string,
    settings: JsonObject = {},
    methods: Readonly<Record<string, MethodHandler>> = {},
  ): void {
    this.#capabilities.extensions ??= {}
    this.#capabilities.extensions[id] = settings
    for (const [method, handler] of Object.entries(methods)) this.methods.set(method, handler)
  }

  /** Adds an extension of the user's. @throws TypeError */
  add(id: string, { settings = {}, methods = {}, requiresClient = true }: ExtensionConfig): void {
    checkExtension(id, settings)
    const own = ownExtensions[id]
    if (own !== undefined) throw new TypeError(`${id} is offered by itself: ${own}`)
    if (this.#capabilities.extensions?.[id] !== undefined) {
      throw new TypeError(`There is an extension ${id} already`)
    }
    const handlers = Object.entries(methods).map(([method, handler]) => {
      this.#checkMethod(method)
      return [method, withGate(id, handler, requiresClient)] as const
    })
    this.offer(id, settings, Object.fromEntries(handlers))
  }

  #checkMethod(method: string): void {
    const isCore = revisions.some(({ clientRequests }) => clientRequests.has(method))
    const isReserved = reservedPrefixes.some((prefix) => method.startsWith(prefix))
    if (method === '' || isCore || isReserved || this.methods.has(method)) {
      throw new TypeError(`An extension cannot have a method "${method}": the name is taken`)
    }
  }
}

function withGate(id: string, handler: ExtensionMethod, requiresClient: boolean): MethodHandler {
  return (context, params) => {
    if (requiresClient && declaredExtension(context.clientCapabilities, id) === undefined) {
      throw missingExtension(id, context.method)
    }
    return handler(params, context)
  }
}
