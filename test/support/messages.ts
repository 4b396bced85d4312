/** JSON-RPC messages as tests write and read them: plain objects, no client in between. */

/** A JSON value to look into without knowing its type. */
export interface Loose {
  readonly [key: string]: Loose
}

export interface Message {
  jsonrpc?: string
  id?: string | number | null
  method?: string
  params?: Loose
  result?: Loose
  error?: { code: number; message: string; data?: Loose }
}

export const statefulVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export const statelessVersion = '2026-07-28'
export const allVersions = [statelessVersion, ...statefulVersions] as const

export const key = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

export const clientInfo = { name: 'test', version: '1' }

/** A client that can do everything. */
export const ableClient = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
}

export function request(method: string, params?: object, id: string | number = 1) {
  return { jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) }
}

export function notification(method: string, params?: object) {
  return { jsonrpc: '2.0', method, ...(params !== undefined && { params }) }
}

/** The `_meta` of a stateless request. */
export function metaOf(capabilities: object = {}, extra: object = {}) {
  return { [key.version]: statelessVersion, [key.capabilities]: capabilities, ...extra }
}

export function initialize(version: string, capabilities: object = {}, id: string | number = 0) {
  return request('initialize', { protocolVersion: version, capabilities, clientInfo }, id)
}

/** The elements of an array somewhere in a message. */
export function list(value: unknown): Loose[] {
  if (!Array.isArray(value)) throw new TypeError(`Not an array: ${JSON.stringify(value)}`)
  return value as Loose[]
}

/** The text of a result's first block. */
export function firstText(message: Message): string {
  return String(list(message.result?.content)[0]?.text)
}

/** Errors tell what was wrong and nothing of the inside: no stack, no path, one line. */
export function leaksInternals(text: string): boolean {
  return /\n|\\n|node_modules|\bat \S+ \(|file:\/\/|\.ts\b|\.js\b|\/work\/|\/home\//.test(text)
}
