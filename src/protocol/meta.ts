import { McpError } from './errors.ts'
import { isJsonObject } from './json-rpc.ts'
import {
  type ClientCapabilities,
  type Implementation,
  type JsonObject,
  type LogLevel,
  logLevels,
  type ProgressToken,
} from './types.ts'

/** The reserved `_meta` keys of 2026-07-28 (basic/index#meta). */
export const metaKey = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/** The `_meta` keys of tasks (2025-11-25, basic/utilities/tasks). */
export const taskMetaKey = {
  relatedTask: 'io.modelcontextprotocol/related-task',
  immediateResponse: 'io.modelcontextprotocol/model-immediate-response',
} as const

/** What a stateless request says about its sender. */
export interface RequestMeta {
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  readonly logLevel: LogLevel | undefined
}

/**
 * The protocol version that a request claims in its `_meta`, or undefined when it claims none.
 *
 * @throws McpError INVALID_META when the value is no string
 */
export function claimedVersion(params: JsonObject | undefined): string | undefined {
  const meta = params?._meta
  if (!isJsonObject(meta)) return undefined
  const version = meta[metaKey.protocolVersion]
  if (version === undefined || typeof version === 'string') return version
  throw invalid(metaKey.protocolVersion, 'must be a string')
}

/** Whether `_meta` has any key that only stateless requests carry. */
export function claimsStateless(params: JsonObject | undefined): boolean {
  const meta = params?._meta
  return (
    isJsonObject(meta) &&
    (meta[metaKey.protocolVersion] !== undefined || meta[metaKey.clientCapabilities] !== undefined)
  )
}

/**
 * Reads and checks the `_meta` of a stateless request.
 *
 * @throws McpError INVALID_META that names the missing or malformed key
 */
export function readRequestMeta(params: JsonObject | undefined): RequestMeta {
  const meta = params?._meta
  if (!isJsonObject(meta)) throw invalid('_meta', 'is required')
  if (meta[metaKey.protocolVersion] === undefined) {
    throw invalid(metaKey.protocolVersion, 'is required')
  }
  const capabilities = meta[metaKey.clientCapabilities]
  if (capabilities === undefined) throw invalid(metaKey.clientCapabilities, 'is required')
  checkCapabilities(capabilities, metaKey.clientCapabilities)
  const clientInfo = meta[metaKey.clientInfo]
  if (clientInfo !== undefined) checkImplementation(clientInfo, metaKey.clientInfo)
  const logLevel = meta[metaKey.logLevel]
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    throw invalid(metaKey.logLevel, `must be one of ${logLevels.join(', ')}`)
  }
  return {
    clientInfo: clientInfo as Implementation | undefined,
    clientCapabilities: capabilities as ClientCapabilities,
    logLevel,
  }
}

const capabilityNames = ['experimental', 'roots', 'sampling', 'elicitation', 'extensions', 'tasks']

/** Checks client capabilities, wherever they stand. @throws McpError INVALID_META */
export function checkCapabilities(value: unknown, where: string): void {
  if (!isJsonObject(value)) throw invalid(where, 'must be an object')
  for (const name of capabilityNames) {
    if (value[name] !== undefined && !isJsonObject(value[name])) {
      throw invalid(`${where}.${name}`, 'must be an object')
    }
  }
  // Settings of extensions: an empty object where there are none.
  for (const [id, settings] of Object.entries(value.extensions ?? {})) {
    if (!isJsonObject(settings)) throw invalid(`${where}.extensions.${id}`, 'must be an object')
  }
}

/** Checks name and version of a program, wherever they stand. @throws McpError INVALID_META */
export function checkImplementation(value: unknown, where: string): void {
  if (!isJsonObject(value)) throw invalid(where, 'must be an object')
  if (typeof value.name !== 'string') throw invalid(`${where}.name`, 'must be a string')
  if (typeof value.version !== 'string') throw invalid(`${where}.version`, 'must be a string')
}

export function isLogLevel(value: unknown): value is LogLevel {
  return logLevels.includes(value as LogLevel)
}

/**
 * The progress token of a request, or undefined.
 *
 * @throws McpError INVALID_PARAMS when it is neither a string nor an integer
 */
export function progressToken(params: JsonObject | undefined): ProgressToken | undefined {
  const meta = params?._meta
  if (!isJsonObject(meta) || meta.progressToken === undefined) return undefined
  const token = meta.progressToken
  if (typeof token === 'string' || Number.isInteger(token)) return token as ProgressToken
  throw new McpError('INVALID_PARAMS', '_meta.progressToken must be a string or an integer')
}

/** A label is letters, digits and hyphens, begins with a letter and ends with a letter or digit. */
const label = '[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const keyPattern = new RegExp(
  `^(?:${label}(?:\\.${label})*/)?(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?$`,
)

/** Whether a `_meta` key, or the identifier of an extension, has the form the specification gives (basic/index#meta). */
export function isMetaKey(key: string): boolean {
  return key !== '' && keyPattern.test(key)
}

const specified: ReadonlySet<string> = new Set([
  ...Object.values(metaKey),
  ...Object.values(taskMetaKey),
])

/**
 * Checks the `_meta` of something that a server offers.
 *
 * @throws TypeError for a key of another form, or one whose prefix is reserved (in the words of any revision) and that
 *   the specification does not define
 */
export function checkMeta(meta: JsonObject | undefined): void {
  for (const key of Object.keys(meta ?? {})) {
    if (!isMetaKey(key)) throw new TypeError(`Not a key for _meta: "${key}"`)
    if (isReserved(key) && !specified.has(key)) {
      throw new TypeError(`The prefix of "${key}" in _meta is reserved for the protocol`)
    }
  }
}

/** 2025-11-25 and later reserve by the second label; 2025-06-18 by any label that another follows. */
function isReserved(key: string): boolean {
  const slash = key.indexOf('/')
  const labels = key.slice(0, Math.max(slash, 0)).toLowerCase().split('.')
  return labels.some(
    (each, index) =>
      (each === 'modelcontextprotocol' || each === 'mcp') &&
      (index === 1 || index < labels.length - 1),
  )
}

function invalid(where: string, what: string): McpError {
  return new McpError('INVALID_META', `Invalid request metadata: ${where} ${what}`)
}
