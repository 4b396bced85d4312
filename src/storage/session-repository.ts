import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { builtin } from '../internal/builtin.ts'
import { randomId } from '../internal/random-id.ts'
import { McpError } from '../protocol/errors.ts'
import type { LogLevel } from '../protocol/types.ts'
import type { EventKeeper, LoggedEvent } from '../sessions/event-log.ts'
import type { ClientProfile } from '../sessions/peer.ts'
import {
  coarseness,
  type NewSession,
  type Retention,
  type SessionRepository,
  type StoredSession,
  type StoredStream,
  type StreamRequests,
} from '../sessions/session-repository.ts'
import type { Counts, SweepOrder } from './messages.ts'
import type { OtherRuns } from './runs.ts'
import type { StatementName, Value } from './statements.ts'
import type { WriteQueue } from './write-queue.ts'
import type { Swept } from './writer.ts'

/** Each process numbers streams and events from here times the number of its run: no number is given twice. */
const numbersARun = 2 ** 28

/** Keys of one millisecond, those of one process, and when they begin to count. */
const keysAMs = 4096
const keysAProcess = 256
const firstMs = Date.UTC(2025, 0, 1)

const idPattern = /^[\w-]{22}\.([0-9a-z]{1,11})$/

/** What the repository works on. */
export interface RepositoryHost {
  readonly reader: DatabaseSync
  readonly queue: WriteQueue
  readonly run: number
  readonly greatestKey: number
  readonly others: OtherRuns
  readonly counts: Counts
  /**
   * Makes this process the holder of a session that another, which is gone, has held.
   *
   * @returns false when somebody else was faster
   */
  takeOver(key: number, fromRun: number): boolean
  sweep(order: SweepOrder, onSwept: (answer: Swept) => void): void
}

