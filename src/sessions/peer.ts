import type { Revision } from '../protocol/revisions/index.ts'
import type { AuthInfo, ClientCapabilities, Implementation, LogLevel } from '../protocol/types.ts'

/** Who is talking: a session in the stateful era, the sender of one request in the stateless one. */
export interface Peer {
  readonly revision: Revision
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  readonly authInfo: AuthInfo | undefined
  /** Least severe log level that the peer wants; undefined when it has not said. */
  readonly logLevel: LogLevel | undefined
}

/** What a client said of itself when it introduced itself. */
export interface ClientProfile {
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
}

const maxProfiles = 1000
/** Longer ones are hardly shared, and must not be kept for longer than their session. */
const maxProfileLength = 2000
const profiles = new Map<string, ClientProfile>()

/**
 * One object for all clients that say the same of themselves, which most do: a session then costs a pointer
 * where it would cost the parsed objects.
 */
export function sharedProfile(profile: ClientProfile): ClientProfile {
  const key = JSON.stringify([profile.clientInfo, profile.clientCapabilities])
  if (key.length > maxProfileLength) return profile
  const known = profiles.get(key)
  if (known !== undefined) return known
  if (profiles.size >= maxProfiles) profiles.clear()
  profiles.set(key, profile)
  return profile
}
