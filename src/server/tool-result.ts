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
    if (Array.isArray(returned.content)) return withoutType(returned as unknown as CallToolResult)
    if (typeof returned.type === 'string') return { content: [returned as unknown as ContentBlock] }
  }
  throw new McpError('INTERNAL_ERROR', 'The tool returned neither text, content nor a result')
}

/** What kind of result it is, is for the protocol to say (2026-07-28, basic/index#resulttype). */
export function withoutType<Result extends object>(result: Result): Result {
  if (!('resultType' in result)) return result
  const { resultType: _, ...rest } = result
  return rest as Result
}

export function structuredResult(returned: unknown): CallToolResult {
  if (isToolResult(returned)) return withoutType(returned)
  return { content: [text(JSON.stringify(returned) ?? 'null')], structuredContent: returned }
}

export function failed(message: string): CallToolResult {
  return { content: [text(message)], isError: true }
}
