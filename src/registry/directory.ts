import { type Departure, Entry, type EntryOwner } from './entry.ts'
import type { Holder } from './holder.ts'
import type { Kind } from './kind.ts'
import type { RegistryMeter } from './meter.ts'
import { NameTable } from './name-table.ts'

/** What has happened to an entry. */
export type Change = 'registered' | 'changed' | 'unregistered'

/** Told of each change of the entries that it watches, at once and in order. */
export type Watcher<Value> = (change: Change, entry: Entry<Value>) => void

interface Watch<Value> {
  readonly watcher: Watcher<Value>
  readonly prefix: string
}

/** Watchers of one kind at a time. */
const maxWatchers = 1000

/** The names of one kind. */
export class Directory<Value> implements EntryOwner {
  readonly kind: Kind<Value>
  readonly #onError: (error: unknown) => void
  readonly #unique = new NameTable<Value, Entry<Value>>()
  readonly #groups = new Map<string, Set<Entry<Value>>>()
  /** The unique names in the order in which they came: a list that runs through the entries. */
  #first: Entry<Value> | undefined = undefined
  #last: Entry<Value> | undefined = undefined
  /** Replaced, never changed: a watcher may come or go while watchers are told. */
  #watches: readonly Watch<Value>[] = []
  #memberCount = 0
  /** Measures the operations; undefined where nobody wants to know. */
  meter: RegistryMeter | undefined = undefined

  /** @param onError - told what a watcher or a monitor throws; the registry goes on */
  constructor(kind: Kind<Value>, onError: (error: unknown) => void) {
    this.kind = kind
    this.#onError = onError
  }

  /** Unique names and members of groups together. */
  get size(): number {
    return this.#unique.size + this.#memberCount
  }

  /** What a unique name stands for. */
  get(name: string): Value | undefined {
    const { meter } = this
    if (meter === undefined) return this.#unique.get(name)
    const beganMs = meter.began()
    const value = this.#unique.get(name)
    meter.ended('look_up', beganMs)
    return value
  }

  /** The entry of a unique name. */
  find(name: string): Entry<Value> | undefined {
    return this.#unique.item(name)
  }

  has(name: string): boolean {
    return this.#unique.item(name) !== undefined
  }

  /** What the unique names stand for, in the order in which they came. */
  values(): Value[] {
    const values: Value[] = []
    for (let entry = this.#first; entry !== undefined; entry = entry.after) values.push(entry.value)
    return values
  }

  /** All entries: of unique names first, then of groups. */
  entries(): Entry<Value>[] {
    const entries: Entry<Value>[] = []
    for (let entry = this.#first; entry !== undefined; entry = entry.after) entries.push(entry)
    for (const members of this.#groups.values()) entries.push(...members)
    return entries
  }

  /** The member of a group that came first. */
  firstMember(name: string): Value | undefined {
    return this.#groups.get(name)?.values().next().value?.value
  }

  /** The members of a group, in the order in which they came. */
  members(name: string): Value[] {
    return [...(this.#groups.get(name) ?? [])].map(({ value }) => value)
  }

  /**
   * Gives a thing a name that nothing else of its kind may have.
   *
   * @param holder - with whom the name goes
   * @throws TypeError when the name is taken or the holder has ended; RangeError when there are too many names
   */
  register(name: string, value: Value, holder?: Holder): Entry<Value> {
    const beganMs = this.meter?.began() ?? 0
    const entry = this.#enter(name, value, holder)
    if (!this.#unique.add(value, entry)) {
      throw new TypeError(`There is one already: ${this.kind.name} ${name}`)
    }
    holder?.hold(entry)
    entry.before = this.#last
    if (this.#last === undefined) this.#first = entry
    else this.#last.after = entry
    this.#last = entry
    this.meter?.ended('register', beganMs)
    if (this.#watches.length > 0) this.#tell('registered', entry)
    return entry
  }

  /**
   * Adds a member to the group of a name. Any number may have it.
   *
   * @throws TypeError when the holder has ended; RangeError when there are too many names
   */
  join(name: string, value: Value, holder?: Holder): Entry<Value> {
    const entry = this.#enter(name, value, holder)
    holder?.hold(entry)
    const members = this.#groups.get(name)
    if (members === undefined) this.#groups.set(name, new Set([entry]))
    else members.add(entry)
    this.#memberCount++
    if (this.#watches.length > 0) this.#tell('registered', entry)
    return entry
  }

  /** Takes a unique name away; false when there is none. */
  unregister(name: string): boolean {
    const entry = this.#unique.item(name)
    if (entry === undefined) return false
    this.leave(entry, 'unregistered')
    return true
  }

  /**
   * Tells of each change from now on.
   *
   * @param prefix - of the names that matter
   * @returns a function that stops it
   * @throws RangeError when there are too many watchers
   */
  watch(watcher: Watcher<Value>, prefix = ''): () => void {
    if (this.#watches.length >= maxWatchers) {
      throw new RangeError(`A kind may have ${maxWatchers} watchers`)
    }
    const watch = { watcher, prefix }
    this.#watches = [...this.#watches, watch]
    return () => {
      this.#watches = this.#watches.filter((each) => each !== watch)
    }
  }

  // For the entries.

  leave(entry: Entry<Value>, reason: Departure): void {
    const beganMs = this.meter?.began() ?? 0
    if (entry.isUnique) this.#removeUnique(entry)
    else this.#removeMember(entry)
    entry.isRegistered = false
    entry.holder?.release(entry)
    this.meter?.ended('unregister', beganMs)
    entry.tellMonitors(reason, this.#onError)
    if (this.#watches.length > 0) this.#tell('unregistered', entry)
  }

  changed(entry: Entry<Value>): void {
    if (this.#watches.length > 0) this.#tell('changed', entry)
  }

  #enter(name: string, value: Value, holder: Holder | undefined): Entry<Value> {
    if (this.size >= this.kind.maxNames) {
      throw new RangeError(`There may be ${this.kind.maxNames} of ${this.kind.name}`)
    }
    if (holder?.hasEnded === true) throw new TypeError(`${holder.name} has ended`)
    return new Entry(this, name, value, holder)
  }

  #removeUnique(entry: Entry<Value>): void {
    this.#unique.delete(entry)
    const { before, after } = entry
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    entry.before = undefined
    entry.after = undefined
  }

  #removeMember(entry: Entry<Value>): void {
    const members = this.#groups.get(entry.name)
    members?.delete(entry)
    if (members?.size === 0) this.#groups.delete(entry.name)
    this.#memberCount--
  }

  #tell(change: Change, entry: Entry<Value>): void {
    for (const { watcher, prefix } of this.#watches) {
      if (prefix !== '' && !entry.name.startsWith(prefix)) continue
      try {
        watcher(change, entry)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
