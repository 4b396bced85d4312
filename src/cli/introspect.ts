import type { Servable } from '../index.ts'
import { connectInMemory } from '../memory.ts'

/** What a server says of itself at the start: enough for the banner. */
export interface Introduction {
  readonly name: string
  readonly version: string
  readonly tools: readonly { readonly name: string; readonly inputSchema: unknown }[]
  readonly counts: Readonly<Record<'tools' | 'resources' | 'templates' | 'prompts', number>>
}

/** A module that cannot answer `tools/list` at once is served all the same, only without an example. */
const patienceMs = 2_000

/**
 * Asks a server for its name and its lists over an in-memory connection. It writes the five
 * messages itself: the official client would cost each serving process 70 ms and its memory.
 */
export async function introspect(server: Servable): Promise<Introduction | undefined> {
  const transport = connectInMemory(server)
  const waiting = new Map<unknown, (message: Record<string, unknown>) => void>()
  transport.onmessage = (message: unknown) => {
    if (isRecord(message)) waiting.get(message.id)?.(message)
  }
  let lastId = 0
  const ask = async (
    method: string,
    params: Record<string, unknown>,
  ): Promise<Record<string, unknown>> => {
    const id = ++lastId
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>()
    waiting.set(id, resolve)
    await transport.send({ jsonrpc: '2.0', id, method, params })
    const { result } = await promise
    return isRecord(result) ? result : {}
  }
  const list = async (method: string, field: string): Promise<Record<string, unknown>[]> => {
    const { [field]: items } = await ask(method, {})
    return Array.isArray(items) ? items.filter(isRecord) : []
  }
  const introduce = async (): Promise<Introduction> => {
    await transport.start()
    const { serverInfo, capabilities } = await ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'tsmcp', version: '0' },
    })
    await transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    const offers = isRecord(capabilities) ? capabilities : {}
    const tools = offers.tools === undefined ? [] : await list('tools/list', 'tools')
    const hasResources = offers.resources !== undefined
    const resources = hasResources ? await list('resources/list', 'resources') : []
    const templates = hasResources
      ? await list('resources/templates/list', 'resourceTemplates')
      : []
    const prompts = offers.prompts === undefined ? [] : await list('prompts/list', 'prompts')
    const info = isRecord(serverInfo) ? serverInfo : {}
    return {
      name: String(info.name ?? 'server'),
      version: String(info.version ?? ''),
      tools: tools.map((tool) => ({ name: String(tool.name), inputSchema: tool.inputSchema })),
      counts: {
        tools: tools.length,
        resources: resources.length,
        templates: templates.length,
        prompts: prompts.length,
      },
    }
  }
  let timer: NodeJS.Timeout | undefined
  try {
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, patienceMs, undefined)
    })
    return await Promise.race([introduce(), tooLate])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
    await transport.close().catch(() => {})
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
