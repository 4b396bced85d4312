import { McpError, quoted } from '../protocol/errors.ts'
import { checkIcons } from '../protocol/icons.ts'
import { shapeResource, shapeResourceTemplate } from '../protocol/shape.ts'
import type {
  Annotations,
  Icon,
  JsonObject,
  Resource,
  ResourceContents,
  ResourceTemplate,
} from '../protocol/types.ts'
import { parseUriTemplate, type UriTemplate } from '../protocol/uri-template.ts'
import type { Completable, Completer } from './completion.ts'
import { toBase64 } from './content.ts'
import type { Context, RequestContext } from './context.ts'
import { PagedList } from './list.ts'
import { mapMaybe } from './maybe-promise.ts'
import { checkScopes, requireScopes } from './required-scopes.ts'
import type { EncodedResult, ResultEncoder } from './result.ts'

export interface ResourceConfig {
  /** Default: the URI. */
  name?: string
  title?: string
  description?: string
  mimeType?: string
  /** Bytes of the raw content. */
  size?: number
  annotations?: Annotations
  icons?: Icon[]
  /** Scopes that a caller must have been granted, over transports that ask who is calling. */
  scopes?: readonly string[]
  _meta?: JsonObject
}
export interface ResourceTemplateConfig extends Omit<ResourceConfig, 'size'> {
  /** Suggests values for the variables, by name. */
  complete?: Record<string, Completer>
  /** The resources that exist at the moment; they are added to `resources/list`. */
  list?: () => Resource[] | Promise<Resource[]>
}

/** One piece of content as a reader gives it: text, bytes, or either with a type of its own. */
export type ReadPart =
  | string
  | Uint8Array
  | { text: string; uri?: string; mimeType?: string; _meta?: JsonObject }
  | { blob: string | Uint8Array; uri?: string; mimeType?: string; _meta?: JsonObject }
/** `undefined` says that there is no such resource. */
export type ReadReturn = ReadPart | ReadPart[] | undefined
export type ResourceReader = (
  request: { uri: string; variables: Record<string, string> },
  context: Context,
) => ReadReturn | Promise<ReadReturn>

interface RegisteredResource {
  readonly resource: Resource
  readonly read: ResourceReader
  readonly scopes: readonly string[] | undefined
}
interface RegisteredTemplate extends Completable {
  readonly resourceTemplate: ResourceTemplate
  readonly uriTemplate: UriTemplate
  readonly read: ResourceReader
  readonly list: ResourceTemplateConfig['list']
}

/** What is behind a URI. */
interface Found {
  readonly read: ResourceReader
  readonly scopes: readonly string[] | undefined
  readonly variables: Record<string, string>
  readonly mimeType: string | undefined
}

/** RFC 3986: a scheme, a colon, and no white space or control characters. */
const uriPattern = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}]*$/u
const unread: ResourceReader = () => undefined

/** `resources/list`, `resources/templates/list` and `resources/read`. */
export class Resources {
  readonly resources: PagedList<RegisteredResource>
  readonly templates: PagedList<RegisteredTemplate>
  /** By URI; several may be registered under one, of which the first is read. */
  readonly #unlisted = new Map<string, Set<RegisteredResource>>()

  constructor(pageSize: number) {
    this.resources = new PagedList('resources', pageSize, (revision, { resource }) =>
      shapeResource(revision, resource),
    )
    this.templates = new PagedList(
      'resourceTemplates',
      pageSize,
      (revision, { resourceTemplate }) => shapeResourceTemplate(revision, resourceTemplate),
    )
  }

  /** @returns a function that takes the resource away again; @throws TypeError for a URI that is none or is taken */
  add(uri: string, config: ResourceConfig, read: ResourceReader): () => void {
    if (!uriPattern.test(uri)) throw new TypeError(`Not a URI: ${uri}`)
    checkAnnotations(config.annotations)
    checkIcons(config.icons)
    const registered = registeredOf(uri, config, read)
    this.resources.add(uri, registered)
    return () => this.resources.remove(uri, registered)
  }

  /**
   * Adds a resource that can be read but stands in no list. One that is listed under the same URI goes before it.
   *
   * @returns a function that takes it away again; @throws TypeError for a URI that is none
   */
  addUnlisted(uri: string, config: ResourceConfig, read: ResourceReader): () => void {
    if (!uriPattern.test(uri)) throw new TypeError(`Not a URI: ${uri}`)
    const registered = registeredOf(uri, config, read)
    const others = this.#unlisted.get(uri)
    if (others === undefined) this.#unlisted.set(uri, new Set([registered]))
    else others.add(registered)
    return () => {
      const left = this.#unlisted.get(uri)
      left?.delete(registered)
      if (left?.size === 0) this.#unlisted.delete(uri)
    }
  }

