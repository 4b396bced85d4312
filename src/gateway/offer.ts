import { shapePrompt, shapeResource, shapeResourceTemplate, shapeTool } from '../protocol/shape.ts'
import type { Directory } from '../registry/directory.ts'
import { defineKind, type Kind } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'
import { PagedList } from '../server/list.ts'
import {
  type Exposure,
  isSameRoute,
  type PromptRoute,
  type ResourceRoute,
  type TemplateRoute,
  type ToolRoute,
} from './exposure.ts'
import type { Upstream } from './upstream/upstream.ts'

interface AnyRoute {
  readonly upstream: Upstream
  readonly item: object
  readonly ownName: string
}

const describe = ({ upstream, ownName }: AnyRoute) => ({ upstream: upstream.name, ownName })
const toolKind = defineKind<ToolRoute>('tool', { describe })
const promptKind = defineKind<PromptRoute>('prompt', { describe })
const resourceKind = defineKind<ResourceRoute>('resource', { describe })
const templateKind = defineKind<TemplateRoute>('resource template', { describe })

/** Resources that were named in results and stand in no list; of more the oldest are forgotten. */
const maxMentioned = 10_000

/** What clients see of all upstreams, as lists that are kept as bytes, and where each name leads. */
export class Offer {
  readonly tools: PagedList<ToolRoute>
  readonly prompts: PagedList<PromptRoute>
  readonly resources: PagedList<ResourceRoute>
  readonly templates: PagedList<TemplateRoute>
  readonly #registry: Registry
  readonly #mentioned = new Map<string, Upstream>()

  constructor(registry: Registry, pageSize: number) {
    this.#registry = registry
    this.tools = new PagedList(
      registry.of(toolKind),
      'tools',
      pageSize,
      (revision, { item }) => shapeTool(revision, item),
      (a, b) => compare(a.item.name, b.item.name),
    )
    this.prompts = new PagedList(
      registry.of(promptKind),
      'prompts',
      pageSize,
      (revision, { item }) => shapePrompt(revision, item),
      (a, b) => compare(a.item.name, b.item.name),
    )
    this.resources = new PagedList(
      registry.of(resourceKind),
      'resources',
      pageSize,
      (revision, { item }) => shapeResource(revision, item),
      (a, b) => compare(a.item.uri, b.item.uri),
    )
    this.templates = new PagedList(
      registry.of(templateKind),
      'resourceTemplates',
      pageSize,
      (revision, { item }) => shapeResourceTemplate(revision, item),
      (a, b) => compare(a.item.uriTemplate, b.item.uriTemplate),
    )
  }

  /** From now on clients see this; what has not changed is not touched. */
  update(exposure: Exposure): void {
    this.#change(toolKind, exposure.tools)
    this.#change(promptKind, exposure.prompts)
    this.#change(resourceKind, exposure.resources)
    this.#change(templateKind, exposure.templates)
  }

  /** A result of an upstream has named resources: they are its. */
  mention(uris: readonly string[], upstream: Upstream): void {
    for (const uri of uris) {
      this.#mentioned.delete(uri)
      this.#mentioned.set(uri, upstream)
      const [oldest] = this.#mentioned.keys()
      if (this.#mentioned.size > maxMentioned && oldest !== undefined)
        this.#mentioned.delete(oldest)
    }
  }

  /** The upstream has gone, and what it has named with it. */
  forget(upstream: Upstream): void {
    for (const [uri, each] of this.#mentioned) if (each === upstream) this.#mentioned.delete(uri)
  }

  /**
   * Whose a resource is: that of whoever lists it, has named it, or has a template that it fits. Nobody else is asked
   * for it: a URI may give access.
   */
  ownerOf(uri: string): Upstream | undefined {
    const listed = this.resources.get(uri)?.upstream ?? this.#mentioned.get(uri)
    if (listed !== undefined) return listed
    return this.templates.values().find(({ uriTemplate }) => uriTemplate.match(uri))?.upstream
  }

  #change<Route extends AnyRoute>(kind: Kind<Route>, wanted: ReadonlyMap<string, Route>): void {
    const names: Directory<Route> = this.#registry.of(kind)
    for (const { name, value } of names.entries()) {
      const next = wanted.get(name)
      if (next === undefined || !isSameRoute(value, next)) names.unregister(name)
    }
    for (const [name, route] of wanted) if (!names.has(name)) names.register(name, route)
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
