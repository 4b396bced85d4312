import type { Readable, Writable } from 'node:stream'
import type { Channel, ChannelListener } from '../channel.ts'
import { LineReader } from '../lines.ts'

export interface StreamChannelOptions {
  /** Default 4 MiB. */
  maxMessageBytes?: number
  /** Bytes that may wait to be read by the other side before the connection is given up. Default 64 MiB. */
  maxWaitingBytes?: number
}

/**
 * One message a line over a pair of byte streams (2026-07-28, transports/stdio).
 *
 * What is sent in one turn of the event loop is written in one piece. While the other side does not read what we
 * write, we do not read what it writes.
 */
export class StreamChannel implements Channel {
  readonly #input: Readable
  readonly #output: Writable
  readonly #listener: ChannelListener
  readonly #maxWaitingBytes: number
  #waiting = ''
  #isScheduled = false
  #isClosed = false
  #isGone = false

  /** @param listen - makes the listener; called once, with this channel */
  constructor(
    input: Readable,
    output: Writable,
    listen: (channel: Channel) => ChannelListener,
    options: StreamChannelOptions = {},
  ) {
    this.#input = input
    this.#output = output
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 64 * 1024 * 1024
    this.#listener = listen(this)
    const reader = new LineReader(this.#listener, options.maxMessageBytes ?? 4 * 1024 * 1024)
    input.on('data', (chunk: Buffer) => reader.push(chunk))
    input.once('end', () => this.#gone())
    input.once('close', () => this.#gone())
    input.once('error', () => this.#gone())
    output.once('error', () => {
      this.close()
      this.#gone()
    })
    output.on('drain', () => input.resume())
  }

  send(message: string | Uint8Array): void {
    if (this.#isClosed) return
    if (typeof message === 'string') this.#waiting += `${message}\n`
    else {
      this.#flush()
      this.#write(message)
      this.#waiting = '\n'
    }
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
    if (this.#output.writable) this.#flush()
    this.#isClosed = true
    this.#input.pause()
    this.#input.removeAllListeners('data')
  }

  #flush(): void {
    if (this.#waiting === '') return
    const text = this.#waiting
    this.#waiting = ''
    this.#write(text)
  }

  #write(data: string | Uint8Array): void {
    if (this.#isClosed || !this.#output.writable) return
    if (this.#output.write(data)) return
    this.#input.pause()
    if (this.#output.writableLength <= this.#maxWaitingBytes) return
    this.close()
    this.#gone()
  }

  /** Nothing more will arrive; answers to what has arrived may still be sent. */
  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#listener.closed()
  }
}
