import type * as Crypto from 'node:crypto'
import { builtin } from '../../internal/builtin.ts'
import type { VerifiedToken } from './verified-token.ts'

let sha256: typeof Crypto.hash | undefined

/** A token by what does not give it away: 32 characters, each a byte. */
export function tokenHash(token: string): string {
  // Each request comes by here, and to ask for the module takes as long as to hash.
  sha256 ??= builtin.crypto.hash
  return sha256('sha256', token, 'binary')
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
