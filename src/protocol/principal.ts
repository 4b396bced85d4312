import type { AuthInfo } from './types.ts'

/** Whether two callers are the same: subject, who vouches for it, and the program that acts for it. */
export function samePrincipal(one: AuthInfo | undefined, other: AuthInfo | undefined): boolean {
  // Nearly always the same object, for what is known of a token is kept.
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  return (
    one.subject === other.subject && one.issuer === other.issuer && one.clientId === other.clientId
  )
}

/** The principal as a text that no other principal has. */
export function principalKey({ subject, issuer, clientId }: AuthInfo): string {
  return JSON.stringify([issuer ?? null, subject, clientId ?? null])
}
