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
  /** There will be no further event of the stream. */
  end(stream: number): void
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
  /** In the order of their sequence numbers. There are few; a table would be most of what an idle stream costs. */
  #events: LoggedEvent[] | undefined = undefined
  /** For each stream, the last sequence number that was forgotten. */
  #forgotten: Map<number, number> | undefined = undefined
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
    for (const [stream, sequence] of forgotten) this.#setForgotten(stream, sequence)
    for (const event of events) this.#add(event)
  }

  /** The stream's messages after a sequence number, or undefined when one of them has been forgotten. */
  after(stream: number, sequence: number): LoggedEvent[] | undefined {
    if ((this.#forgotten?.get(stream) ?? 0) > sequence) return undefined
    return (this.#events ?? []).filter(
      (event) => event.stream === stream && event.sequence > sequence && event.data !== '',
    )
  }

  /** Whether anything of the stream is still kept. */
  has(stream: number): boolean {
    return this.#events?.some((event) => event.stream === stream) ?? false
  }

  /** Forgets what is older than the limit; a keeper does that by itself. */
  expire(nowMs: number): void {
    const { maxAgeMs } = this.#limits
    for (;;) {
      const oldest = this.#events?.[0]
      if (oldest === undefined || nowMs - oldest.loggedAtMs < maxAgeMs) return
      this.#forgetOldest()
    }
  }

  /** Forgets that the stream ever was. */
  drop(stream: number): void {
    this.#forgotten?.delete(stream)
  }

  get size(): number {
    return this.#events?.length ?? 0
  }

  #add(event: LoggedEvent): void {
    if (this.#events === undefined) this.#events = [event]
    else this.#events.push(event)
    this.#length += event.data.length
    while (this.size > this.#limits.maxEvents || this.#length > this.#limits.maxLength) {
      this.#forgetOldest()
      this.#untold += 1
    }
    if (this.keeper !== undefined && this.#untold >= forgetBatch) {
      this.#untold = 0
      for (const [stream, sequence] of this.#forgotten ?? []) this.keeper.forget(stream, sequence)
    }
  }

  #forgetOldest(): void {
    const oldest = this.#events?.shift()
    if (oldest === undefined) return
    this.#length -= oldest.data.length
    this.#setForgotten(oldest.stream, oldest.sequence)
  }

  #setForgotten(stream: number, sequence: number): void {
    this.#forgotten ??= new Map()
    this.#forgotten.set(stream, sequence)
  }
}
