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

/**
 * Who is counted as one by limits and queues, as a text that nobody else has: a subject and who vouches for it. Two issuers
 * may both have an `alice`. The program is left out: else whoever registers many of them would have as many limits.
 */
export function identityKey({ subject, issuer }: Pick<AuthInfo, 'subject' | 'issuer'>): string {
  return JSON.stringify([issuer ?? null, subject])
}

/** The principal as a text that no other principal has. */
export function principalKey({ subject, issuer, clientId }: AuthInfo): string {
  return JSON.stringify([issuer ?? null, subject, clientId ?? null])
}
