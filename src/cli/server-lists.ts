import type {
  CacheableRequestOptions,
  Client,
  Prompt,
  Resource,
  ResourceTemplateType,
  Tool,
} from '@modelcontextprotocol/client'

/**
 * The lists of a server, each empty when the server does not offer its kind. The client would answer
 * the same, and print a line about it to standard output.
 */
export interface ServerLists {
  tools(): Promise<Tool[]>
  resources(): Promise<Resource[]>
  resourceTemplates(): Promise<ResourceTemplateType[]>
  prompts(): Promise<Prompt[]>
}

/** The lists of the server that a client is connected to. */
export function serverLists(client: Client, options: CacheableRequestOptions): ServerLists {
  const offers = client.getServerCapabilities() ?? {}
  return {
    tools: async () =>
      offers.tools === undefined ? [] : (await client.listTools(undefined, options)).tools,
    resources: async () =>
      offers.resources === undefined
        ? []
        : (await client.listResources(undefined, options)).resources,
    resourceTemplates: async () =>
      offers.resources === undefined
        ? []
        : (await client.listResourceTemplates(undefined, options)).resourceTemplates,
    prompts: async () =>
      offers.prompts === undefined ? [] : (await client.listPrompts(undefined, options)).prompts,
  }
}
