import type { Peer } from '../../client/peer.ts'
import { McpError } from '../../protocol/errors.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { Prompt, Resource, ResourceTemplate, Tool } from '../../protocol/types.ts'

/** What an upstream offers, in its own names. */
export interface Catalogue {
  readonly tools: readonly Tool[]
  readonly resources: readonly Resource[]
  readonly resourceTemplates: readonly ResourceTemplate[]
  readonly prompts: readonly Prompt[]
}

/** The lists of a server. */
export type CatalogueList = keyof Catalogue

const maxPages = 1000
/** Items of one list; what an upstream has beyond is not offered. */
const maxItems = 20_000

const lists: Record<
  CatalogueList,
  { method: string; key: string; capability: 'tools' | 'resources' | 'prompts' }
> = {
  tools: { method: 'tools/list', key: 'name', capability: 'tools' },
  resources: { method: 'resources/list', key: 'uri', capability: 'resources' },
  resourceTemplates: {
    method: 'resources/templates/list',
    key: 'uriTemplate',
    capability: 'resources',
  },
  prompts: { method: 'prompts/list', key: 'name', capability: 'prompts' },
}

export const emptyCatalogue: Catalogue = {
  tools: [],
  resources: [],
  resourceTemplates: [],
  prompts: [],
}

export const allLists = Object.keys(lists) as CatalogueList[]

/** Asks for all lists. @throws McpError when the server does not give them */
export async function readCatalogue(peer: Peer, signal: AbortSignal): Promise<Catalogue> {
  const read = await Promise.all(allLists.map((name) => readList(peer, name, signal)))
  return Object.fromEntries(allLists.map((name, index) => [name, read[index]])) as never
}

/** The lists that a notification says have changed. */
export function changedLists(method: string): readonly CatalogueList[] {
  switch (method) {
    case 'notifications/tools/list_changed':
      return ['tools']
    case 'notifications/prompts/list_changed':
      return ['prompts']
    case 'notifications/resources/list_changed':
      return ['resources', 'resourceTemplates']
    default:
      return []
  }
}

/** One whole list; empty where the server has no such thing. */
export async function readList(
  peer: Peer,
  name: CatalogueList,
  signal: AbortSignal,
): Promise<object[]> {
  const { method, key, capability } = lists[name]
  if (peer.capabilities[capability] === undefined) return []
  const items = new Map<string, object>()
  let cursor: unknown
  for (let page = 0; page < maxPages; page++) {
    let result: Record<string, unknown>
    try {
      result = await peer.request(method, cursor === undefined ? {} : { cursor }, { signal })
    } catch (error) {
      // Servers with resources need have no templates, nor know the method.
      if (error instanceof McpError && error.code === 'METHOD_NOT_FOUND') return []
      throw error
    }
    for (const item of Array.isArray(result[name]) ? result[name] : []) {
      if (!isJsonObject(item) || typeof item[key] !== 'string') continue
      if (name === 'tools' && !isJsonObject(item.inputSchema)) continue
      if (items.size < maxItems && !items.has(item[key])) items.set(item[key], item)
    }
    cursor = result.nextCursor
    if (typeof cursor !== 'string') break
  }
  return [...items.values()]
}
