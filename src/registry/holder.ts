import type { Entry, EntryHolder } from './entry.ts'

/**
 * Whoever stands behind names: a server, an engine, an upstream. When it goes away, so do all names that it holds,
 * at once and in the order in which they came.
 */
export class Holder implements EntryHolder {
  /** What snapshots call it. */
  readonly name: string
  /** The first and last of a list that runs through the entries themselves: to hold a name costs no memory of its own. */
  #first: Entry<unknown> | undefined = undefined
  #last: Entry<unknown> | undefined = undefined
  #hasEnded = false

  constructor(name: string) {
    this.name = name
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Takes an entry in. Called by the directory that registers it. */
  hold(entry: Entry<unknown>): void {
    entry.previous = this.#last
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
  }

  /** Lets go of an entry that it holds. Called by the directory that unregisters it. */
  release(entry: Entry<unknown>): void {
    const { previous, next } = entry
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    entry.previous = undefined
    entry.next = undefined
  }

  /** Goes away. Idempotent. */
  end(): void {
    this.#hasEnded = true
    while (this.#first !== undefined) this.#first.unregister('holder ended')
  }
}
