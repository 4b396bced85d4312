import { RingBuffer } from './ring-buffer.ts'

/** Why a message was not delivered, or a request not run. */
export type DeathReason = 'slow client' | 'connection closed' | 'deadline' | 'shutdown'

/** A message that reached nobody; plain JSON. */
export interface DeadLetter {
  readonly reason: DeathReason
  /** For whom it was, or from whom. */
  readonly peer: string
  readonly atMs: number
  /** Of the whole message. */
  readonly bytes: number
  /** How the message begins. */
  readonly text: string
}

export interface DeadLetterOffice {
  bury(reason: DeathReason, peer: string, message: string | Uint8Array): void
}

const defaultCapacity = 1000
/** Characters of a message that are kept: enough to see what it was. */
const keptLength = 200

/** The last messages that reached nobody. The oldest is forgotten for a new one; all are counted. */
export class DeadLetters implements DeadLetterOffice {
  readonly #letters: RingBuffer<DeadLetter>
  readonly #counts = new Map<DeathReason, number>()
  readonly #now: () => number

  constructor(options: { capacity?: number; now?: () => number } = {}) {
    this.#letters = new RingBuffer(options.capacity ?? defaultCapacity)
    this.#now = options.now ?? Date.now
  }

  /** How many are kept. */
  get size(): number {
    return this.#letters.size
  }

  /** How many there have been, by reason. */
  get counts(): Readonly<Partial<Record<DeathReason, number>>> {
    return Object.fromEntries(this.#counts)
  }

  bury(reason: DeathReason, peer: string, message: string | Uint8Array): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    const bytes = typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
    const letter = { reason, peer, atMs: this.#now(), bytes, text: beginning(message) }
    if (this.#letters.size === this.#letters.capacity) this.#letters.shift()
    this.#letters.push(letter)
  }

  /** The letters that are kept, oldest first. */
  snapshot(): DeadLetter[] {
    return this.#letters.toArray()
  }
}

/** A copy: a part of a string would keep the whole of it in memory. */
function beginning(message: string | Uint8Array): string {
  const bytes =
    typeof message === 'string'
      ? Buffer.from(message.slice(0, keptLength))
      : Buffer.from(message.subarray(0, keptLength))
  return bytes.toString()
}
