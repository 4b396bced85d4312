import type { Revision } from './revisions/revision.ts'
import type {
  CallToolResult,
  ContentBlock,
  GetPromptResult,
  Implementation,
  JsonObject,
  Prompt,
  Resource,
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
  return pick(resource, revision.members.resource)
}

export function shapeResourceTemplate(revision: Revision, template: ResourceTemplate): JsonObject {
  return pick(template, revision.members.resourceTemplate)
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
  if (result.messages.every(({ content }) => revision.contentTypes.has(content.type))) return result
  return {
    ...result,
    messages: result.messages.map((message) => ({
      ...message,
      content: shapeBlock(revision, message.content),
    })),
  }
}

function shapeContent(revision: Revision, content: ContentBlock[]): ContentBlock[] {
  // Written as a loop: this runs for every call.
  for (const block of content) {
    if (!revision.contentTypes.has(block.type)) {
      return content.map((each) => shapeBlock(revision, each))
    }
  }
  return content
}

function shapeBlock(revision: Revision, block: ContentBlock): ContentBlock {
  if (revision.contentTypes.has(block.type)) return block
  switch (block.type) {
    case 'resource_link':
      return { type: 'text', text: `[${block.title ?? block.name}](${block.uri})` }
    case 'audio':
      return { type: 'text', text: `[audio, ${block.mimeType}]` }
    default:
      return { type: 'text', text: `[${block.type}]` }
  }
}

function pick(value: object, members: readonly string[]): JsonObject {
  const source = value as JsonObject
  const picked: JsonObject = {}
  for (const member of members) {
    if (source[member] !== undefined) picked[member] = source[member]
  }
  return picked
}
