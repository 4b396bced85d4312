import { isJsonObject } from './json-rpc.ts'
import type { Revision } from './revisions/revision.ts'
import type {
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  Implementation,
  JsonObject,
  Prompt,
  Resource,
  ResourceContents,
  ResourceTemplate,
  ServerCapabilities,
  Tool,
} from './types.ts'

/** Things shaped for a revision: members it does not know are left out, content it does not know becomes text. */

export function shapeImplementation(revision: Revision, value: Implementation): JsonObject {
  return pick(value, revision.members.implementation)
}

export function shapeServerCapabilities(
  revision: Revision,
  capabilities: ServerCapabilities,
): JsonObject {
  return pick(capabilities, revision.members.serverCapabilities)
}

export function shapeTool(revision: Revision, tool: Tool): JsonObject {
  const shaped = pick(tool, revision.members.tool)
  if (tool.outputSchema?.type !== 'object' && revision.structuredContent === 'object') {
    delete shaped.outputSchema
  }
  return shaped
}

export function shapeResource(revision: Revision, resource: Resource): JsonObject {
  return pickAnnotated(revision, resource, revision.members.resource)
}

export function shapeResourceTemplate(revision: Revision, template: ResourceTemplate): JsonObject {
  return pickAnnotated(revision, template, revision.members.resourceTemplate)
}

export function shapePrompt(revision: Revision, prompt: Prompt): JsonObject {
  const shaped = pick(prompt, revision.members.prompt)
  if (prompt.arguments !== undefined) {
    shaped.arguments = prompt.arguments.map((each) => pick(each, revision.members.promptArgument))
  }
  return shaped
}

/** The result of a tool; structured content that the revision cannot carry stays as its text alone. */
export function shapeToolResult(revision: Revision, result: CallToolResult): CallToolResult {
  const content = shapeContent(revision, result.content)
  const keepsStructure = result.structuredContent === undefined || canCarry(revision, result)
  if (content === result.content && keepsStructure) return result
  const shaped = { ...result, content }
  if (!keepsStructure) delete shaped.structuredContent
  return shaped
}

function canCarry(revision: Revision, { structuredContent }: CallToolResult): boolean {
  if (revision.structuredContent === 'any') return true
  if (revision.structuredContent === 'none') return false
  return (
    typeof structuredContent === 'object' &&
    structuredContent !== null &&
    !Array.isArray(structuredContent)
  )
}

export function shapePromptResult(revision: Revision, result: GetPromptResult): GetPromptResult {
  if (result.messages.every(({ content }) => isKnown(revision, content))) return result
  return {
    ...result,
    messages: result.messages.map((message) => ({
      ...message,
      content: shapeBlock(revision, message.content),
    })),
  }
}

/** What a resource holds. */
export function shapeResourceContents(
  { members }: Revision,
  contents: ResourceContents[],
): ResourceContents[] {
  const known = members.content
  if (known === undefined) return contents
  return contents.map((each) => pick(each, known) as unknown as ResourceContents)
}

function shapeContent(revision: Revision, content: ContentBlock[]): ContentBlock[] {
  // Written as a loop: this runs for every call.
  for (const block of content) {
    if (!isKnown(revision, block)) return content.map((each) => shapeBlock(revision, each))
  }
  return content
}

/** Whether the revision knows all that the block can have. */
function isKnown({ contentTypes, members }: Revision, block: ContentBlock): boolean {
  return members.content === undefined && contentTypes.has(block.type)
}

function shapeBlock(revision: Revision, block: ContentBlock): ContentBlock {
  if (!revision.contentTypes.has(block.type)) return asText(block)
  const known = revision.members.content
  if (known === undefined) return block
  const shaped = pickAnnotated(revision, block, known)
  if (block.type === 'resource') shaped.resource = pick(block.resource, known)
  return shaped as unknown as ContentBlock
}

function asText(block: ContentBlock): ContentBlock {
  switch (block.type) {
    case 'resource_link':
      return { type: 'text', text: `[${block.title ?? block.name}](${block.uri})` }
    case 'audio':
      return { type: 'text', text: `[audio, ${block.mimeType}]` }
    default:
      return { type: 'text', text: `[${block.type}]` }
  }
}

function pickAnnotated({ members }: Revision, value: object, known: readonly string[]): JsonObject {
  const picked = pick(value, known)
  if (isJsonObject(picked.annotations)) {
    picked.annotations = pick(picked.annotations, members.annotations)
  }
  return picked
}

function pick(value: object, members: readonly string[]): JsonObject {
  const source = value as JsonObject
  const picked: JsonObject = {}
  for (const member of members) {
    if (source[member] !== undefined) picked[member] = source[member]
  }
  return picked
}
