import { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import { metaKey } from '../protocol/meta.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import { shapePromptResult, shapeResourceContents, shapeToolResult } from '../protocol/shape.ts'
import type {
  CallToolResult,
  GetPromptResult,
  JsonObject,
  ResourceContents,
} from '../protocol/types.ts'

/** The `_meta` of a client's request without what is between the client and us. */
export function forwardedMeta(params: JsonObject): JsonObject | undefined {
  const { _meta } = params
  if (!isJsonObject(_meta)) return undefined
  const entries = Object.entries(_meta).filter(([key]) => !ours.has(key))
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const ours = new Set<string>([...Object.values(metaKey), 'progressToken'])

/** A result without what the upstream says of itself and of its revision. */
function withoutEra(result: JsonObject): JsonObject {
  const { resultType: _, ttlMs: __, cacheScope: ___, _meta, ...rest } = result
  if (!isJsonObject(_meta)) return rest
  const { [metaKey.serverInfo]: ____, ...meta } = _meta
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
}

/** @throws McpError INVALID_RESPONSE when it is no result of a tool */
export function toolResult(revision: Revision, result: JsonObject): JsonObject {
  const plain = withoutEra(result)
  if (!isListOfObjects(plain.content)) throw malformed('tools/call')
  return shapeToolResult(revision, plain as unknown as CallToolResult) as unknown as JsonObject
}

/** @throws McpError INVALID_RESPONSE when it is no prompt */
export function promptResult(revision: Revision, result: JsonObject): JsonObject {
  const plain = withoutEra(result)
  const { messages } = plain
  if (!isListOfObjects(messages) || !messages.every(({ content }) => isJsonObject(content))) {
    throw malformed('prompts/get')
  }
  return shapePromptResult(revision, plain as unknown as GetPromptResult) as unknown as JsonObject
}

/** @throws McpError INVALID_RESPONSE when it holds no contents */
export function readResult(revision: Revision, result: JsonObject): JsonObject {
  const plain = withoutEra(result)
  if (!isListOfObjects(plain.contents)) throw malformed('resources/read')
  const contents = plain.contents as unknown as ResourceContents[]
  return { ...plain, contents: shapeResourceContents(revision, contents) }
}

/** @throws McpError INVALID_RESPONSE when it holds no values */
export function completionResult(result: JsonObject): JsonObject {
  const plain = withoutEra(result)
  if (!isJsonObject(plain.completion) || !Array.isArray(plain.completion.values)) {
    throw malformed('completion/complete')
  }
  return plain
}

/** The URIs that a result of a tool or a prompt names. */
export function mentionedUris({ content, messages }: JsonObject): string[] {
  const blocks = isListOfObjects(content)
    ? content
    : isListOfObjects(messages)
      ? messages.map((message) => message.content).filter(isJsonObject)
      : []
  return blocks.flatMap(({ type, uri, resource }) => {
    if (type === 'resource_link' && typeof uri === 'string') return [uri]
    const embedded = type === 'resource' && isJsonObject(resource) ? resource.uri : undefined
    return typeof embedded === 'string' ? [embedded] : []
  })
}

function isListOfObjects(value: unknown): value is JsonObject[] {
  return Array.isArray(value) && value.every(isJsonObject)
}

function malformed(method: string): McpError {
  return new McpError('INVALID_RESPONSE', `What it answered to ${method} is no such result`)
}
