import type { TargetKind } from './operation.ts'

/** Whether something is allowed, and why: the rule that says so, in words. */
export interface Decision {
  readonly allowed: boolean
  readonly rule: string
}

/** Decisions kept of one access; beyond that they are worked out anew. */
const maxDecisions = 10_000
/** Names that are longer are hardly those of anything, and are not kept. */
const maxKeptLength = 500

/** Keeps decisions, so that an allowed call costs a look at a map. */
export class DecisionCache {
  readonly #work: (kind: TargetKind, name: string) => Decision
  readonly #byKind = new Map<TargetKind, Map<string, Decision>>()
  #size = 0

  constructor(work: (kind: TargetKind, name: string) => Decision) {
    this.#work = work
  }

  decide(kind: TargetKind, name: string): Decision {
    let known = this.#byKind.get(kind)
    if (known === undefined) {
      known = new Map()
      this.#byKind.set(kind, known)
    }
    const kept = known.get(name)
    if (kept !== undefined) return kept
    const decision = this.#work(kind, name)
    if (name.length <= maxKeptLength) {
      if (this.#size >= maxDecisions) {
        this.#byKind.clear()
        this.#size = 0
      } else {
        known.set(name, decision)
        this.#size += 1
      }
    }
    return decision
  }
}
