import { insufficientScope } from '../protocol/errors.ts'
import type { AuthInfo } from '../protocol/types.ts'

/**
 * Lets a caller go on whose credentials hold all the scopes. Where nobody is asked for credentials (stdio, in memory,
 * HTTP without authentication) there are no scopes to check.
 *
 * @throws McpError INSUFFICIENT_SCOPE, which names all that the operation needs and not only those that are missing
 */
export function requireScopes(
  authInfo: AuthInfo | undefined,
  scopes: readonly string[] | undefined,
): void {
  if (authInfo === undefined || scopes === undefined) return
  const granted = authInfo.scopes
  if (!scopes.every((scope) => granted?.includes(scope))) throw insufficientScope(scopes)
}

/** RFC 6749, 3.3: no space, quote or backslash, so that scopes can stand in a challenge. */
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** @throws TypeError for what can be no scope */
export function checkScopes(scopes: readonly string[] | undefined): readonly string[] | undefined {
  for (const scope of scopes ?? []) {
    if (!scopePattern.test(scope)) throw new TypeError(`Not a scope: "${scope}"`)
  }
  return scopes?.length === 0 ? undefined : scopes
}
