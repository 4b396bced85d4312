import { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { CallToolResult, ContentBlock } from '../protocol/types.ts'
import { isToolResult, text } from './content.ts'

/** What tools return, as results. */

export function plainResult(returned: unknown): CallToolResult {
  if (typeof returned === 'string') return { content: [text(returned)] }
  if (returned === undefined) return { content: [] }
  if (Array.isArray(returned)) return { content: returned as ContentBlock[] }
  if (isJsonObject(returned)) {
    if (Array.isArray(returned.content)) return returned as unknown as CallToolResult
    if (typeof returned.type === 'string') return { content: [returned as unknown as ContentBlock] }
  }
  throw new McpError('INTERNAL_ERROR', 'The tool returned neither text, content nor a result')
}

export function structuredResult(returned: unknown): CallToolResult {
  if (isToolResult(returned)) return returned
  return { content: [text(JSON.stringify(returned) ?? 'null')], structuredContent: returned }
}

export function failed(message: string): CallToolResult {
  return { content: [text(message)], isError: true }
}
