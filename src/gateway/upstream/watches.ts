import type { Session } from '../../sessions/session.ts'
import type { Owner } from './connection-pool.ts'

/** A subscription of a client to a resource. */
export interface Watch {
  readonly uri: string
  readonly session: Session | undefined
  /** Whose connection hears of it. */
  readonly owner: Owner
}

/** The subscriptions of clients to resources of one upstream: all who share a connection are one subscriber to it. */
export class Watches {
  readonly #all = new Set<Watch>()

  all(): Watch[] {
    return [...this.#all]
  }

  /** @returns whether the upstream has to hear of it */
  add(watch: Watch): boolean {
    const isFirst = !this.has(watch.owner, watch.uri)
    this.#all.add(watch)
    return isFirst
  }

  /** @returns the subscription, if there was one and the upstream has to hear that it is over */
  remove(uri: string, session: Session | undefined): Watch | undefined {
    const watch = [...this.#all].find((each) => each.uri === uri && each.session === session)
    if (watch === undefined) return undefined
    this.#all.delete(watch)
    return this.has(watch.owner, uri) ? undefined : watch
  }

  /** Forgets those of a session, whose connection ends with it. */
  forget(session: Session): void {
    for (const watch of this.#all) if (watch.session === session) this.#all.delete(watch)
  }

  has(owner: Owner, uri?: string): boolean {
    for (const each of this.#all) {
      if (each.owner === owner && (uri === undefined || each.uri === uri)) return true
    }
    return false
  }

  urisOf(owner: Owner): Set<string> {
    return new Set([...this.#all].filter((each) => each.owner === owner).map(({ uri }) => uri))
  }
}
