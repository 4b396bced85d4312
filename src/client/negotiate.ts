import { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import { metaKey } from '../protocol/meta.ts'
import { findRevision, type Revision, revisions } from '../protocol/revisions/index.ts'
import type {
  ClientCapabilities,
  Implementation,
  JsonObject,
  ServerCapabilities,
} from '../protocol/types.ts'
import type { PeerOptions } from './peer.ts'
import type { Rpc } from './rpc.ts'

/** What both sides have agreed on. */
export interface Agreement {
  readonly revision: Revision
  readonly serverInfo: Implementation
  readonly capabilities: ServerCapabilities
  readonly instructions: string | undefined
}

/** Who we are. */
export interface ClientProfile {
  readonly clientInfo: Implementation
  readonly capabilities: ClientCapabilities
}

/** What a server has said to `server/discover` that makes it one of the stateful era, or undefined when it does not answer. */
export type Probe =
  | { readonly kind: 'agreed'; readonly agreement: Agreement }
  | { readonly kind: 'stateful' }

/** The `_meta` of a stateless request. */
export function statelessMeta(revision: Revision, profile: ClientProfile): JsonObject {
  return {
    [metaKey.protocolVersion]: revision.name,
    [metaKey.clientInfo]: profile.clientInfo,
    [metaKey.clientCapabilities]: profile.capabilities,
  }
}

/** The revisions to choose from, newest first. @throws TypeError when a name is unknown, or there is none */
export function allowedRevisions({ revisions: names }: PeerOptions): readonly Revision[] {
  if (names === undefined) return revisions
  for (const name of names) {
    if (findRevision(name) === undefined) throw new TypeError(`Unknown revision: ${name}`)
  }
  if (names.length === 0) throw new TypeError('revisions must name at least one')
  return revisions.filter(({ name }) => names.includes(name))
}

/**
 * Asks a server of either era which one it is of (2026-07-28, basic/versioning#backward-compatibility).
 *
 * @param isSilenceOld - a server that does not answer is taken for an old one: some ignore what comes before `initialize`
 * @throws McpError when the server cannot be reached, or refuses for other reasons than its age
 */
export async function probe(
  rpc: Rpc,
  allowed: readonly Revision[],
  profile: ClientProfile,
  timeoutMs: number,
  isSilenceOld: boolean,
  signal: AbortSignal | undefined,
): Promise<Probe> {
  const newest = allowed.find(({ era }) => era === 'stateless')
  if (newest === undefined) return { kind: 'stateful' }
  const hasFallback = allowed.some(({ era }) => era === 'stateful')
  let result: JsonObject
  try {
    result = await rpc.request(
      'server/discover',
      { _meta: statelessMeta(newest, profile) },
      { timeoutMs, ...(signal && { signal }) },
    )
  } catch (error) {
    if (!hasFallback || !isSignOfAge(error, isSilenceOld)) throw error
    return { kind: 'stateful' }
  }
  const { supportedVersions, capabilities, instructions } = result
  const revision = allowed.find(
    ({ name, era }) =>
      era === 'stateless' && Array.isArray(supportedVersions) && supportedVersions.includes(name),
  )
  if (revision === undefined) {
    if (hasFallback) return { kind: 'stateful' }
    throw new McpError('UNSUPPORTED_VERSION', 'The server has no revision in common with us')
  }
  const meta = isJsonObject(result._meta) ? result._meta : {}
  return {
    kind: 'agreed',
    agreement: agreement(revision, meta[metaKey.serverInfo], capabilities, instructions),
  }
}

/** Whatever an older server makes of a method that it does not know; anything else is trouble. */
function isSignOfAge(error: unknown, isSilenceOld: boolean): boolean {
  if (!(error instanceof McpError)) return false
  switch (error.code) {
    case 'CONNECTION_FAILED':
    case 'REQUEST_CANCELLED':
    case 'UNAUTHORIZED':
    case 'FORBIDDEN':
    case 'RATE_LIMITED':
    case 'OVERLOADED':
      return false
    case 'CONNECTION_LOST':
      return isSilenceOld
    case 'SERVER_TIMEOUT':
      return isSilenceOld
    case 'INVALID_RESPONSE':
      return (httpStatusOf(error) ?? 400) < 500
    default:
      return true
  }
}

/** The HTTP status that an error tells of. */
export function httpStatusOf({ cause }: Error): number | undefined {
  return cause instanceof Error && 'status' in cause ? Number(cause.status) : undefined
}

/** The handshake of the stateful era. @throws McpError what the server says, or UNSUPPORTED_VERSION */
export async function initialize(
  rpc: Rpc,
  allowed: readonly Revision[],
  { clientInfo, capabilities }: ClientProfile,
  signal: AbortSignal | undefined,
): Promise<Agreement> {
  const newest = allowed.find(({ era }) => era === 'stateful')
  if (newest === undefined) {
    throw new McpError('UNSUPPORTED_VERSION', 'The server has no revision in common with us')
  }
  const result = await rpc.request(
    'initialize',
    { protocolVersion: newest.name, capabilities, clientInfo },
    signal && { signal },
  )
  const revision = allowed.find(
    ({ name, era }) => era === 'stateful' && name === result.protocolVersion,
  )
  if (revision === undefined) {
    throw new McpError('UNSUPPORTED_VERSION', 'The server has no revision in common with us', {
      data: { requested: newest.name, supported: [result.protocolVersion] },
    })
  }
  return agreement(revision, result.serverInfo, result.capabilities, result.instructions)
}

function agreement(
  revision: Revision,
  serverInfo: unknown,
  capabilities: unknown,
  instructions: unknown,
): Agreement {
  const info = isJsonObject(serverInfo) ? serverInfo : {}
  return {
    revision,
    serverInfo: {
      ...info,
      name: typeof info.name === 'string' ? info.name : 'unnamed',
      version: typeof info.version === 'string' ? info.version : 'unknown',
    },
    capabilities: isJsonObject(capabilities) ? (capabilities as ServerCapabilities) : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}
