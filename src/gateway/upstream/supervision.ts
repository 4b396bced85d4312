import { type RestartLimits, Restarts } from '../../internal/restarts.ts'

/** How the supervision of one upstream goes on after a failure. */
export type Verdict =
  | { readonly kind: 'rest'; readonly delayMs: number }
  | { readonly kind: 'quarantine'; readonly delayMs: number }

/**
 * When an upstream may be started: at once, after a rest that doubles with each failure, or, once it has failed too
 * often for its restart intensity, not before its quarantine is over.
 */
export class Supervision {
  readonly #limits: RestartLimits
  readonly #quarantineMs: number
  #restarts: Restarts
  #untilMs = 0
  #isQuarantined = false
  /** Failures since the beginning. */
  failures = 0
  reason: string | undefined

  constructor(limits: RestartLimits, quarantineMs: number) {
    this.#limits = limits
    this.#quarantineMs = quarantineMs
    this.#restarts = new Restarts(limits)
  }

  /** Milliseconds until it may be started; 0 for now. */
  restMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs)
  }

  isQuarantined(nowMs: number): boolean {
    return this.#isQuarantined && this.restMs(nowMs) > 0
  }

  failed(reason: string, nowMs: number): Verdict {
    this.failures += 1
    this.reason = reason
    const delayMs = this.#restarts.next(nowMs)
    if (delayMs !== undefined) {
      this.#isQuarantined = false
      this.#untilMs = nowMs + delayMs
      return { kind: 'rest', delayMs }
    }
    this.#isQuarantined = true
    this.#untilMs = nowMs + this.#quarantineMs
    this.#restarts = new Restarts(this.#limits)
    return { kind: 'quarantine', delayMs: this.#quarantineMs }
  }

  /** It runs. */
  succeeded(): void {
    this.reason = undefined
    this.#isQuarantined = false
    this.#untilMs = 0
  }
}
