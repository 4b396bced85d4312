/** How often something may fail, and how long it then rests. */
export interface RestartLimits {
  /** Restarts within `withinMs` after which there is no further one: what fails so often will not mend itself. */
  readonly max: number
  readonly withinMs: number
  /** The first rest; each failure soon after another doubles it, up to `maxDelayMs`. */
  readonly firstDelayMs: number
  readonly maxDelayMs: number
}

/**
 * Decides when something that has failed is started again, as the supervisors of Erlang do (restart intensity), with
 * rests that grow so that a failure that lasts does not take the whole machine.
 */
export class Restarts {
  readonly #limits: RestartLimits
  /** When the latest failures were, oldest first; at most `max` of them. */
  #failedAtMs: number[] = []

  constructor(limits: RestartLimits) {
    this.#limits = limits
  }

  /**
   * Tells of a failure.
   *
   * @returns milliseconds to wait before the next start, or undefined when there is to be none
   */
  next(nowMs: number): number | undefined {
    const { max, withinMs, firstDelayMs, maxDelayMs } = this.#limits
    this.#failedAtMs = this.#failedAtMs.filter((atMs) => nowMs - atMs < withinMs)
    if (this.#failedAtMs.length >= max) return undefined
    const delayMs = Math.min(firstDelayMs * 2 ** this.#failedAtMs.length, maxDelayMs)
    this.#failedAtMs.push(nowMs)
    return delayMs
  }
}
