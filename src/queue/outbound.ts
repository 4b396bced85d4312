import type { DeadLetterOffice } from './dead-letters.ts'
import { RingBuffer } from './ring-buffer.ts'

/** Where bytes leave the process: a socket, a pipe, the body of a response. */
export interface OutboundSink {
  /**
   * Takes a message, whatever its length.
   *
   * @returns false when it wants no more until {@link Outbound.drained} is called
   */
  write(message: string | Uint8Array): boolean
  /** Ends the connection at once: its client reads too slowly. */
  cut(): void
  /** So much is waiting that nothing more should be read from this client. */
  pause?(): void
  /** Little is waiting any more: reading may go on. */
  resume?(): void
}

export interface OutboundLimits {
  /** Bytes that may wait before the client is cut off. One message may be longer, if nothing else waits. */
  readonly maxBytes: number
  /** Messages that may wait before the client is cut off. Default 100,000. */
  readonly maxMessages?: number
  /** Waiting bytes from which on nothing is read from the client. Default a quarter of `maxBytes`, 64 KiB at most. */
  readonly highWaterBytes?: number
  /** Waiting bytes at which reading goes on. Default a quarter of the high water mark. */
  readonly lowWaterBytes?: number
}

/** What the queue of one connection is doing; plain JSON. */
export interface OutboundMetrics {
  readonly waitingBytes: number
  readonly waitingMessages: number
  readonly isPaused: boolean
}

/**
 * The way out of one connection. A message goes straight to the sink while that takes messages; else it waits here,
 * within bounds. Whoever lets more than that pile up is cut off, and what waited for it becomes dead letters.
 *
 * A connection whose client keeps up costs this object and no queue.
 */
export class Outbound {
  readonly #sink: OutboundSink
  readonly #limits: OutboundLimits
  readonly #dead: DeadLetterOffice | undefined
  readonly #peer: string
  #queue: RingBuffer<string | Uint8Array> | undefined = undefined
  #waitingBytes = 0
  #isBlocked = false
  #isPaused = false
  #isClosed = false

  /**
   * @param peer - whom dead letters name
   * @param dead - where messages go that cannot be delivered
   */
  constructor(
    sink: OutboundSink,
    limits: OutboundLimits,
    peer: string,
    dead: DeadLetterOffice | undefined,
  ) {
    this.#sink = sink
    this.#limits = limits
    this.#peer = peer
    this.#dead = dead
  }

  get metrics(): OutboundMetrics {
    return {
      waitingBytes: this.#waitingBytes,
      waitingMessages: this.#queue?.size ?? 0,
      isPaused: this.#isPaused,
    }
  }

  /** Nothing waits here, and the sink takes messages. */
  get isFlowing(): boolean {
    return !this.#isBlocked
  }

  /** Sends a message now or, in its turn, later. Does nothing when the connection is closed. */
  send(message: string | Uint8Array): void {
    if (this.#isClosed) return
    if (this.#isBlocked) this.#wait(message)
    else if (!this.#sink.write(message)) this.#isBlocked = true
  }

  /** The sink takes messages again. */
  drained(): void {
    this.#isBlocked = false
    while (!this.#isBlocked && !this.#isClosed && this.#queue !== undefined) {
      const message = this.#queue.shift()
      if (message === undefined) break
      this.#waitingBytes -= byteLength(message)
      if (!this.#sink.write(message)) this.#isBlocked = true
    }
    if (this.#queue?.size === 0) this.#queue = undefined
    if (this.#isPaused && this.#waitingBytes <= this.#lowWaterBytes) {
      this.#isPaused = false
      this.#sink.resume?.()
    }
  }

  /**
   * Nothing more is sent. What waits becomes dead letters, unless it may still be written.
   *
   * @param flushes - hands all that waits to the sink first, however much it is
   */
  close(flushes = false): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (flushes) for (const message of this.#takeAll()) this.#sink.write(message)
    else this.#buryAll('connection closed')
  }

  get #highWaterBytes(): number {
    return this.#limits.highWaterBytes ?? Math.min(this.#limits.maxBytes / 4, 64 * 1024)
  }

  get #lowWaterBytes(): number {
    return this.#limits.lowWaterBytes ?? this.#highWaterBytes / 4
  }

  #wait(message: string | Uint8Array): void {
    const bytes = byteLength(message)
    const { maxBytes, maxMessages = 100_000 } = this.#limits
    this.#queue ??= new RingBuffer(maxMessages)
    const isTooMuch = this.#waitingBytes > 0 && this.#waitingBytes + bytes > maxBytes
    if (isTooMuch || !this.#queue.push(message)) {
      this.#evict(message)
      return
    }
    this.#waitingBytes += bytes
    if (!this.#isPaused && this.#waitingBytes >= this.#highWaterBytes) {
      this.#isPaused = true
      this.#sink.pause?.()
    }
  }

  #evict(message: string | Uint8Array): void {
    this.#isClosed = true
    this.#buryAll('slow client')
    this.#dead?.bury('slow client', this.#peer, message)
    this.#sink.cut()
  }

  #buryAll(reason: 'slow client' | 'connection closed'): void {
    for (const message of this.#takeAll()) this.#dead?.bury(reason, this.#peer, message)
  }

  #takeAll(): (string | Uint8Array)[] {
    const messages = this.#queue?.toArray() ?? []
    this.#queue = undefined
    this.#waitingBytes = 0
    return messages
  }
}

function byteLength(message: string | Uint8Array): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
}