/** Sessions in the database. */
export class SqliteSessions implements SessionRepository {
  readonly #queue: WriteQueue
  readonly #host: RepositoryHost
  readonly #select: {
    readonly [Name in
      | 'session'
      | 'holder'
      | 'subscriptions'
      | 'streams'
      | 'events'
      | 'ofSubject']: StatementSync
  }
  #lastKey: number
  #others: OtherRuns
  #size: number

  constructor(host: RepositoryHost) {
    const { reader } = host
    this.#host = host
    this.#queue = host.queue
    this.#lastKey = host.greatestKey
    this.#others = host.others
    this.#size = host.counts.sessions
    this.#select = {
      session: reader.prepare('SELECT * FROM sessions WHERE key = ?'),
      holder: reader.prepare('SELECT id_hash, run FROM sessions WHERE key = ?'),
      subscriptions: reader.prepare('SELECT uri FROM subscriptions WHERE session = ?'),
      streams: reader.prepare('SELECT * FROM streams WHERE session = ? ORDER BY number'),
      events: reader.prepare('SELECT * FROM events WHERE session = ? ORDER BY sequence'),
      ofSubject: reader.prepare('SELECT count(*) AS n FROM sessions WHERE subject = ?'),
    }
  }

  get size(): number {
    return this.#size
  }

  open(session: NewSession): { id: string; key: number; kept: Promise<void> } {
    const key = this.#newKey(session.createdAtMs)
    // The part after the dot says where to look, the part before it is the secret.
    const id = `${randomId()}.${key.toString(36)}`
    const { promise: kept, resolve, reject } = Promise.withResolvers<void>()
    this.#size += 1
    this.#queue.writeOrRefuse(
      'openSession',
      [
        key,
        hashOf(id),
        session.revision,
        encodeProfile(session.profile),
        session.subject ?? null,
        session.createdAtMs,
        this.#host.run,
      ],
      (problem) => {
        if (problem === undefined) resolve()
        else {
          this.#size -= 1
          reject(problem)
        }
      },
    )
    return { id, key, kept }
  }

  find(id: string, nowMs: number, retention: Retention): StoredSession | undefined {
    const key = keyOf(id)
    if (key === undefined) return undefined
    const row = this.#select.session.get(key)
    if (row === undefined || row.id_hash !== hashOf(id)) return undefined
    const { seenBeforeMs, openedBeforeMs } = cutoffs(nowMs, retention)
    const createdAtMs = Number(row.created_at)
    if (Number(row.seen_at) < seenBeforeMs || createdAtMs < openedBeforeMs) return undefined
    if (!this.#isHeldHere(key, Number(row.run))) throw new McpError('SESSION_ELSEWHERE')
    const streams = this.#select.streams.all(key)
    return {
      key,
      revision: String(row.revision),
      profile: decodeProfile(String(row.profile)),
      subject: row.subject === null ? undefined : String(row.subject),
      createdAtMs,
      logLevel: row.log_level === null ? undefined : (String(row.log_level) as LogLevel),
      subscriptions: this.#select.subscriptions.all(key).map(({ uri }) => String(uri)),
      streams: streams.map((stream) => this.#readStream(stream)),
      events: streams.length === 0 ? [] : this.#select.events.all(key).map(readEvent),
    }
  }

  holderOf(id: string): number | undefined {
    const key = keyOf(id)
    const row = key === undefined ? undefined : this.#select.holder.get(key)
    if (row === undefined || row.id_hash !== hashOf(id)) return undefined
    return this.isOther(Number(row.run)) ? Number(row.run) : undefined
  }

  give(id: string, run: number): Promise<boolean> {
    const key = keyOf(id)
    const row = key === undefined ? undefined : this.#select.holder.get(key)
    if (key === undefined || row?.id_hash !== hashOf(id) || Number(row.run) !== this.#host.run) {
      return Promise.resolve(false)
    }
    return new Promise((resolve) => {
      this.#queue.writeOrRefuse('holdSession', [key, run, this.#host.run], (problem) => {
        resolve(problem === undefined)
      })
    })
  }

  /** Whether that run is of another process, which is alive as far as is known. */
  isOther(run: number): boolean {
    const { alive, newest } = this.#others
    return run !== this.#host.run && (run > newest || alive.includes(run))
  }

  get otherRuns(): readonly number[] {
    return this.#others.alive
  }

  /**
   * The process of that run is there, which the next round would have noticed.
   *
   * @returns when it can see what this process holds
   */
  met(run: number): Promise<void> {
    const { alive, newest } = this.#others
    if (run !== this.#host.run && !alive.includes(run)) {
      this.#others = { alive: [...alive, run], newest: Math.max(newest, run) }
    }
    return new Promise((resolve) => this.#queue.whenKept(resolve))
  }

  /** What the thread that writes has seen, and who has come since it looked. */
  #looked(found: OtherRuns): void {
    const { alive, newest } = this.#others
    const since = alive.filter((run) => run > found.newest)
    this.#others = { alive: [...found.alive, ...since], newest: Math.max(newest, found.newest) }
  }

  /** The process of that run is gone, which the next round would have noticed. */
  gone(run: number): void {
    const { alive, newest } = this.#others
    this.#others = {
      alive: alive.filter((each) => each !== run),
      newest: Math.max(newest, run),
    }
  }

  countOf(subject: string): number {
    return Number(this.#select.ofSubject.get(subject)?.n)
  }

  seen(key: number, atMs: number): void {
    this.#queue.write('seen', [key, atMs])
  }

  setLogLevel(key: number, level: LogLevel): Promise<void> {
    return this.#kept('setLogLevel', [key, level])
  }

  subscribe(key: number, uri: string): Promise<void> {
    return this.#kept('subscribe', [key, uri])
  }

  unsubscribe(key: number, uri: string): Promise<void> {
    return this.#kept('unsubscribe', [key, uri])
  }

  openStream(key: number, number: number, requests: StreamRequests): void {
    this.#queue.write('openStream', [key, number, JSON.stringify(requests ?? null)])
  }

  dropStream(key: number, number: number): void {
    this.#queue.write('dropStream', [key, number])
  }

  events(key: number): EventKeeper {
    return new SqliteEvents(key, this.#host.run * numbersARun, this.#queue)
  }

  end(key: number): Promise<void> {
    this.#size = Math.max(this.#size - 1, 0)
    this.#queue.write('endSubscriptions', [key])
    this.#queue.write('endStreams', [key])
    this.#queue.write('endEvents', [key])
    return this.#kept('endSession', [key])
  }

  sweep(nowMs: number, retention: Retention): void {
    const order = {
      nowMs,
      ...cutoffs(nowMs, retention),
      loggedBeforeMs: nowMs - retention.eventMaxAgeMs,
    }
    const before = this.#size
    this.#host.sweep(order, ({ ended, counts, others }) => {
      this.#looked(others)
      const since = this.#size - before
      this.#size = Math.max(counts === undefined ? this.#size - ended : counts.sessions + since, 0)
    })
  }

  /** Holds the session from now on, if no other process does. */
  #isHeldHere(key: number, run: number): boolean {
    if (run === this.#host.run) return true
    if (this.isOther(run)) return false
    if (this.#others.alive.length > 0) return this.#host.takeOver(key, run)
    // Nobody else is there: whoever comes is heard of first, and waits until this is written (see `met`).
    this.#queue.write('holdSession', [key, this.#host.run, run])
    return true
  }

  /** Writes something that the session goes on with even if it cannot be kept now. */
  #kept(statement: StatementName, values: readonly Value[]): Promise<void> {
    return new Promise((resolve) => this.#queue.write(statement, values, () => resolve()))
  }

  /** Grows with time, and is no other process's. */
  #newKey(nowMs: number): number {
    const slot = (this.#host.run % (keysAMs / keysAProcess)) * keysAProcess
    this.#lastKey = Math.max((nowMs - firstMs) * keysAMs + slot, this.#lastKey + 1)
    return this.#lastKey
  }

  #readStream(row: Record<string, unknown>): StoredStream {
    const number = Number(row.number)
    const run = Math.floor((number - 1) / numbersARun)
    return {
      number,
      requests: (JSON.parse(String(row.requests)) ?? undefined) as StreamRequests,
      isEnded: row.is_ended === 1,
      forgotten: Number(row.forgotten),
      isOrphan: run !== this.#host.run && !this.isOther(run),
    }
  }
}

