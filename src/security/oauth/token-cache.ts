import { builtin } from '../../internal/builtin.ts'
import type { VerifiedToken } from './verified-token.ts'

/** A token by what does not give it away. */
export function tokenHash(token: string): string {
  return builtin.crypto.hash('sha256', token, 'base64url')
}

/** Tokens that have been found good, by their hashes, for as long as that holds. Bounded: the oldest go first. */
export class TokenCache {
  readonly #tokens = new Map<string, VerifiedToken>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#tokens.size
  }

  get(hash: string, nowMs: number): VerifiedToken | undefined {
    const token = this.#tokens.get(hash)
    if (token === undefined || nowMs < token.goodUntilMs) return token
    this.#tokens.delete(hash)
    return undefined
  }

  set(hash: string, token: VerifiedToken): void {
    if (this.#max === 0) return
    this.#tokens.delete(hash)
    const [oldest] = this.#tokens.size >= this.#max ? this.#tokens.keys() : []
    if (oldest !== undefined) this.#tokens.delete(oldest)
    this.#tokens.set(hash, token)
  }

  delete(hash: string): void {
    this.#tokens.delete(hash)
  }
}
