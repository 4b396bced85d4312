/** What became of an attempt to use something: it was the first, it was not, or that cannot be told now. */
export type Use = 'first' | 'repeated' | 'unknown'

/** Remembers what may be used only once. */
export interface UsedOnce {
  /**
   * Uses something.
   *
   * @param id - stands for it; of at most 64 characters
   * @param untilMs - milliseconds since 1970 from which it is refused for its age alone, so that it can be forgotten
   */
  use(id: string, untilMs: number, nowMs: number): Use | Promise<Use>
}

/**
 * Remembers in this process. Entries must come about in the order in which they end. When there are too many, further
 * ones are refused; to forget some would let them be used again.
 */
export class UsedInMemory implements UsedOnce {
  readonly #max: number
  readonly #untilById = new Map<string, number>()

  /** @param max - entries at one time */
  constructor(max: number) {
    this.#max = max
  }

  use(id: string, untilMs: number, nowMs: number): Use {
    const known = this.#untilById
    if (known.has(id)) return 'repeated'
    for (const [each, endsMs] of known) {
      if (nowMs <= endsMs) break
      known.delete(each)
    }
    if (known.size >= this.#max) return 'unknown'
    known.set(id, untilMs)
    return 'first'
  }
}
