import type { Revision } from './revisions/revision.ts'
import type { CreateMessageParams, SamplingContent, SamplingMessage } from './types.ts'

/** What a server may put into `sampling/createMessage` (client/sampling). */

const blockTypes = ['text', 'image', 'audio', 'tool_use', 'tool_result']

/** Checks a request for sampling before it is sent. @throws TypeError that says what is wrong */
export function checkSampling(revision: Revision, request: CreateMessageParams): void {
  if (!Array.isArray(request.messages)) throw new TypeError('sample() needs messages')
  if (!Number.isInteger(request.maxTokens) || request.maxTokens < 1) {
    throw new TypeError('sample() needs maxTokens, a positive integer')
  }
  const { hints: _, ...priorities } = request.modelPreferences ?? {}
  for (const [name, priority] of Object.entries(priorities)) {
    if (priority !== undefined && !(priority >= 0 && priority <= 1)) {
      throw new TypeError(`modelPreferences.${name} must be a number from 0 to 1`)
    }
  }
  for (const message of request.messages) checkMessage(revision, message)
  checkBalance(request.messages)
}

function checkMessage(revision: Revision, { role, content }: SamplingMessage): void {
  if (role !== 'user' && role !== 'assistant') {
    throw new TypeError('The role of a sampling message is "user" or "assistant"')
  }
  if (Array.isArray(content) && !revision.sampling.tools) {
    throw new TypeError(`A sampling message has one block of content in ${revision.name}`)
  }
  for (const block of blocksOf({ role, content })) {
    const { type } = block
    const isTool = type === 'tool_use' || type === 'tool_result'
    const isKnown =
      blockTypes.includes(type) &&
      (revision.sampling.tools || !isTool) &&
      (revision.sampling.audio || type !== 'audio')
    if (!isKnown) throw new TypeError(`Sampling in ${revision.name} knows no ${type} block`)
    checkBlock(block)
  }
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function checkBlock(block: SamplingContent): void {
  if (block.type === 'text' && typeof block.text !== 'string') {
    throw new TypeError('A text block has text')
  }
  if (block.type !== 'image' && block.type !== 'audio') return
  if (typeof block.data !== 'string' || !base64.test(block.data)) {
    throw new TypeError(`The data of an ${block.type} block is base64`)
  }
  if (typeof block.mimeType !== 'string') {
    throw new TypeError(`A block of type ${block.type} has a mimeType`)
  }
}

/** Each use of a tool is answered at once, by a message of its results and nothing else. */
function checkBalance(messages: readonly SamplingMessage[]): void {
  let asked: string[] = []
  for (const message of messages) {
    const blocks = blocksOf(message)
    const answered = blocks.flatMap((block) =>
      block.type === 'tool_result' ? [block.toolUseId] : [],
    )
    if (answered.length > 0 && (message.role !== 'user' || answered.length !== blocks.length)) {
      throw new TypeError('A message with a tool_result is of the user, and holds nothing else')
    }
    if (asked.length !== answered.length || !asked.every((id) => answered.includes(id))) {
      throw new TypeError('Each tool_use needs its tool_result in the very next message')
    }
    asked = blocks.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []))
  }
  if (asked.length > 0) {
    throw new TypeError('Each tool_use needs its tool_result in the very next message')
  }
}

function blocksOf({ content }: SamplingMessage): readonly SamplingContent[] {
  return Array.isArray(content) ? content : [content]
}
