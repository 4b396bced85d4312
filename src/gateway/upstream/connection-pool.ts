import type { Session } from '../../sessions/session.ts'
import type { Connection } from './connection.ts'

/** Whose a connection is: everybody's, an identity's by its key, or a session's. */
export type Owner = string | Session

/** The owner of the connection whose lists are offered, and of all calls where nobody is kept apart. */
export const everybody = ''

/** The open connections of one upstream, by whose they are. */
export class ConnectionPool {
  readonly #byOwner = new Map<Owner, readonly Connection[]>()

  all(): Connection[] {
    return [...this.#byOwner.values()].flat()
  }

  /** Each connection with its owner. */
  entries(): (readonly [Owner, Connection])[] {
    return [...this.#byOwner].flatMap(([owner, connections]) =>
      connections.map((connection) => [owner, connection] as const),
    )
  }

  of(owner: Owner): readonly Connection[] {
    return this.#byOwner.get(owner) ?? []
  }

  /** The connection whose lists are offered. */
  get main(): Connection | undefined {
    return this.#byOwner.get(everybody)?.[0]
  }

  get size(): number {
    return this.all().length
  }

  /** Requests under way. */
  get load(): number {
    return this.all().reduce((sum, { load }) => sum + load, 0)
  }

  add(owner: Owner, connection: Connection): void {
    this.#byOwner.set(owner, [...this.of(owner), connection])
  }

  /** @returns false when it is not there any more */
  remove(owner: Owner, connection: Connection): boolean {
    const before = this.of(owner)
    const rest = before.filter((each) => each !== connection)
    if (rest.length === 0) this.#byOwner.delete(owner)
    else this.#byOwner.set(owner, rest)
    return rest.length < before.length
  }

  /** The connection of an owner that has least to do. Runs for every call. */
  leastBusy(owner: Owner): Connection | undefined {
    let best: Connection | undefined
    for (const each of this.of(owner)) {
      if (!each.isClosing && (best === undefined || each.load < best.load)) best = each
    }
    return best
  }

  /** Of those that are somebody's own and have nothing to do, the one that was not used for longest. */
  longestIdle(isNeeded: (owner: Owner) => boolean): readonly [Owner, Connection] | undefined {
    const [oldest] = this.entries()
      .filter(([owner, { load }]) => owner !== everybody && load === 0 && !isNeeded(owner))
      .toSorted(([, a], [, b]) => a.lastUsedMs - b.lastUsedMs)
    return oldest
  }
}
