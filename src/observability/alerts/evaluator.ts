import type { MetricsSnapshot } from '../metrics/snapshot.ts'
import { type AlertRule, type Counted, countedBetween, countedIn, windowSeconds } from './rules.ts'

/** How an alert stands; plain JSON. */
export interface AlertState {
  readonly name: string
  readonly severity: AlertRule['severity']
  /** `pending`: too much, and not for long enough yet. */
  readonly state: 'ok' | 'pending' | 'firing'
  /** Null while nothing has been measured. */
  readonly value: number | null
  readonly threshold: number
  readonly unit: string
  /** Since when it stands so; ISO 8601. */
  readonly since: string
  readonly summary: string
  readonly description: string
}

interface Standing {
  state: AlertState['state']
  sinceMs: number
  /** Since when it is too much without a break. */
  tooMuchSinceMs: number | undefined
  value: number | undefined
}

const nothing: Counted = { operations: 0, errors: 0, registry: [] }

/** Looks at the figures from time to time and says when an alert begins and ends. */
export class AlertEvaluator {
  readonly #rules: readonly AlertRule[]
  readonly #onChange: (alert: AlertState) => void
  readonly #standings = new Map<AlertRule, Standing>()
  /** What was counted in the last window, oldest first. */
  readonly #history: { readonly atMs: number; readonly counted: Counted }[] = []

  /** @param onChange - told when an alert fires, and when it no longer does */
  constructor(rules: readonly AlertRule[], nowMs: number, onChange: (alert: AlertState) => void) {
    this.#rules = rules
    this.#onChange = onChange
    for (const rule of rules) {
      const standing: Standing = {
        state: 'ok',
        sinceMs: nowMs,
        tooMuchSinceMs: undefined,
        value: undefined,
      }
      this.#standings.set(rule, standing)
    }
  }

  get states(): readonly AlertState[] {
    return this.#rules.map((rule) => this.#stateOf(rule))
  }

  look(snapshot: MetricsSnapshot, nowMs: number): void {
    const before = this.#windowStart(nowMs)
    const counted = countedIn(snapshot)
    this.#history.push({ atMs: nowMs, counted })
    const window = countedBetween(before, counted)
    for (const rule of this.#rules) this.#judge(rule, snapshot, window, nowMs)
  }

  /** What had been counted when the window began; nothing, when it began before all counting. */
  #windowStart(nowMs: number): Counted {
    const beganMs = nowMs - windowSeconds * 1000
    let start = nothing
    while (this.#history[0] !== undefined && this.#history[0].atMs <= beganMs) {
      start = this.#history[0].counted
      // The next may lie before the window, too; the last that does is where it begins.
      if (this.#history[1] === undefined || this.#history[1].atMs > beganMs) break
      this.#history.shift()
    }
    return start
  }

  #judge(rule: AlertRule, now: MetricsSnapshot, window: Counted, nowMs: number): void {
    const standing = this.#standings.get(rule)
    if (standing === undefined) return
    standing.value = rule.measure.valueOf(now, window)
    const isTooMuch = standing.value !== undefined && standing.value > rule.threshold
    standing.tooMuchSinceMs = isTooMuch ? (standing.tooMuchSinceMs ?? nowMs) : undefined
    const { tooMuchSinceMs, state } = standing
    let next: AlertState['state'] = 'ok'
    if (tooMuchSinceMs !== undefined) {
      next = nowMs - tooMuchSinceMs >= rule.forSeconds * 1000 ? 'firing' : 'pending'
    }
    if (next === state) return
    standing.state = next
    standing.sinceMs = nowMs
    if (next === 'firing' || state === 'firing') this.#onChange(this.#stateOf(rule))
  }

  #stateOf(rule: AlertRule): AlertState {
    const { name, severity, threshold, unit, summary, description } = rule
    const standing = this.#standings.get(rule)
    return {
      name,
      severity,
      state: standing?.state ?? 'ok',
      value: standing?.value ?? null,
      threshold,
      unit,
      since: new Date(standing?.sinceMs ?? 0).toISOString(),
      summary,
      description,
    }
  }
}
