import type { LogLevel, RequestId } from '../protocol/types.ts'
import type { EventKeeper, LoggedEvent } from './event-log.ts'
import type { ClientProfile } from './peer.ts'

/** The requests that a stream answers: one, those of a batch, or none where it carries what belongs to no request. */
export type StreamRequests = RequestId | readonly RequestId[] | undefined

/** What is kept of an event stream. */
export interface StoredStream {
  readonly number: number
  readonly requests: StreamRequests
  readonly isEnded: boolean
  /** Sequence number of its last event that has been forgotten; 0 when none has. */
  readonly forgotten: number
  /** The process that wrote to it runs no more. */
  readonly isOrphan: boolean
}

/** What is known of a session when it is opened. */
export interface NewSession {
  readonly revision: string
  readonly profile: ClientProfile
  readonly subject: string | undefined
  readonly createdAtMs: number
}

/** What is kept of a session. */
export interface StoredSession extends NewSession {
  readonly key: number
  readonly logLevel: LogLevel | undefined
  readonly subscriptions: readonly string[]
  readonly streams: readonly StoredStream[]
  /** Of all its streams, in the order of their sequence numbers. */
  readonly events: readonly LoggedEvent[]
}

/** How long sessions and their events are kept. */
export interface Retention {
  readonly idleTtlMs: number
  readonly maxAgeMs: number
  readonly eventMaxAgeMs: number
}

/**
 * How much later than it is, at most, it may be known that a session is in use: that is written down now and then. What
 * only seems idle is left alone for so much longer.
 */
export function coarseness({ idleTtlMs }: Pick<Retention, 'idleTtlMs'>): number {
  return Math.min(120_000, idleTtlMs / 4)
}

/**
 * Keeps sessions beyond the life of the process. Without one they live in memory only, which costs nothing.
 *
 * Look-ups answer at once: whoever keeps sessions elsewhere has a copy at hand. Writes answer when they are kept, and
 * take effect in the order in which they are made.
 */
export interface SessionRepository {
  /** Sessions that are kept, as far as is known. */
  readonly size: number
  /**
   * Keeps a new session.
   *
   * @returns its id, its key (a name that gives no access) and a promise of its being kept, which rejects when it
   *   cannot be
   */
  open(session: NewSession): { id: string; key: number; kept: Promise<void> }
  /**
   * Another process that holds the session of that id: a session is in one process at a time, and so are its streams,
   * what runs in it and what waits for its client.
   */
  holderOf(id: string): number | undefined
  /**
   * The session of that id, unless its time is up. This process holds it from now on.
   *
   * @throws McpError SESSION_ELSEWHERE when another does
   */
  find(id: string, nowMs: number, retention: Retention): StoredSession | undefined
  /**
   * Makes another process the holder of a session that this one holds.
   *
   * @returns whether it is; never rejects
   */
  give(id: string, run: number): Promise<boolean>
  /** How many sessions that principal has. */
  countOf(subject: string): number
  seen(key: number, atMs: number): void
  setLogLevel(key: number, level: LogLevel): Promise<void>
  subscribe(key: number, uri: string): Promise<void>
  unsubscribe(key: number, uri: string): Promise<void>
  openStream(key: number, number: number, requests: StreamRequests): void
  /** Nothing is kept of the stream any more. */
  dropStream(key: number, number: number): void
  /** Where the events of a session go. */
  events(key: number): EventKeeper
  /** Forgets the session and all that belongs to it. */
  end(key: number): Promise<void>
  /** Forgets what is too old, a part at a time. Called once a second. */
  sweep(nowMs: number, retention: Retention): void
}
