import type { AuditEvent } from './audit-event.ts'
import { dayOf, fileOf } from './audit-files.ts'
import type { AuditRecorder } from './audit-recorder.ts'
import { AuditStore, type OldFile } from './audit-store.ts'
import { encodeRecord, type Link } from './chain.ts'
import type { AuditSigner } from './signing-key.ts'

export interface AuditLogOptions {
  /** Where the files are; made if need be. One process writes to it. */
  directory: string
  /** Signs the log: `auditSignerOf(file)`. Keep its file away from the log. */
  signer: AuditSigner
  /** Days after which a file is removed. Default 30. */
  retentionDays?: number
  /**
   * What happens when the log cannot be written, or more records wait than may: `refuse` requests with 503, or
   * `continue` without records, and record how many are missing once it can be. Default `refuse`.
   */
  onFull?: 'refuse' | 'continue'
  /** Records that may wait to be written. Default 10,000. */
  maxWaiting?: number
  /** Milliseconds after which what waits is written. Default 100. */
  flushMs?: number
  /**
   * Whether each batch is forced to the disk (fdatasync). Without it a crash of the machine, not of the process, may
   * lose the last seconds. Default true.
   */
  sync?: boolean
  /** Records after which the log is signed; and a minute after, if there were fewer. Default 1000. */
  checkpointEvery?: number
  /** Told when writing fails; it is tried again. Default: a warning. */
  onError?: (error: unknown) => void
}

const maxBatch = 512
const retryMs = 1000
const checkpointMs = 60_000
const dayMs = 86_400_000

/**
 * An append-only log, one record a line, each bound to the one before by its hash.
 *
 * Nothing waits for the disk: records are put into a bounded queue and written in batches.
 */
export class AuditLog implements AuditRecorder {
  readonly #store: AuditStore
  readonly #signer: AuditSigner
  readonly #retentionDays: number
  readonly #refuses: boolean
  readonly #maxWaiting: number
  readonly #flushMs: number
  readonly #checkpointEvery: number
  readonly #onError: (error: unknown) => void
  #queue: AuditEvent[] = []
  /** Requests that run, each of which will have its record. */
  #reserved = 0
  /** Records that found no place. */
  #lost = 0
  #lostSinceMs = 0
  #timer: NodeJS.Timeout | undefined = undefined
  #working: Promise<void> | undefined = undefined
  #isFailing = false
  #isClosed = false
  #sinceCheckpoint = 0
  #checkpointAtMs = Date.now()

  private constructor(options: AuditLogOptions, store: AuditStore) {
    this.#store = store
    this.#signer = options.signer
    this.#retentionDays = options.retentionDays ?? 30
    this.#refuses = (options.onFull ?? 'refuse') === 'refuse'
    this.#maxWaiting = options.maxWaiting ?? 10_000
    this.#flushMs = options.flushMs ?? 100
    this.#checkpointEvery = options.checkpointEvery ?? 1000
    this.#onError = options.onError ?? warn
  }

  /**
   * Opens a log, and goes on where it ended.
   *
   * @throws TypeError when another process writes to it, or it is damaged at its end; what opening files throws
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const store = new AuditStore(options.directory, options.signer, options.sync ?? true)
    const findings = await store.open()
    const log = new AuditLog(options, store)
    const { keyId } = options.signer
    log.record({ event: 'started', atMs: Date.now(), details: { pid: process.pid, key: keyId } })
    if (Object.keys(findings).length > 0) {
      log.record({ event: 'damage-found', atMs: Date.now(), details: { ...findings } })
    }
    await log.flush()
    return log
  }

  /** Records that wait to be written. */
  get waiting(): number {
    return this.#queue.length
  }

  /** It cannot be written at the moment, or as much waits to be as may. */
  get isFull(): boolean {
    const isTooMuch = this.#queue.length + this.#reserved >= this.#maxWaiting
    return isTooMuch || this.#isFailing || this.#isClosed
  }

