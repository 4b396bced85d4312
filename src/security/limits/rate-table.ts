import { type Rate, spend } from '../../internal/rate.ts'

const unitMs = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** Reads a rate such as `100/second`. @throws TypeError for what is none */
export function readRate(text: string, burst?: number): Rate {
  const [, count, unit] = /^([1-9]\d{0,8})\/(second|minute|hour|day)$/.exec(text) ?? []
  if (count === undefined || unit === undefined) {
    throw new TypeError(`Not a rate: "${text}"; 100/second is one`)
  }
  const requests = Number(count)
  return {
    intervalMs: unitMs[unit as keyof typeof unitMs] / requests,
    burst: burst ?? Math.max(1, Math.ceil(requests / 10)),
  }
}

/** One rate kept for many (GCRA): a number for each who has used some of it. */
export class RateTable {
  readonly #rate: Rate
  readonly #max: number
  readonly #due = new Map<string, number>()

  /** @param max - how many are kept; beyond that the one that came first is forgotten */
  constructor(rate: Rate, max: number) {
    this.#rate = rate
    this.#max = max
  }

  get size(): number {
    return this.#due.size
  }

  /** Takes one. @returns 0, or the milliseconds after which there is one again */
  take(key: string, nowMs: number): number {
    const dueMs = this.#due.get(key)
    const next = spend(this.#rate, dueMs ?? 0, nowMs)
    if (next === undefined) {
      const waitMs = (dueMs ?? nowMs) - nowMs - this.#rate.intervalMs * (this.#rate.burst - 1)
      return Math.max(waitMs, 1)
    }
    if (dueMs === undefined && this.#due.size >= this.#max) this.#makeRoom(nowMs)
    this.#due.set(key, next)
    return 0
  }

  /** Forgets those who have their whole burst again. */
  sweep(nowMs: number): void {
    for (const [key, dueMs] of this.#due) if (dueMs <= nowMs) this.#due.delete(key)
  }

  #makeRoom(nowMs: number): void {
    const [oldest] = this.#due.keys()
    if (oldest === undefined) return
    const dueMs = this.#due.get(oldest) ?? 0
    this.#due.delete(oldest)
    // Where the first is over, more will be.
    if (dueMs <= nowMs) this.sweep(nowMs)
  }
}
