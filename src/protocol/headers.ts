import { McpError } from './errors.ts'
import type { JsonObject } from './types.ts'

/** HTTP headers of the protocol, in the lower case that Node gives them. */
export const header = {
  sessionId: 'mcp-session-id',
  protocolVersion: 'mcp-protocol-version',
  method: 'mcp-method',
  name: 'mcp-name',
  lastEventId: 'last-event-id',
  parameterPrefix: 'mcp-param-',
} as const

const sentinelStart = '=?base64?'
const sentinelEnd = '?='
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** Visible ASCII, space and tab: what a plain header value may hold (RFC 9110, 5.5). */
const plainValue = /^[\t\x20-\x7e]*$/

/**
 * The value that a mirrored header stands for: optional whitespace removed, the Base64 sentinel undone (2026-07-28,
 * transports/streamable-http#value-encoding).
 *
 * @throws McpError HEADER_MISMATCH for characters or Base64 that the rules forbid
 */
export function decodeHeaderValue(name: string, raw: string): string {
  const value = trimWhitespace(raw)
  if (!plainValue.test(value)) {
    throw new McpError('HEADER_MISMATCH', `Header ${name} has characters outside visible ASCII`)
  }
  const isEncoded = value.startsWith(sentinelStart) && value.endsWith(sentinelEnd)
  if (!isEncoded || value.length < sentinelStart.length + sentinelEnd.length) return value
  const encoded = value.slice(sentinelStart.length, -sentinelEnd.length)
  if (!base64.test(encoded)) {
    throw new McpError('HEADER_MISMATCH', `Header ${name} is not valid Base64`)
  }
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new McpError('HEADER_MISMATCH', `Header ${name} does not decode to UTF-8`)
  }
}

/** The value of a mirrored header: as it is, or in Base64 where a header could not carry it (see `decodeHeaderValue`). */
export function encodeHeaderValue(value: string): string {
  const isPlain =
    plainValue.test(value) && trimWhitespace(value) === value && !value.startsWith(sentinelStart)
  if (isPlain) return value
  const bytes = new TextEncoder().encode(value)
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return `${sentinelStart}${btoa(binary)}${sentinelEnd}`
}

/** Optional whitespace is spaces and tabs. A regular expression would take quadratic time for a run of them inside. */
function trimWhitespace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text, start)) start += 1
  while (end > start && isBlank(text, end - 1)) end -= 1
  return text.slice(start, end)
}

function isBlank(text: string, index: number): boolean {
  return text[index] === ' ' || text[index] === '\t'
}

/** The member of `params` that `Mcp-Name` mirrors, by method. */
const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** What `Mcp-Name` says of a request, or undefined when there is nothing to say. */
export function headerName(method: string, params: JsonObject | undefined): string | undefined {
  const member = namedBy[method]
  const value = member === undefined ? undefined : params?.[member]
  return typeof value === 'string' ? encodeHeaderValue(value) : undefined
}

/**
 * Checks `Mcp-Method` and `Mcp-Name` against the body of a stateless request.
 *
 * @throws McpError HEADER_MISMATCH that names the header
 */
export function checkStandardHeaders(
  getHeader: (name: string) => string | undefined,
  method: string,
  params: JsonObject | undefined,
): void {
  checkHeader('Mcp-Method', getHeader(header.method), method)
  const member = namedBy[method]
  if (member === undefined) return
  const expected = params?.[member]
  // A body without the member is the method's own error to report.
  if (typeof expected === 'string') checkHeader('Mcp-Name', getHeader(header.name), expected)
}

function checkHeader(name: string, raw: string | undefined, expected: string): void {
  if (raw === undefined) throw new McpError('HEADER_MISMATCH', `Header ${name} is required`)
  // The common case needs no decoding.
  if (raw === expected && !raw.startsWith(sentinelStart)) return
  if (decodeHeaderValue(name, raw) !== expected) {
    throw new McpError('HEADER_MISMATCH', `Header ${name} does not agree with the body`)
  }
}