/** The events of one session in the database. */
class SqliteEvents implements EventKeeper {
  readonly #key: number
  readonly lastNumber: number
  readonly #queue: WriteQueue

  constructor(key: number, lastNumber: number, queue: WriteQueue) {
    this.#key = key
    this.lastNumber = lastNumber
    this.#queue = queue
  }

  append({ stream, sequence, loggedAtMs, data }: LoggedEvent): void {
    this.#queue.write('appendEvent', [this.#key, stream, sequence, loggedAtMs, data])
  }
  forget(stream: number, sequence: number): void {
    this.#queue.write('forgetEvents', [this.#key, stream, sequence])
    this.#queue.write('markForgotten', [this.#key, stream, sequence])
  }
  end(stream: number): void {
    this.#queue.write('endStream', [this.#key, stream])
  }
  whenKept(callback: () => void): void {
    this.#queue.whenKept(callback)
  }
}

function readEvent(row: Record<string, unknown>): LoggedEvent {
  return {
    sequence: Number(row.sequence),
    stream: Number(row.stream),
    data: String(row.data),
    loggedAtMs: Number(row.logged_at),
  }
}

function cutoffs(
  nowMs: number,
  retention: Retention,
): Pick<SweepOrder, 'seenBeforeMs' | 'openedBeforeMs'> {
  return {
    seenBeforeMs: nowMs - retention.idleTtlMs - coarseness(retention),
    openedBeforeMs: nowMs - retention.maxAgeMs,
  }
}

function keyOf(id: string): number | undefined {
  const found = idPattern.exec(id)?.[1]
  const key = found === undefined ? Number.NaN : Number.parseInt(found, 36)
  return Number.isSafeInteger(key) ? key : undefined
}

function hashOf(id: string): string {
  return builtin.crypto.hash('sha256', id, 'base64url')
}

const profileTexts = new WeakMap<ClientProfile, string>()

/** Most clients share their profile with others, so that it is encoded once for all. */
function encodeProfile(profile: ClientProfile): string {
  let text = profileTexts.get(profile)
  if (text === undefined) {
    text = JSON.stringify([profile.clientInfo, profile.clientCapabilities])
    profileTexts.set(profile, text)
  }
  return text
}

function decodeProfile(text: string): ClientProfile {
  const [clientInfo, clientCapabilities] = JSON.parse(text)
  return { clientInfo: clientInfo ?? undefined, clientCapabilities }
}
