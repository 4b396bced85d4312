/**
 * A rate with bursts, kept as one number (the generic cell rate algorithm): the time at which the sender, had it kept
 * to the rate, would be due.
 */
export interface Rate {
  /** Milliseconds between two when the burst is used up. */
  readonly intervalMs: number
  /** How many may come at once. */
  readonly burst: number
}

/** The new due time when one more may go, or undefined when it may not. Begin with 0. */
export function spend(rate: Rate, dueMs: number, nowMs: number): number | undefined {
  const due = Math.max(dueMs, nowMs)
  return due - nowMs > rate.intervalMs * (rate.burst - 1) ? undefined : due + rate.intervalMs
}
