import type { EventLog } from './event-log.ts'

/** Where the events of a stream are written: the body of an HTTP response. */
export interface EventSink {
  /** One event; an empty `data` primes the stream, `retryMs` tells the client how long to wait before it comes back. */
  event(data: string, id: string | undefined, retryMs?: number): void
  /** Several events in one piece, so that a client that comes back is not taken for a slow one. */
  replay(events: readonly { data: string; id: string }[]): void
  /** Ends the response. */
  close(): void
}

/**
 * A stream of messages to one client that outlives the HTTP responses that carry it.
 *
 * While no response is attached, messages only go to the log; the next response gets them from there. Where the log is
 * kept beyond the process, a response gets nothing before it is kept: no client has seen what a restart forgets.
 */
export class EventStream {
  readonly number: number
  /** The stream will have no further message. */
  ended = false
  readonly #log: EventLog
  #sink: EventSink | undefined

  constructor(number: number, log: EventLog) {
    this.number = number
    this.#log = log
  }

  get isAttached(): boolean {
    return this.#sink !== undefined
  }

  send(json: string): void {
    if (this.ended) return
    this.#write(json)
  }

  /** Writes an event with an id and no data, so that the client can resume from before the first message. */
  prime(retryMs: number): void {
    this.#write('', retryMs)
  }

  /** Puts a response under the stream; one that was there before is closed, since its client has come back. */
  attach(sink: EventSink): void {
    this.#sink?.close()
    this.#sink = sink
  }

  /** Whether all that came after `sequence` is still kept. */
  canResume(sequence: number): boolean {
    return this.#log.after(this.number, sequence) !== undefined
  }

  /** Attaches a response and first writes what came after `sequence`. */
  resume(sink: EventSink, sequence: number): void {
    this.attach(sink)
    const missed = this.#log.after(this.number, sequence) ?? []
    const events = missed.map((event) => ({ data: event.data, id: this.#eventId(event.sequence) }))
    this.#whenKept(sink, () => sink.replay(events))
    if (this.ended) this.#closeSink()
  }

  /** The response has gone away; the stream goes on. */
  detach(sink: EventSink): void {
    if (this.#sink === sink) this.#sink = undefined
  }

  /** Ends the response but not the stream: the client is to come back after `retryMs`. */
  pause(retryMs: number): void {
    if (this.#sink === undefined) return
    this.#write('', retryMs)
    this.#closeSink()
  }

  /** Ends the response but not the stream: its client does not answer any more, but may come back. */
  hangUp(): void {
    this.#closeSink()
  }

  /** No further message: the response ends, and so will any that resumes the stream. */
  end(): void {
    if (!this.ended) {
      this.ended = true
      this.#log.keeper?.end(this.number)
    }
    this.#closeSink()
  }

  /** The process is about to end, the stream is not: whoever takes it over goes on with it. */
  letGo(): void {
    this.#closeSink()
  }

  #write(data: string, retryMs?: number): void {
    const sequence = this.#log.append(this.number, data, Date.now())
    const sink = this.#sink
    if (sink === undefined) return
    const id = this.#eventId(sequence)
    if (this.#log.keeper === undefined) sink.event(data, id, retryMs)
    else this.#whenKept(sink, () => sink.event(data, id, retryMs))
  }

  #closeSink(): void {
    const sink = this.#sink
    if (sink === undefined) return
    this.#whenKept(sink, () => {
      this.#sink = undefined
      sink.close()
    })
  }

  /** Does something with a response once the log is kept, unless another has taken its place by then. */
  #whenKept(sink: EventSink, use: () => void): void {
    const { keeper } = this.#log
    if (keeper === undefined) use()
    else {
      keeper.whenKept(() => {
        if (this.#sink === sink) use()
      })
    }
  }

  #eventId(sequence: number): string {
    return `${this.number}-${sequence}`
  }
}

/** Reads an event id back into stream and sequence; undefined when it is none of ours. */
export function parseEventId(id: string): { stream: number; sequence: number } | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(id)
  return found === null ? undefined : { stream: Number(found[1]), sequence: Number(found[2]) }
}
