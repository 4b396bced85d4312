import { isDeepStrictEqual } from 'node:util'
import type {
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  ReadResourceResult,
} from '@modelcontextprotocol/client'
import { harmless } from './io.ts'

/** A tool's result as people read it: texts as they are, structured content as JSON. */
export function toolResultLines(result: CallToolResult): string[] {
  const { structuredContent } = result
  const blocks = result.content.filter(
    (block) => structuredContent === undefined || !isItsText(block, structuredContent),
  )
  const lines = blocks.flatMap(contentLines)
  if (structuredContent !== undefined) lines.push(JSON.stringify(structuredContent, undefined, 2))
  return lines
}

/** A prompt's messages, each under the role that speaks it. */
export function promptLines(result: GetPromptResult): string[] {
  return result.messages.flatMap(({ role, content }) => {
    const [first = '', ...rest] = contentLines(content)
    return [`${role}: ${first}`, ...rest]
  })
}

/** One line (or text of several) for each block of content. */
function contentLines(block: ContentBlock): string[] {
  switch (block.type) {
    case 'text':
      return [block.text]
    case 'image':
    case 'audio':
      return [`[${block.type}, ${block.mimeType}, ${byteLength(block.data)} bytes]`]
    case 'resource_link':
      return [
        `[resource ${block.uri}${block.description === undefined ? '' : `: ${block.description}`}]`,
      ]
    case 'resource':
      return 'text' in block.resource
        ? [block.resource.text]
        : [`[resource ${block.resource.uri}, ${byteLength(block.resource.blob)} bytes]`]
    default:
      return [JSON.stringify(block)]
  }
}

/** The pieces of a resource: text for a terminal, bytes as they are for a file or a pipe. */
export function resourcePieces(
  result: ReadResourceResult,
  isTerminal: boolean,
): (string | Buffer)[] {
  return result.contents.map((content) => {
    if ('text' in content) {
      const text = isTerminal ? harmless(content.text) : content.text
      return text.endsWith('\n') ? text : `${text}\n`
    }
    const type = content.mimeType ?? 'binary'
    if (!isTerminal) return Buffer.from(content.blob, 'base64')
    return `[${type}, ${byteLength(content.blob)} bytes: send the output to a file to keep it]\n`
  })
}

/** Servers repeat structured content as a text block for older clients: it is printed once. */
function isItsText(block: ContentBlock, structuredContent: unknown): boolean {
  if (block.type !== 'text') return false
  try {
    return isDeepStrictEqual(JSON.parse(block.text), structuredContent)
  } catch {
    return false
  }
}

function byteLength(base64: string): number {
  return Buffer.byteLength(base64, 'base64')
}