  /** Whether there is a resource of that URI, listed or not, or a template for it. */
  has(uri: string): boolean {
    return this.#find(uri) !== undefined
  }

  /** @returns a function that takes the template away again; @throws TypeError for a template that is none or is taken */
  addTemplate(template: string, config: ResourceTemplateConfig, read: ResourceReader): () => void {
    const uriTemplate = parseUriTemplate(template)
    const { complete = {}, list, scopes, ...described } = config
    checkAnnotations(config.annotations)
    checkIcons(config.icons)
    for (const name of Object.keys(complete)) {
      if (!uriTemplate.variables.includes(name)) {
        throw new TypeError(`${template} has no variable "${name}" to complete`)
      }
    }
    const registered = {
      resourceTemplate: { uriTemplate: template, name: template, ...described },
      uriTemplate,
      read,
      list,
      scopes: checkScopes(scopes),
      argumentNames: uriTemplate.variables,
      completers: new Map(Object.entries(complete)),
    }
    this.templates.add(template, registered)
    return () => this.templates.remove(template, registered)
  }

  listResources(
    encoder: ResultEncoder,
    { peer: { revision } }: RequestContext,
    cursor: unknown,
  ): EncodedResult | Promise<EncodedResult> {
    const listers = [...this.templates.values()].flatMap(({ list }) => (list ? [list] : []))
    if (listers.length === 0) return this.resources.page(encoder, revision, cursor)
    return Promise.all(listers.map(async (list) => list())).then((lists) => {
      const further = lists.flat().map((resource) => ({
        resource,
        read: unread,
        scopes: undefined,
      }))
      return this.resources.pageWith(encoder, revision, cursor, further)
    })
  }

  read(context: RequestContext, params: JsonObject): JsonObject | Promise<JsonObject> {
    const { uri } = params
    if (typeof uri !== 'string' || !uriPattern.test(uri)) {
      throw new McpError('INVALID_PARAMS', 'Invalid params: uri must be a URI', { data: { uri } })
    }
    const found = this.#find(uri)
    if (found === undefined) throw notFound(uri)
    requireScopes(context.authInfo, found.scopes)
    context.openRound()
    return mapMaybe(found.read({ uri, variables: found.variables }, context), (returned) => {
      if (returned === undefined) throw notFound(uri)
      const parts = Array.isArray(returned) ? returned : [returned]
      return { contents: parts.map((part) => toContents(part, uri, found.mimeType)) }
    })
  }

  #find(uri: string): Found | undefined {
    const fixed = this.resources.get(uri) ?? this.#unlisted.get(uri)?.values().next().value
    if (fixed !== undefined) {
      const { read, scopes, resource } = fixed
      return { read, scopes, variables: {}, mimeType: resource.mimeType }
    }
    for (const { uriTemplate, read, scopes, resourceTemplate } of this.templates.values()) {
      const variables = uriTemplate.match(uri)
      if (variables !== undefined) {
        return { read, scopes, variables, mimeType: resourceTemplate.mimeType }
      }
    }
    return undefined
  }
}

function registeredOf(
  uri: string,
  { scopes, ...described }: ResourceConfig,
  read: ResourceReader,
): RegisteredResource {
  return { resource: { uri, name: uri, ...described }, read, scopes: checkScopes(scopes) }
}

function toContents(part: ReadPart, uri: string, mimeType: string | undefined): ResourceContents {
  const type = mimeType === undefined ? {} : { mimeType }
  if (typeof part === 'string') return { uri, ...type, text: part }
  if (part instanceof Uint8Array) return { uri, ...type, blob: toBase64(part) }
  if ('blob' in part) return { uri, ...type, ...part, blob: toBase64(part.blob) }
  return { uri, ...type, ...part }
}

function notFound(uri: string): McpError {
  return new McpError('RESOURCE_NOT_FOUND', `Resource not found: ${quoted(uri)}`, { data: { uri } })
}

function checkAnnotations({ audience, priority }: Annotations = {}): void {
  if (audience?.some((each) => each !== 'user' && each !== 'assistant')) {
    throw new TypeError('annotations.audience may hold "user" and "assistant" only')
  }
  if (priority !== undefined && !(priority >= 0 && priority <= 1)) {
    throw new TypeError('annotations.priority must be a number from 0 to 1')
  }
}
