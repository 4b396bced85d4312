import { invalidToken } from './refusals.ts'
import { tokenHash } from './token-cache.ts'
import type { VerifiedToken } from './verified-token.ts'

/** What is no longer accepted, whatever the authorization server says. */
export type Revocation =
  /** One token, by itself. */
  | { readonly token: string }
  /** One token, by its `jti`. */
  | { readonly issuer: string; readonly tokenId: string }
  /** All tokens of a subject that were issued by now, or by `issuedUntil` (seconds since 1970). */
  | { readonly issuer: string; readonly subject: string; readonly issuedUntil?: number }

/** More would hint at something else being wrong; and to forget one would let its token in again. */
const maxEntries = 100_000

/** The list of revoked tokens and subjects. It does not forget by itself. */
export class Revocations {
  readonly #hashes = new Set<string>()
  readonly #tokenIds = new Set<string>()
  readonly #subjects = new Map<string, number>()

  get size(): number {
    return this.#hashes.size + this.#tokenIds.size + this.#subjects.size
  }

  /** @throws RangeError when the list is full */
  add(revocation: Revocation, nowMs: number): void {
    if (this.size >= maxEntries) throw new RangeError(`more than ${maxEntries} revocations`)
    if ('token' in revocation) this.#hashes.add(tokenHash(revocation.token))
    else if ('tokenId' in revocation) {
      this.#tokenIds.add(key(revocation.issuer, revocation.tokenId))
    } else {
      const { issuer, subject, issuedUntil = Math.floor(nowMs / 1000) } = revocation
      this.#subjects.set(key(issuer, subject), issuedUntil)
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#hashes.clear()
    this.#tokenIds.clear()
    this.#subjects.clear()
  }

  isRevoked(hash: string, { authInfo, issuedAt }: VerifiedToken): boolean {
    if (this.size === 0) return false
    if (this.#hashes.has(hash)) return true
    const { issuer = '', subject, claims } = authInfo
    const tokenId = claims?.jti
    if (typeof tokenId === 'string' && this.#tokenIds.has(key(issuer, tokenId))) return true
    const issuedUntil = this.#subjects.get(key(issuer, subject))
    // A token that does not say when it was issued may be an old one.
    return issuedUntil !== undefined && (issuedAt ?? 0) <= issuedUntil
  }

  /** @throws McpError UNAUTHORIZED */
  require(hash: string, token: VerifiedToken): void {
    if (this.isRevoked(hash, token)) throw invalidToken('The token has been revoked')
  }
}

function key(issuer: string, name: string): string {
  return JSON.stringify([issuer, name])
}
