import { McpError } from '../errors.ts'
import { revision20241105 } from './2024-11-05.ts'
import { revision20250326 } from './2025-03-26.ts'
import { revision20250618 } from './2025-06-18.ts'
import { revision20251125 } from './2025-11-25.ts'
import { revision20260728 } from './2026-07-28.ts'
import type { Revision } from './revision.ts'

export type { Revision, RevisionName } from './revision.ts'

/** Every revision, newest first. */
export const revisions: readonly Revision[] = [
  revision20260728,
  revision20251125,
  revision20250618,
  revision20250326,
  revision20241105,
]

const byName: ReadonlyMap<string, Revision> = new Map(revisions.map((each) => [each.name, each]))

/** The versions that `server/discover` and errors of negotiation name. */
export const supportedVersions: readonly string[] = revisions.map((each) => each.name)

/** The revision of a client that names none although it is past its handshake (2025-06-18 and later, transports). */
export const assumedRevision: Revision = revision20250326

/** The revision of that name, or undefined when there is none. */
export function findRevision(name: string): Revision | undefined {
  return byName.get(name)
}

/**
 * The revision that answers an `initialize` naming `requested`: the same where the handshake exists in it, else the
 * newest that has one (2025-11-25, lifecycle#version-negotiation).
 */
export function negotiate(requested: string): Revision {
  const revision = byName.get(requested)
  return revision?.era === 'stateful' ? revision : revision20251125
}

/** Whether a version is claimed that belongs to requests without a session, known or not. */
export function isStatelessVersion(version: string): boolean {
  const revision = byName.get(version)
  if (revision !== undefined) return revision.era === 'stateless'
  return !isOlderDate(version)
}

/** An unknown date before the stateless era is a client of the stateful one with a version of its own. */
function isOlderDate(version: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(version) && version < revision20260728.name
}

/** The error for a version that is not served, with those that are (2026-07-28, basic/versioning). */
export function unsupportedVersion(requested: string): McpError {
  return new McpError(
    'UNSUPPORTED_VERSION',
    `Unsupported protocol version; supported: ${supportedVersions.join(', ')}`,
    { data: { supported: supportedVersions, requested } },
  )
}
