import type { Readable, Writable } from 'node:stream'
import type { DeadLetterOffice } from '../../queue/dead-letters.ts'
import { Outbound, type OutboundMetrics, type OutboundSink } from '../../queue/outbound.ts'
import type { Channel, ChannelListener } from '../channel.ts'
import { LineReader } from '../lines.ts'

export interface StreamChannelOptions {
  /** Default 4 MiB. */
  maxMessageBytes?: number
  /** Bytes that may wait to be read by the other side before the connection is given up. Default 64 MiB. */
  maxWaitingBytes?: number
}

/** What the operator should be told of a connection: whose messages those are that could not be delivered. */
export interface ChannelBooks {
  readonly name: string
  readonly deadLetters: DeadLetterOffice
}

/**
 * Characters that are gathered in one turn before they are written: few writes, and yet the other side reads the first
 * answers of a turn while we make the last. In one piece, each would wait for the other in turn.
 */
const largestBatch = 2 * 1024

/**
 * One message a line over a pair of byte streams (2026-07-28, transports/stdio).
 *
 * What is sent in one turn of the event loop is written in few pieces. While much waits for the other side to read, we
 * do not read what it writes.
 */
export class StreamChannel implements Channel {
  readonly #input: Readable
  readonly #output: Writable
  readonly #listener: ChannelListener
  readonly #outbound: Outbound
  readonly #reader: LineReader
  #batch = ''
  #isScheduled = false
  #isClosed = false
  #isGone = false

  /** @param listen - makes the listener; called once, with this channel */
  constructor(
    input: Readable,
    output: Writable,
    listen: (channel: Channel) => ChannelListener,
    options: StreamChannelOptions = {},
    books?: ChannelBooks,
  ) {
    this.#input = input
    this.#output = output
    const { maxWaitingBytes = 64 * 1024 * 1024, maxMessageBytes = 4 * 1024 * 1024 } = options
    this.#outbound = new Outbound(
      this.#sink(),
      { maxBytes: maxWaitingBytes },
      books?.name ?? 'unknown',
      books?.deadLetters,
    )
    this.#listener = listen(this)
    this.#reader = new LineReader(this.#listener, maxMessageBytes)
    input.on('data', (chunk: Buffer) => this.#reader.push(chunk))
    input.once('end', () => this.#gone())
    input.once('close', () => this.#gone())
    input.once('error', () => this.#gone())
    output.once('error', () => {
      this.close()
      this.#gone()
    })
    output.on('drain', () => this.#outbound.drained())
  }

  get metrics(): OutboundMetrics {
    return this.#outbound.metrics
  }

  send(message: string | Uint8Array): void {
    if (this.#isClosed) return
    if (typeof message === 'string') this.#batch += `${message}\n`
    else {
      this.#flush()
      this.#outbound.send(message)
      this.#batch = '\n'
    }
    if (this.#batch.length >= largestBatch) this.#flush()
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  /** Writes what waits and stops listening. The streams themselves are their owner's. */
  close(): void {
    if (this.#isClosed) return
    this.#flush()
    this.#isClosed = true
    this.#outbound.close(this.#output.writable)
    this.#input.pause()
    this.#input.removeAllListeners('data')
  }

  #flush(): void {
    if (this.#batch === '') return
    const text = this.#batch
    this.#batch = ''
    this.#outbound.send(text)
  }

  #sink(): OutboundSink {
    const input = this.#input
    const output = this.#output
    return {
      // A stream that takes nothing any more tells of its end by itself; until then it swallows.
      write: (message) => !output.writable || output.write(message),
      cut: () => {
        this.close()
        this.#gone()
      },
      pause: () => {
        this.#reader.pause()
        input.pause()
      },
      resume: () => {
        if (!this.#isClosed && this.#reader.resume()) input.resume()
      },
    }
  }

  /** Nothing more will arrive; answers to what has arrived may still be sent. */
  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#listener.closed()
  }
}
