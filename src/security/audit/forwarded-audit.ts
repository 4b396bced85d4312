import type { AuditEvent } from './audit-event.ts'
import type { AuditRecorder } from './audit-recorder.ts'

/** Records on their way to the process that writes the log. Plain JSON. */
export interface AuditBatch {
  readonly number: number
  readonly events: readonly AuditEvent[]
}

/** A batch has been written, or has its place in what waits to be. Plain JSON. */
export interface AuditReceipt {
  readonly number: number
  /** The log cannot be written at the moment, or too much waits for it. */
  readonly isFull: boolean
}

export interface ForwardedAuditOptions {
  /** Takes a batch to the process that writes; its receipt comes back to {@link ForwardedAudit.received}. */
  readonly send: (batch: AuditBatch) => void
  /** What happens when the log cannot be written; see `AuditLogOptions`. Default `refuse`. */
  readonly onFull?: 'refuse' | 'continue'
  /** Records without a receipt. Default 10,000. */
  readonly maxWaiting?: number
  /** Milliseconds for which records are gathered. Default 50. */
  readonly flushMs?: number
}

/**
 * The audit of a process that serves beside others: one process writes one log for all, so that there is one chain, and
 * what is missing from it is found.
 *
 * A record that has no receipt yet counts as waiting; when too many wait, requests are refused as they are where the log
 * itself cannot be written.
 */
export class ForwardedAudit implements AuditRecorder {
  readonly #send: ForwardedAuditOptions['send']
  readonly #refuses: boolean
  readonly #maxWaiting: number
  readonly #flushMs: number
  #gathered: AuditEvent[] = []
  /** How many records are in each batch that is on its way. */
  readonly #sent = new Map<number, number>()
  #onTheWay = 0
  #reserved = 0
  #lost = 0
  #lostSinceMs = 0
  #lastNumber = 0
  #timer: NodeJS.Timeout | undefined = undefined
  #isFull = false
  #isClosed = false
  #onDelivered: (() => void) | undefined = undefined

  constructor(options: ForwardedAuditOptions) {
    this.#send = options.send
    this.#refuses = (options.onFull ?? 'refuse') === 'refuse'
    this.#maxWaiting = options.maxWaiting ?? 10_000
    this.#flushMs = options.flushMs ?? 50
  }

  /** Records that have not been delivered. */
  get waiting(): number {
    return this.#gathered.length + this.#onTheWay
  }

  reserve(): boolean {
    const isFull = this.#isFull || this.waiting + this.#reserved >= this.#maxWaiting
    if (this.#refuses && (isFull || this.#isClosed)) return false
    this.#reserved += 1
    return true
  }

  recordReserved(event: AuditEvent): void {
    this.#reserved -= 1
    this.#add(event, this.#refuses)
  }

  record(event: AuditEvent): void {
    this.#add(event, false)
  }

  /** The process that writes has taken a batch. */
  received({ number, isFull }: AuditReceipt): void {
    this.#onTheWay -= this.#sent.get(number) ?? 0
    this.#sent.delete(number)
    this.#isFull = isFull
    if (this.waiting === 0) this.#onDelivered?.()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#flush()
    if (this.waiting === 0) return
    await new Promise<void>((resolve) => {
      this.#onDelivered = resolve
    })
  }

  #add(event: AuditEvent, hasPlace: boolean): void {
    if (!hasPlace && this.waiting >= this.#maxWaiting) {
      if (this.#lost === 0) this.#lostSinceMs = event.atMs
      this.#lost += 1
      return
    }
    this.#gathered.push(event)
    this.#timer ??= setTimeout(() => this.#flush(), this.#flushMs).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#gathered.length === 0) return
    const events = this.#gathered
    this.#gathered = []
    if (this.#lost > 0) {
      const details = { lost: this.#lost, since: new Date(this.#lostSinceMs).toISOString() }
      events.unshift({ event: 'gap', atMs: events[0]?.atMs ?? Date.now(), details })
      this.#lost = 0
    }
    this.#lastNumber += 1
    this.#sent.set(this.#lastNumber, events.length)
    this.#onTheWay += events.length
    this.#send({ number: this.#lastNumber, events })
  }
}
