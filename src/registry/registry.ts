import { Directory, type Watcher } from './directory.ts'
import type { Entry } from './entry.ts'
import type { Kind, Properties } from './kind.ts'
import type { RegistryMeter } from './meter.ts'

/** One entry as an operator sees it; plain JSON. */
interface EntrySnapshot {
  readonly name: string
  /** True for a name that others may have, too. */
  readonly isShared: boolean
  readonly holder: string | undefined
  readonly properties: Properties
}

/** The names of one kind as an operator sees them; plain JSON. */
export interface KindSnapshot {
  readonly kind: string
  /** How many there are, whatever is shown. */
  readonly size: number
  readonly maxNames: number
  readonly entries: readonly EntrySnapshot[]
  /** False when there were more entries than asked for. */
  readonly isComplete: boolean
}

export interface SnapshotOptions {
  /** Only this kind. */
  kind?: string
  /** Only names that begin so. */
  prefix?: string
  /** Entries of each kind; default 1000. */
  limit?: number
}

/** How much of a secret name a snapshot shows: enough to tell two apart, too little to use one. */
const shownOfSecret = 6

/**
 * Names, and what they stand for: one directory a kind.
 *
 * Everything happens at once and in this process: when a call returns, all watchers have been told.
 */
export class Registry {
  readonly #onError: (error: unknown) => void
  readonly #directories = new Map<string, Directory<unknown>>()
  /** The watchers of all kinds, each with what stops it. */
  readonly #watchers = new Map<Watcher<unknown>, (() => void)[]>()
  #meter: RegistryMeter | undefined = undefined

  /** @param onError - told what watchers and monitors throw */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** The names of a kind. @throws TypeError when another kind has the same name */
  of<Value>(kind: Kind<Value>): Directory<Value> {
    let directory = this.#directories.get(kind.name)
    if (directory === undefined) {
      directory = new Directory(kind as Kind<unknown>, this.#onError)
      directory.meter = this.#meter
      this.#directories.set(kind.name, directory)
      for (const [watcher, stops] of this.#watchers) stops.push(directory.watch(watcher))
    }
    if (directory.kind !== kind) throw new TypeError(`There is another kind named ${kind.name}`)
    return directory as Directory<Value>
  }

  /** Measures the operations of all kinds from now on; undefined: no longer. */
  set meter(meter: RegistryMeter | undefined) {
    this.#meter = meter
    for (const directory of this.#directories.values()) directory.meter = meter
  }

  /** Whether there is that name of the kind that is called so. */
  has(kind: string, name: string): boolean {
    return this.#directories.get(kind)?.has(name) ?? false
  }

  /** Names of all kinds together. */
  get size(): number {
    let size = 0
    for (const directory of this.#directories.values()) size += directory.size
    return size
  }

  /** Tells of each change of any kind. @returns a function that stops it */
  watch(watcher: Watcher<unknown>): () => void {
    // A function of its own, so that one that is given twice can be stopped once.
    const own: Watcher<unknown> = (change, entry) => watcher(change, entry)
    const stops = [...this.#directories.values()].map((directory) => directory.watch(own))
    this.#watchers.set(own, stops)
    return () => {
      this.#watchers.delete(own)
      for (const stop of stops) stop()
    }
  }

  /** How many names each kind has. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#directories].map(([name, { size }]) => [name, size]))
  }

  /** What is registered at this moment, for an operator to look at. */
  snapshot({ kind, prefix = '', limit = 1000 }: SnapshotOptions = {}): KindSnapshot[] {
    return [...this.#directories.values()]
      .filter((directory) => kind === undefined || directory.kind.name === kind)
      .map((directory) => snapshotOf(directory, prefix, limit))
  }
}

function snapshotOf(directory: Directory<unknown>, prefix: string, limit: number): KindSnapshot {
  const { kind, size } = directory
  // Else a secret could be found out letter by letter.
  const begin = kind.hasSecretNames ? prefix.slice(0, shownOfSecret) : prefix
  const entries: EntrySnapshot[] = []
  let isComplete = true
  for (const entry of directory.entries()) {
    if (!entry.name.startsWith(begin)) continue
    if (entries.length >= limit) {
      isComplete = false
      break
    }
    entries.push(shown(kind, entry))
  }
  return { kind: kind.name, size, maxNames: kind.maxNames, entries, isComplete }
}

function shown(kind: Kind<unknown>, entry: Entry<unknown>): EntrySnapshot {
  const { name, holder } = entry
  return {
    name: kind.hasSecretNames ? `${name.slice(0, shownOfSecret)}…` : name,
    isShared: !entry.isUnique,
    holder: holder?.name,
    properties: { ...kind.describe(entry.value), ...entry.properties },
  }
}
