/** One message that was written to an event stream, kept so that it can be written again. */
export interface LoggedEvent {
  readonly sequence: number
  readonly stream: number
  readonly data: string
  readonly loggedAtMs: number
}

/** Bounds of one session's event log. What exceeds them is forgotten, oldest first. */
export interface EventLogLimits {
  /** Default 256. */
  readonly maxEvents: number
  /** Characters of all kept messages together; default 256 Ki. */
  readonly maxLength: number
  /** Milliseconds; default 5 minutes. */
  readonly maxAgeMs: number
}

export const defaultEventLogLimits: EventLogLimits = {
  maxEvents: 256,
  maxLength: 256 * 1024,
  maxAgeMs: 300_000,
}

/** Keeps the events of one session beyond the life of the process. */
export interface EventKeeper {
  /** No number up to this one is given to a stream or an event of the session again. */
  readonly lastNumber: number
  append(event: LoggedEvent): void
  /** Forgets the events of a stream up to and with that one. */
  forget(stream: number, sequence: number): void
  /** Calls back when all that has been appended is kept; in the order of the calls. */
  whenKept(callback: () => void): void
}

/** Events forgotten for want of room are told to the keeper so many at a time. */
const forgetBatch = 64

/**
 * The messages of a session's event streams, for clients that come back with a `Last-Event-ID`
 * (2025-11-25, transports#resumability-and-redelivery).
 *
 * Sequence numbers run through all streams of the session, so event ids are unique in it.
 */
export class EventLog {
  /** Where the log is kept, too; undefined when it is in memory only. */
  readonly keeper: EventKeeper | undefined
  readonly #events = new Map<number, LoggedEvent>()
  /** For each stream, the last sequence number that was forgotten. */
  readonly #forgotten = new Map<number, number>()
  readonly #limits: EventLogLimits
  #length = 0
  #nextSequence: number
  #untold = 0

  constructor(limits: EventLogLimits, keeper?: EventKeeper) {
    this.#limits = limits
    this.keeper = keeper
    this.#nextSequence = (keeper?.lastNumber ?? 0) + 1
  }

  /** Keeps a message and returns its sequence number. An empty one marks a place: nothing is replayed for it. */
  append(stream: number, data: string, nowMs: number): number {
    const event = { sequence: this.#nextSequence++, stream, data, loggedAtMs: nowMs }
    this.keeper?.append(event)
    this.#add(event)
    return event.sequence
  }

  /** Takes what was kept by an earlier process. */
  restore(events: readonly LoggedEvent[], forgotten: Iterable<[number, number]>): void {
    for (const [stream, sequence] of forgotten) this.#forgotten.set(stream, sequence)
    for (const event of events) this.#add(event)
  }

  /** The stream's messages after a sequence number, or undefined when one of them has been forgotten. */
  after(stream: number, sequence: number): LoggedEvent[] | undefined {
    if ((this.#forgotten.get(stream) ?? 0) > sequence) return undefined
    return [...this.#events.values()].filter(
      (event) => event.stream === stream && event.sequence > sequence && event.data !== '',
    )
  }

  /** Whether anything of the stream is still kept. */
  has(stream: number): boolean {
    for (const event of this.#events.values()) if (event.stream === stream) return true
    return false
  }

  /** Forgets what is older than the limit; a keeper does that by itself. */
  expire(nowMs: number): void {
    for (const event of this.#events.values()) {
      if (nowMs - event.loggedAtMs < this.#limits.maxAgeMs) return
      this.#forgetOldest()
    }
  }

  /** Forgets that the stream ever was. */
  drop(stream: number): void {
    this.#forgotten.delete(stream)
  }

  get size(): number {
    return this.#events.size
  }

  #add(event: LoggedEvent): void {
    this.#events.set(event.sequence, event)
    this.#length += event.data.length
    while (this.#events.size > this.#limits.maxEvents || this.#length > this.#limits.maxLength) {
      this.#forgetOldest()
      this.#untold += 1
    }
    if (this.keeper !== undefined && this.#untold >= forgetBatch) {
      this.#untold = 0
      for (const [stream, sequence] of this.#forgotten) this.keeper.forget(stream, sequence)
    }
  }

  #forgetOldest(): void {
    const oldest = this.#events.values().next().value
    if (oldest === undefined) return
    this.#events.delete(oldest.sequence)
    this.#length -= oldest.data.length
    this.#forgotten.set(oldest.stream, oldest.sequence)
  }
}
