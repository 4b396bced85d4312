import { unavailable } from './refusals.ts'

const maxPerGeneration = 200_000

/**
 * Ids that have been seen, each for at least a window and at most two: two sets take turns, so that nothing is swept.
 * When there are too many, further ones are refused; to forget some would let them be used again.
 */
export class SeenProofs {
  readonly #windowMs: number
  #young = new Set<string>()
  #old = new Set<string>()
  #turnsAtMs = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /**
   * Remembers an id.
   *
   * @returns false when it has been seen before
   * @throws McpError AUTHORIZATION_UNAVAILABLE when there are too many
   */
  add(id: string, nowMs: number): boolean {
    if (nowMs >= this.#turnsAtMs) {
      const isLongAgo = nowMs >= this.#turnsAtMs + this.#windowMs
      this.#old = isLongAgo ? new Set() : this.#young
      this.#young = new Set()
      this.#turnsAtMs = nowMs + this.#windowMs
    }
    if (this.#young.has(id) || this.#old.has(id)) return false
    if (this.#young.size >= maxPerGeneration) throw unavailable(new Error('too many DPoP proofs'))
    this.#young.add(id)
    return true
  }
}
