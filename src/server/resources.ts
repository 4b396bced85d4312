import { McpError, quoted } from '../protocol/errors.ts'
import { checkIcons } from '../protocol/icons.ts'
import { checkMeta } from '../protocol/meta.ts'
import { shapeResource, shapeResourceContents, shapeResourceTemplate } from '../protocol/shape.ts'
import type {
  Annotations,
  Icon,
  JsonObject,
  Resource,
  ResourceContents,
  ResourceTemplate,
} from '../protocol/types.ts'
import { parseUriTemplate, type UriTemplate } from '../protocol/uri-template.ts'
import type { Directory } from '../registry/directory.ts'
import { defineKind } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'
import type { Completable, Completer } from './completion.ts'
import { toBase64 } from './content.ts'
import type { Context, RequestContext } from './context.ts'
import { PagedList, viewOf } from './list.ts'
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
const resourceKind = defineKind<RegisteredResource>('resource', { describe: describeResource })
const templateKind = defineKind<RegisteredTemplate>('resource template', {
  describe: ({ resourceTemplate: { name, mimeType = '' } }) => ({ name, mimeType }),
})
/** Resources that can be read but stand in no list. Several may be of one URI. */
const unlistedKind = defineKind<RegisteredResource>('unlisted resource', {
  describe: describeResource,
})
const uriOf = ({ resource }: RegisteredResource): string => resource.uri
const templateOf = ({ resourceTemplate }: RegisteredTemplate): string =>
  resourceTemplate.uriTemplate

/** RFC 3986: a scheme, a colon, and no white space or control characters. */
const uriPattern = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}]*$/u
const unread: ResourceReader = () => undefined

/** `resources/list`, `resources/templates/list` and `resources/read`. */
export class Resources {
  readonly resources: PagedList<RegisteredResource>
  readonly templates: PagedList<RegisteredTemplate>
  /** Groups of one URI, of which the first is read. */
  readonly #unlisted: Directory<RegisteredResource>

  constructor(registry: Registry, pageSize: number) {
    this.#unlisted = registry.of(unlistedKind)
    this.resources = new PagedList(
      registry.of(resourceKind),
      'resources',
      pageSize,
      (revision, { resource }) => shapeResource(revision, resource),
    )
    this.templates = new PagedList(
      registry.of(templateKind),
      'resourceTemplates',
      pageSize,
      (revision, { resourceTemplate }) => shapeResourceTemplate(revision, resourceTemplate),
    )
  }

  /** @returns a function that takes the resource away again; @throws TypeError for a URI that is none or is taken */
  add(uri: string, config: ResourceConfig, read: ResourceReader): () => void {
    if (!uriPattern.test(uri)) throw new TypeError(`Not a URI: ${uri}`)
    checkDescription(config)
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
    const entry = this.#unlisted.join(uri, registered)
    return () => entry.unregister()
  }

  /** Whether there is a resource of that URI, listed or not, or a template for it. */
  has(uri: string): boolean {
    return this.#find(uri) !== undefined
  }

  /** @returns a function that takes the template away again; @throws TypeError for a template that is none or is taken */
  addTemplate(template: string, config: ResourceTemplateConfig, read: ResourceReader): () => void {
    const uriTemplate = parseUriTemplate(template)
    const { complete = {}, list, scopes, ...described } = config
    checkDescription(config)
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
    { peer: { revision }, visibility }: RequestContext,
    cursor: unknown,
  ): EncodedResult | Promise<EncodedResult> {
    const view = viewOf(visibility, 'resource', uriOf)
    const listers = this.templates.values().flatMap(({ list }) => (list ? [list] : []))
    if (listers.length === 0) return this.resources.page(encoder, revision, cursor, view)
    return Promise.all(listers.map(async (list) => list())).then((lists) => {
      const further = lists.flat().map((resource) => ({
        resource,
        read: unread,
        scopes: undefined,
      }))
      return this.resources.pageWith(encoder, revision, cursor, further, view)
    })
  }

  listTemplates(
    encoder: ResultEncoder,
    { peer: { revision }, visibility }: RequestContext,
    cursor: unknown,
  ): EncodedResult {
    const view = viewOf(visibility, 'resourceTemplate', templateOf)
    return this.templates.page(encoder, revision, cursor, view)
  }

  read(context: RequestContext, params: JsonObject): JsonObject | Promise<JsonObject> {
    const { uri } = params
    if (typeof uri !== 'string' || !uriPattern.test(uri)) {
      throw new McpError('INVALID_PARAMS', 'Invalid params: uri must be a URI', { data: { uri } })
    }
    const found = this.#find(uri)
    if (found === undefined) throw notFound(uri)
    requireScopes(context.authInfo, found.scopes)
    const read = () => found.read({ uri, variables: found.variables }, context)
    return mapMaybe(mapMaybe(context.openRound(), read), (returned) => {
      if (returned === undefined) throw notFound(uri)
      const parts = Array.isArray(returned) ? returned : [returned]
      const contents = parts.map((part) => toContents(part, uri, found.mimeType))
      return { contents: shapeResourceContents(context.peer.revision, contents) }
    })
  }

  #find(uri: string): Found | undefined {
    const fixed = this.resources.get(uri) ?? this.#unlisted.firstMember(uri)
    if (fixed !== undefined) {
      const { read, scopes, resource } = fixed
      return { read, scopes, variables: {}, mimeType: resource.mimeType }
    }
    for (const { uriTemplate, read, scopes, resourceTemplate } of this.templates.values()) {
      const variables = uriTemplate.match(uri)
      // A reader that puts it into a path would leave the folder that it is for.
      if (variables !== undefined && !Object.values(variables).some(climbs)) {
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

/** `..` as a part of a path, or a zero character, at which C ends a path. */
function climbs(value: string): boolean {
  return value.includes('\0') || /(?:^|[/\\])\.\.(?:$|[/\\])/.test(value)
}

function toContents(part: ReadPart, uri: string, mimeType: string | undefined): ResourceContents {
  const type = mimeType === undefined ? {} : { mimeType }
  if (typeof part === 'string') return { uri, ...type, text: part }
  if (part instanceof Uint8Array) return { uri, ...type, blob: toBase64(part) }
  if ('blob' in part) return { uri, ...type, ...part, blob: toBase64(part.blob) }
  return { uri, ...type, ...part }
}

function describeResource({ resource: { name, mimeType = '' } }: RegisteredResource) {
  return { name, mimeType }
}

function notFound(uri: string): McpError {
  return new McpError('RESOURCE_NOT_FOUND', `Resource not found: ${quoted(uri)}`, { data: { uri } })
}

function checkDescription({ annotations = {}, icons, size, _meta }: ResourceConfig): void {
  const { audience, priority, lastModified } = annotations
  if (audience?.some((each) => each !== 'user' && each !== 'assistant')) {
    throw new TypeError('annotations.audience may hold "user" and "assistant" only')
  }
  if (priority !== undefined && !(priority >= 0 && priority <= 1)) {
    throw new TypeError('annotations.priority must be a number from 0 to 1')
  }
  if (lastModified !== undefined && !isTime(lastModified)) {
    throw new TypeError('annotations.lastModified must be a time of ISO 8601')
  }
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw new TypeError('size must be a number of bytes')
  }
  checkIcons(icons)
  checkMeta(_meta)
}

const isoTime = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/

function isTime(text: string): boolean {
  return isoTime.test(text) && !Number.isNaN(Date.parse(text))
}
