import { type HeaderParameter, headerParameters } from '../protocol/header-parameters.ts'
import type { Prompt, Resource, ResourceTemplate, Tool } from '../protocol/types.ts'
import { parseUriTemplate, type UriTemplate } from '../protocol/uri-template.ts'
import type { UpstreamConfig } from './config/gateway-config.ts'
import type { Approval } from './lock/lock.ts'
import { matchesAny } from './name-pattern.ts'
import type { Upstream } from './upstream/upstream.ts'

/** Something that is offered, and the upstream whose it is. */
interface Route<Item> {
  readonly upstream: Upstream
  /** As clients see it. */
  readonly item: Item
  /** Its name at the upstream. */
  readonly ownName: string
}
export interface ToolRoute extends Route<Tool> {
  readonly headerParameters: readonly HeaderParameter[]
}
export type PromptRoute = Route<Prompt>
export type ResourceRoute = Route<Resource>
export interface TemplateRoute extends Route<ResourceTemplate> {
  readonly uriTemplate: UriTemplate
}

/** What an upstream has and clients do not see, and why. */
export interface Held {
  readonly upstream: string
  readonly kind: 'tool' | 'prompt' | 'resource' | 'resourceTemplate'
  /** Its name at the upstream. */
  readonly name: string
  readonly reason: string
}

/** What clients see of all upstreams together, by name. */
export interface Exposure {
  readonly tools: Map<string, ToolRoute>
  readonly prompts: Map<string, PromptRoute>
  readonly resources: Map<string, ResourceRoute>
  readonly templates: Map<string, TemplateRoute>
  readonly held: readonly Held[]
}

/** Says whether a tool may be offered: why not, or undefined. */
export type Approve = (upstream: string, tool: Tool) => Approval

/** Longer names are refused by clients (2026-07-28, server/tools#tool-names). */
const maxNameLength = 128

/**
 * Puts together what the upstreams offer. Of two things of the same name the one of the first upstream is offered.
 *
 * @param upstreams - in the order of their names
 */
export function expose(upstreams: readonly Upstream[], approve: Approve): Exposure {
  const held: Held[] = []
  const exposure: Exposure = {
    tools: new Map(),
    prompts: new Map(),
    resources: new Map(),
    templates: new Map(),
    held,
  }
  for (const upstream of upstreams) {
    const { catalogue, config } = upstream
    const hold = (kind: Held['kind'], name: string, reason: string): void => {
      held.push({ upstream: upstream.name, kind, name, reason })
    }
    for (const tool of catalogue.tools) {
      if (!isAllowed(config, tool.name)) continue
      const problem = heldByLock(approve(upstream.name, tool))
      if (problem === undefined) {
        const route = toolRoute(upstream, tool)
        if (typeof route === 'string') hold('tool', tool.name, route)
        else add(exposure.tools, route.item.name, route, (why) => hold('tool', tool.name, why))
      } else hold('tool', tool.name, problem)
    }
    for (const prompt of config.offers.prompts ? catalogue.prompts : []) {
      const item = { ...prompt, name: nameOf(config, prompt.name) }
      const route = { upstream, item, ownName: prompt.name }
      add(exposure.prompts, item.name, route, (why) => hold('prompt', prompt.name, why))
    }
    for (const item of config.offers.resources ? catalogue.resources : []) {
      const route = { upstream, item, ownName: item.uri }
      add(exposure.resources, item.uri, route, (why) => hold('resource', item.uri, why))
    }
    for (const item of config.offers.resources ? catalogue.resourceTemplates : []) {
      const ownName = item.uriTemplate
      const uriTemplate = templateOf(ownName)
      if (uriTemplate === undefined) hold('resourceTemplate', ownName, 'it is no URI template')
      else {
        const route = { upstream, item, ownName, uriTemplate }
        add(exposure.templates, ownName, route, (why) => hold('resourceTemplate', ownName, why))
      }
    }
  }
  return exposure
}

function isAllowed({ allow, deny }: UpstreamConfig, name: string): boolean {
  return (allow === undefined || matchesAny(allow, name)) && !matchesAny(deny, name)
}

function heldByLock(approval: Approval): string | undefined {
  switch (approval) {
    case 'approved':
      return undefined
    case 'new':
      return 'it is new: approve it by tsmcp lock'
    case 'changed':
      return 'it has changed since it was approved: look at tsmcp lock diff, and approve it by tsmcp lock'
  }
}

function nameOf({ prefix, rename }: UpstreamConfig, name: string): string {
  return prefix + (rename.get(name) ?? name)
}

const toolRoutes = new WeakMap<Tool, ToolRoute | string>()

/** The route of a tool, or why there is none. The same for the same tool, as long as its upstream is the same. */
function toolRoute(upstream: Upstream, tool: Tool): ToolRoute | string {
  let route = toolRoutes.get(tool)
  if (route === undefined) {
    route = newToolRoute(upstream, tool)
    toolRoutes.set(tool, route)
  }
  return route
}

function newToolRoute(upstream: Upstream, tool: Tool): ToolRoute | string {
  const name = nameOf(upstream.config, tool.name)
  if (name.length > maxNameLength) return `its name is longer than ${maxNameLength} characters`
  const item: Tool = { ...tool, name }
  if (upstream.makesTasks && tool.execution === undefined) {
    // There the server decides, and clients of 2025-11-25 may ask for one.
    item.execution = { taskSupport: 'optional' }
  }
  try {
    return {
      upstream,
      item,
      ownName: tool.name,
      headerParameters: headerParameters(tool.inputSchema),
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function templateOf(template: string): UriTemplate | undefined {
  try {
    return parseUriTemplate(template)
  } catch {
    return undefined
  }
}

function add<Item>(
  items: Map<string, Route<Item>>,
  name: string,
  route: Route<Item>,
  hold: (reason: string) => void,
): void {
  const other = items.get(name)
  if (other === undefined) items.set(name, route)
  else hold(`${other.upstream.name} has one of the same name`)
}

/** Whether two routes are the same to clients and lead to the same. */
export function isSameRoute(one: Route<object>, other: Route<object>): boolean {
  if (one === other) return true
  if (one.upstream !== other.upstream || one.ownName !== other.ownName) return false
  return one.item === other.item || JSON.stringify(one.item) === JSON.stringify(other.item)
}
