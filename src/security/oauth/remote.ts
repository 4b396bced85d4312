/**
 * Something that is fetched once and kept. While it cannot be had it is not asked for again for a while, or whoever
 * sends requests could make us send as many.
 */
export class Remote<Value> {
  readonly #fetch: () => Promise<Value>
  readonly #retryMs: number
  #value: Promise<Value> | undefined = undefined
  #failedAtMs = Number.NEGATIVE_INFINITY
  #failure: unknown = undefined

  /** @param retryMs - milliseconds between a failure and the next attempt */
  constructor(fetch: () => Promise<Value>, retryMs: number) {
    this.#fetch = fetch
    this.#retryMs = retryMs
  }

  /** @throws what the latest attempt threw */
  get(): Promise<Value> {
    if (this.#value !== undefined) return this.#value
    if (Date.now() - this.#failedAtMs < this.#retryMs) return Promise.reject(this.#failure)
    this.#value = this.#fetch().catch((error: unknown) => {
      this.#value = undefined
      this.#failure = error
      this.#failedAtMs = Date.now()
      throw error
    })
    return this.#value
  }
}