  reserve(): boolean {
    if (this.#refuses && this.isFull) return false
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

  #add(event: AuditEvent, hasPlace: boolean): void {
    if (!hasPlace && this.#queue.length >= this.#maxWaiting) {
      if (this.#lost === 0) this.#lostSinceMs = event.atMs
      this.#lost += 1
      return
    }
    this.#queue.push(event)
    this.#timer ??= setTimeout(() => this.#wake(), this.#flushMs).unref()
  }

  #wake(): void {
    this.#timer = undefined
    void this.flush()
  }

  /** Writes what waits. Never rejects: what fails is tried again later. */
  flush(): Promise<void> {
    this.#working ??= this.#writeAll().finally(() => {
      this.#working = undefined
      if (this.#queue.length > 0 && !this.#isClosed) {
        this.#timer ??= setTimeout(
          () => this.#wake(),
          this.#isFailing ? retryMs : this.#flushMs,
        ).unref()
      }
    })
    return this.#working
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#nextBatch()
      let old: readonly OldFile[]
      try {
        old = await this.#write(batch)
        this.#isFailing = false
      } catch (error) {
        // Back to where they came from: none of them has been written.
        this.#queue = [...batch, ...this.#queue]
        if (!this.#isFailing) this.#onError(error)
        this.#isFailing = true
        return
      }
      try {
        await this.#store.remove(old)
        if (this.#isCheckpointDue(batch.length)) await this.#sign(batch.at(-1)?.atMs ?? 0)
      } catch (error) {
        // The records are safe: what has failed is done after one of the next batches.
        this.#onError(error)
      }
    }
  }

  /** Some of what waits, all of one day; before it, how many are missing. */
  #nextBatch(): AuditEvent[] {
    if (this.#lost > 0) {
      const details = { lost: this.#lost, since: new Date(this.#lostSinceMs).toISOString() }
      this.#queue.unshift({ event: 'gap', atMs: this.#queue[0]?.atMs ?? Date.now(), details })
      this.#lost = 0
    }
    const day = this.#fileDay(this.#queue[0]?.atMs ?? 0)
    let length = 1
    while (length < maxBatch && length < this.#queue.length) {
      if (this.#fileDay(this.#queue[length]?.atMs ?? 0) !== day) break
      length += 1
    }
    return this.#queue.splice(0, length)
  }

  /** Days only grow, whatever the clock does. */
  #fileDay(atMs: number): string {
    const day = dayOf(atMs)
    const { day: current } = this.#store
    return day > current || current === '' ? day : current
  }

  /** Writes all of a batch, or throws. @returns files that may be removed now, since the log says so */
  async #write(batch: readonly AuditEvent[]): Promise<readonly OldFile[]> {
    const store = this.#store
    const atMs = batch[0]?.atMs ?? 0
    const day = this.#fileDay(atMs)
    let old: readonly OldFile[] = []
    const before: AuditEvent[] = []
    if (day !== store.day || !store.isOpen) {
      if (store.isOpen) await this.#sign(atMs)
      await store.begin(day)
    }
    if (store.isEmpty) {
      before.push({ event: 'file', atMs, details: { file: fileOf(day) } })
      old = store.olderThan(dayOf(Date.parse(day) - this.#retentionDays * dayMs))
      if (old.length > 0) before.push({ event: 'removed', atMs, details: { files: old } })
    }
    const { lines, link } = encodeAll([...before, ...batch], store.last)
    await store.write(lines, link)
    return old
  }

  #isCheckpointDue(written: number): boolean {
    this.#sinceCheckpoint += written
    if (this.#sinceCheckpoint >= this.#checkpointEvery) return true
    return Date.now() - this.#checkpointAtMs >= checkpointMs
  }

  async #sign(atMs: number): Promise<void> {
    const { last } = this.#store
    const signature = this.#signer.sign('checkpoint', last)
    const details = { key: this.#signer.keyId, signature }
    const { line, link } = encodeRecord({ event: 'checkpoint', atMs, details }, last)
    await this.#store.write(line, link)
    this.#sinceCheckpoint = 0
    this.#checkpointAtMs = Date.now()
  }

  /** Writes what waits, signs, and gives the directory free. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#working
    this.#queue.push({ event: 'stopped', atMs: Date.now() })
    await this.flush()
    try {
      if (!this.#isFailing) await this.#sign(Date.now())
    } catch (error) {
      this.#onError(error)
    } finally {
      await this.#store.close()
    }
  }
}

function encodeAll(events: readonly AuditEvent[], last: Link): { lines: string; link: Link } {
  let lines = ''
  let link = last
  for (const event of events) {
    const encoded = encodeRecord(event, link)
    lines += encoded.line
    link = encoded.link
  }
  return { lines, link }
}

function warn(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.emitWarning(`The audit log cannot be written: ${message}`, { code: 'TSMCP_AUDIT' })
}
