/** What an operator reads about an entry: plain values, so that a snapshot is JSON. */
export type Properties = Readonly<Record<string, string | number | boolean>>

/**
 * A kind of thing that has names: tools, sessions, connections. It is also the key under which a registry keeps
 * them, and carries the type of what the names stand for.
 */
export interface Kind<Value> {
  readonly name: string
  /** Names at one time, unique ones and members of groups together; a further one is refused. */
  readonly maxNames: number
  /** The names are secrets, as those of sessions are: a snapshot shows only how they begin. */
  readonly hasSecretNames: boolean
  /** Properties that a snapshot reads off the value. */
  describe(value: Value): Properties
}

export interface KindOptions<Value> {
  /** Default 1,000,000. */
  maxNames?: number
  /** Default false. */
  hasSecretNames?: boolean
  /** Called for snapshots only. Default: no properties. */
  describe?: (value: Value) => Properties
}

/** Defines a kind; the object itself is the key, so it is made once for each kind. */
export function defineKind<Value>(name: string, options: KindOptions<Value> = {}): Kind<Value> {
  const { maxNames = 1_000_000, hasSecretNames = false, describe = () => ({}) } = options
  return Object.freeze({ name, maxNames, hasSecretNames, describe })
}
