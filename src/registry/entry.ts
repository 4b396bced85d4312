import type { Properties } from './kind.ts'

/** Why a name is no longer registered. */
export type Departure = 'unregistered' | 'holder ended'

/** Told once, when the entry goes. */
export type Monitor = (reason: Departure) => void

/** Properties that may be set on one entry. */
const maxProperties = 32
const maxMonitors = 1000

/** Who holds an entry, as far as that needs to know. */
export interface EntryHolder {
  readonly name: string
  release(entry: Entry<unknown>): void
}

/** Where an entry reports to: its directory. */
export interface EntryOwner {
  readonly kind: { readonly name: string }
  leave(entry: Entry<unknown>, reason: Departure): void
  changed(entry: Entry<unknown>): void
}

/** One name, what it stands for, and who holds it. */
export class Entry<Value> {
  readonly name: string
  readonly value: Value
  readonly holder: EntryHolder | undefined
  /** Set by the table of the unique names; 0 for a member of a group. */
  tag = 0
  readonly #owner: EntryOwner
  // Two lists run through the entries: the directory's, in the order in which they came, and the holder's.
  before: Entry<Value> | undefined = undefined
  after: Entry<Value> | undefined = undefined
  previous: Entry<unknown> | undefined = undefined
  next: Entry<unknown> | undefined = undefined
  /** One is stored as it is: hardly an entry has more. */
  #monitors: Monitor | Monitor[] | undefined = undefined
  #properties: Record<string, string | number | boolean> | undefined = undefined
  isRegistered = true

  constructor(owner: EntryOwner, name: string, value: Value, holder: EntryHolder | undefined) {
    this.#owner = owner
    this.name = name
    this.value = value
    this.holder = holder
  }

  /** What kind of thing has the name. */
  get kind(): string {
    return this.#owner.kind.name
  }

  /** Only one may have the name; else it is a member of the group of that name. */
  get isUnique(): boolean {
    return this.tag !== 0
  }

  /** What has been set, and nothing of what the kind describes. */
  get properties(): Properties {
    return this.#properties ?? {}
  }

  /** Sets a property, of which watchers are told. @throws RangeError when there are as many as allowed */
  set(property: string, value: string | number | boolean): void {
    this.#properties ??= Object.create(null) as Record<string, string | number | boolean>
    const properties = this.#properties
    if (!(property in properties) && Object.keys(properties).length >= maxProperties) {
      throw new RangeError(`An entry may have ${maxProperties} properties`)
    }
    properties[property] = value
    if (this.isRegistered) this.#owner.changed(this)
  }

  /** Takes the name away. Does nothing when it is gone already. */
  unregister(reason: Departure = 'unregistered'): void {
    if (this.isRegistered) this.#owner.leave(this, reason)
  }

  /**
   * Calls back when the entry goes, at once if it is gone. A function that is given twice is called twice.
   *
   * @throws RangeError when there are as many as allowed
   */
  monitor(monitor: Monitor): void {
    if (!this.isRegistered) monitor('unregistered')
    else if (this.#monitors === undefined) this.#monitors = monitor
    else if (typeof this.#monitors === 'function') this.#monitors = [this.#monitors, monitor]
    else if (this.#monitors.length < maxMonitors) this.#monitors.push(monitor)
    else throw new RangeError(`An entry may have ${maxMonitors} monitors`)
  }

  /** Takes back one `monitor` of this function. */
  demonitor(monitor: Monitor): void {
    if (this.#monitors === monitor) this.#monitors = undefined
    else if (typeof this.#monitors === 'object') {
      const index = this.#monitors.indexOf(monitor)
      if (index >= 0) this.#monitors.splice(index, 1)
    }
  }

  /** Called by the directory when the entry has gone. */
  tellMonitors(reason: Departure, onError: (error: unknown) => void): void {
    const monitors = this.#monitors
    if (monitors === undefined) return
    this.#monitors = undefined
    for (const monitor of typeof monitors === 'function' ? [monitors] : monitors) {
      try {
        monitor(reason)
      } catch (error) {
        onError(error)
      }
    }
  }
}
