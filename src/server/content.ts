import type {
  AudioContent,
  CallToolResult,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  JsonObject,
  Resource,
  ResourceContents,
  ResourceLink,
  TextContent,
} from '../protocol/types.ts'

/** A text block. */
export function text(value: string): TextContent {
  return { type: 'text', text: value }
}

/** An image block from bytes, or from base64 text. */
export function image(data: Uint8Array | string, mimeType: string): ImageContent {
  return { type: 'image', data: toBase64(data), mimeType }
}

/** An audio block from bytes, or from base64 text. */
export function audio(data: Uint8Array | string, mimeType: string): AudioContent {
  return { type: 'audio', data: toBase64(data), mimeType }
}

/** A pointer to a resource that the client may read. */
export function resourceLink(resource: Resource): ResourceLink {
  return { type: 'resource_link', ...resource }
}

/** A resource inside a result. */
export function embeddedResource(resource: ResourceContents): EmbeddedResource {
  return { type: 'resource', resource }
}

const wholeResult: unique symbol = Symbol.for('tsmcp.toolResult') as never

/** A whole tool result, made by {@link toolResult}. */
export type ToolResult = CallToolResult & { readonly [wholeResult]: true }

/** A whole tool result, for a handler that wants to set more than its content. */
export function toolResult(parts: {
  content?: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean
  _meta?: JsonObject
}): ToolResult {
  const result = { content: mirrored(parts), ...parts }
  return Object.defineProperty(result, wholeResult, { value: true }) as ToolResult
}

/** A tool result that tells the model what went wrong. */
export function toolError(message: string): ToolResult {
  return toolResult({ content: [text(message)], isError: true })
}

export function isToolResult(value: unknown): value is ToolResult {
  return typeof value === 'object' && value !== null && wholeResult in value
}

/** Structured content given alone is repeated as text, for clients that only read text. */
function mirrored(parts: { structuredContent?: unknown }): ContentBlock[] {
  return parts.structuredContent === undefined
    ? []
    : [text(JSON.stringify(parts.structuredContent))]
}

export function toBase64(data: Uint8Array | string): string {
  if (typeof data === 'string') return data
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}
