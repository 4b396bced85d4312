/**
 * Goes through the values of a map again and again, a part at a time: what is called once a second must not hold up
 * the process for as long as it takes to look at 100,000 of them.
 */
export class RollingWalk<Value> {
  readonly #map: ReadonlyMap<unknown, Value>
  readonly #roundSeconds: number
  readonly #min: number
  #values: Iterator<Value> | undefined

  /**
   * @param roundMs - time in which every value comes up, at one part a second
   * @param min - the least that a part holds, if there are as many
   */
  constructor(map: ReadonlyMap<unknown, Value>, roundMs: number, min: number) {
    this.#map = map
    this.#roundSeconds = Math.max(roundMs / 1000, 1)
    this.#min = min
  }

  /** The next part; values may come and go meanwhile. */
  *next(): Generator<Value> {
    const { size } = this.#map
    let left = Math.min(size, Math.max(this.#min, Math.ceil(size / this.#roundSeconds)))
    let hasWrapped = false
    while (left > 0) {
      this.#values ??= this.#map.values()
      const next = this.#values.next()
      if (next.done !== true) {
        left -= 1
        yield next.value
      } else {
        this.#values = undefined
        if (hasWrapped) return
        hasWrapped = true
      }
    }
  }
}
