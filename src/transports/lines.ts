import { isUtf8 } from 'node:buffer'
import { McpError } from '../protocol/errors.ts'
import type { ChannelListener } from './channel.ts'

const newline = 10

/** Cuts a stream of bytes into messages, one a line (stdio, TCP). */
export class LineReader {
  readonly #listener: ChannelListener
  readonly #maxLineBytes: number
  /** What has arrived of a line that is not complete. */
  #rest: Buffer[] = []
  #restLength = 0
  /** The line has become too long; the rest of it is thrown away. */
  #skipping = false
  #isPaused = false
  /** Lines of the last chunk that wait until reading goes on. */
  #held: (string | McpError)[] = []

  /** @param maxLineBytes - a longer line is answered with an error and skipped */
  constructor(listener: ChannelListener, maxLineBytes: number) {
    this.#listener = listener
    this.#maxLineBytes = maxLineBytes
  }

  /** Hands out nothing more, not even the rest of the chunk that has arrived. Whoever gives the chunks pauses, too. */
  pause(): void {
    this.#isPaused = true
  }

  /** Goes on. False when the lines that were held have led to another pause. */
  resume(): boolean {
    this.#isPaused = false
    const held = this.#held
    let given = 0
    for (; given < held.length && !this.#isPaused; given++) {
      const found = held[given]
      if (found !== undefined) this.#tell(found)
    }
    held.splice(0, given)
    return !this.#isPaused
  }

  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(newline)
    if (end < 0) {
      this.#keep(chunk)
      return
    }
    const complete = chunk.subarray(0, end)
    const rest = chunk.subarray(end + 1)
    this.#lines(this.#restLength > 0 || this.#skipping ? this.#completeRest(complete) : complete)
    if (rest.length > 0) this.#keep(rest)
  }

  #keep(part: Buffer): void {
    if (this.#skipping) return
    // The chunk's memory may be used again by whoever reads.
    this.#rest.push(Buffer.from(part))
    this.#restLength += part.length
    if (this.#restLength > this.#maxLineBytes) this.#tooLong()
  }

  /** Joins the kept beginning of a line with what has now come; after a line that was too long only the next ones. */
  #completeRest(complete: Buffer): Buffer {
    if (this.#skipping) {
      this.#skipping = false
      const end = complete.indexOf(newline)
      return end < 0 ? complete.subarray(complete.length) : complete.subarray(end + 1)
    }
    const joined = Buffer.concat([...this.#rest, complete])
    this.#rest = []
    this.#restLength = 0
    return joined
  }

  #lines(bytes: Buffer): void {
    // All lines of a chunk are decoded at once; only if that fails is the bad one looked for.
    if (isUtf8(bytes)) {
      for (const line of bytes.toString().split('\n')) this.#line(line)
      return
    }
    for (let start = 0; start <= bytes.length; ) {
      const found = bytes.indexOf(newline, start)
      const end = found < 0 ? bytes.length : found
      const line = bytes.subarray(start, end)
      if (isUtf8(line)) this.#line(line.toString())
      else this.#give(new McpError('PARSE_ERROR', 'Parse error: the message is not valid UTF-8'))
      start = end + 1
    }
  }

  #line(line: string): void {
    if (this.#isTooLong(line)) this.#give(this.#lengthError())
    else if (line !== '' && line !== '\r') this.#give(line)
  }

  #give(found: string | McpError): void {
    if (this.#isPaused) this.#held.push(found)
    else this.#tell(found)
  }

  #tell(found: string | McpError): void {
    if (typeof found === 'string') this.#listener.message(found)
    else this.#listener.fault(found)
  }

  #isTooLong(line: string): boolean {
    // A character has at most three bytes for each of its UTF-16 units: short lines need no counting.
    return line.length * 3 > this.#maxLineBytes && Buffer.byteLength(line) > this.#maxLineBytes
  }

  #tooLong(): void {
    this.#rest = []
    this.#restLength = 0
    this.#skipping = true
    this.#give(this.#lengthError())
  }

  #lengthError(): McpError {
    return new McpError(
      'INVALID_REQUEST',
      `Invalid request: a message may have ${this.#maxLineBytes} bytes`,
    )
  }
}
