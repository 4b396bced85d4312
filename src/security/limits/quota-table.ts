/** What has been used of one quota, as it is kept: by whom, in which period, how much. */
export type QuotaEntry = readonly [key: string, period: number, count: number]

const dayMs = 86_400_000

/** The day or month of UTC that a time is in, as a number that grows. */
export function periodOf(period: 'day' | 'month', nowMs: number): number {
  if (period === 'day') return Math.floor(nowMs / dayMs)
  const date = new Date(nowMs)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** When a period ends, in milliseconds since 1970. */
export function endOf(period: 'day' | 'month', number: number): number {
  if (period === 'day') return (number + 1) * dayMs
  return Date.UTC(Math.floor((number + 1) / 12), (number + 1) % 12)
}

/** One quota kept for many. */
export class QuotaTable {
  readonly #max: number
  readonly #period: 'day' | 'month'
  readonly #maxKeys: number
  readonly #used = new Map<string, { period: number; count: number }>()
  /** The period that it is, and until when: a month is not worked out for each request. */
  #current = 0
  #currentEndsMs = 0

  /** @param maxKeys - how many are kept; beyond that there is nothing left for newcomers */
  constructor(max: number, period: 'day' | 'month', maxKeys: number) {
    this.#max = max
    this.#period = period
    this.#maxKeys = maxKeys
  }

  /** Takes one. @returns 0, or the milliseconds until the period is over */
  take(key: string, nowMs: number): number {
    const period = this.#periodAt(nowMs)
    const used = this.#used.get(key)
    if (used === undefined) {
      if (this.#used.size >= this.#maxKeys) this.#forgetPast(period)
      if (this.#used.size >= this.#maxKeys) return this.#currentEndsMs - nowMs
      this.#used.set(key, { period, count: 1 })
      return 0
    }
    if (used.period !== period) {
      used.period = period
      used.count = 0
    }
    if (used.count >= this.#max) return this.#currentEndsMs - nowMs
    used.count += 1
    return 0
  }

  entries(): QuotaEntry[] {
    return [...this.#used].map(([key, { period, count }]) => [key, period, count])
  }

  /** Takes over what was used before. */
  restore(entries: readonly QuotaEntry[]): void {
    for (const [key, period, count] of entries.slice(0, this.#maxKeys)) {
      this.#used.set(key, { period, count })
    }
  }

  #periodAt(nowMs: number): number {
    if (nowMs >= this.#currentEndsMs || nowMs < this.#currentEndsMs - 31 * dayMs) {
      this.#current = periodOf(this.#period, nowMs)
      this.#currentEndsMs = endOf(this.#period, this.#current)
    }
    return this.#current
  }

  #forgetPast(current: number): void {
    for (const [key, { period }] of this.#used) if (period !== current) this.#used.delete(key)
  }
}
