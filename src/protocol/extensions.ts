import { McpError } from './errors.ts'
import { isJsonObject } from './json-rpc.ts'
import { isMetaKey } from './meta.ts'
import type { ClientCapabilities, JsonObject } from './types.ts'

/** Identifiers of the official extensions that tsmcp implements. */
export const extensionId = {
  tasks: 'io.modelcontextprotocol/tasks',
  skills: 'io.modelcontextprotocol/skills',
  ui: 'io.modelcontextprotocol/ui',
} as const

/**
 * Checks an extension as a server would offer it (2026-07-28, basic/versioning#extension-negotiation).
 *
 * @throws TypeError for an identifier without a prefix or of another form, or settings that are no object
 */
export function checkExtension(id: string, settings: unknown): void {
  if (!isExtensionId(id)) {
    throw new TypeError(
      `Not the identifier of an extension: "${id}" (a reversed domain name, a slash and a name, for instance com.example/audit)`,
    )
  }
  if (!isJsonObject(settings)) {
    throw new TypeError(`The settings of the extension ${id} must be an object`)
  }
}

/** Extensions are named as keys of `_meta` are, and always with a prefix. */
function isExtensionId(id: string): boolean {
  return isMetaKey(id) && id.includes('/') && !id.endsWith('/')
}

/** The settings under which a client has declared an extension, or undefined. */
export function declaredExtension(
  { extensions }: ClientCapabilities,
  id: string,
): JsonObject | undefined {
  return extensions !== undefined && Object.hasOwn(extensions, id) ? extensions[id] : undefined
}

/** Refuses what only a client with the extension can be given. */
export function missingExtension(id: string, what: string): McpError {
  return new McpError('MISSING_CLIENT_CAPABILITY', `${what} needs a client that declares ${id}`, {
    data: { requiredCapabilities: { extensions: { [id]: {} } } },
  })
}
