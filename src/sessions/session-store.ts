import { randomId } from '../internal/random-id.ts'
import { McpError } from '../protocol/errors.ts'
import { principalKey, samePrincipal } from '../protocol/principal.ts'
import { findRevision, type Revision } from '../protocol/revisions/index.ts'
import type { AuthInfo } from '../protocol/types.ts'
import { defaultEventLogLimits, type EventLogLimits } from './event-log.ts'
import { type ClientProfile, sharedProfile } from './peer.ts'
import { PrincipalCounts } from './principal-counts.ts'
import { RollingWalk } from './rolling-walk.ts'
import { type Keeping, Session } from './session.ts'
import type { Retention, SessionRepository, StoredSession } from './session-repository.ts'

export interface SessionLimits {
  /** Milliseconds after which a session that nobody uses or listens to is ended. Default 30 minutes. */
  readonly idleTtlMs: number
  /** Milliseconds after which a session is ended, whatever it does; those of connections are not. Default 7 days. */
  readonly maxAgeMs: number
  /** Sessions at one time; a further `initialize` is refused. Default 100,000. */
  readonly max: number
  /** Sessions that one authenticated principal may have at a time. Default 10,000. */
  readonly maxPerPrincipal: number
}

const defaultSessionLimits: SessionLimits = {
  idleTtlMs: 1_800_000,
  maxAgeMs: 7 * 86_400_000,
  max: 100_000,
  maxPerPrincipal: 10_000,
}

/** What the owner of a store does when sessions come and go. */
export interface SessionEvents {
  /** A session is about to end, for whatever reason. */
  ended(session: Session, reason: string): void
  /** A session that an earlier process, or another one, has opened is here now. */
  restored?(session: Session): void
  /** A session is about to leave the process; it has not ended. */
  letGo?(session: Session): void
  /** Whether a session may leave the process while nothing happens in it. Default: it may. */
  mayLetGo?(session: Session): boolean
}

/** Where the sessions of a store are kept beyond the process. */
export interface SessionKeeping {
  readonly repository: SessionRepository
  readonly eventLimits: EventLogLimits
}

/** All sessions are looked at once in this time, or in an eighth of the time in which they end, a part each second. */
const walkMs = 30_000
/** So many are looked at each second at least. */
const walkMin = 1000
/** A kept session leaves the process when nothing has happened in it for so long. */
const restMs = 60_000
/** Principals are counted anew from time to time where others may end their sessions. */
const recountMs = 60_000

/** The sessions of one endpoint: in memory, and where there is a repository kept there, too. */
export class SessionStore {
  readonly #sessions = new Map<string, Session>()
  readonly #limits: SessionLimits
  readonly #events: SessionEvents
  readonly #repository: SessionRepository | undefined
  readonly #eventLimits: EventLogLimits
  readonly #retention: Retention
  readonly #principals: PrincipalCounts
  readonly #walk: RollingWalk<Session>
  /** Sessions that are just being given to other processes. */
  readonly #leaving = new Map<string, Promise<boolean>>()
  #recountedAtMs = 0

  /** @throws RangeError for a limit that is no positive integer */
  constructor(limits: Partial<SessionLimits>, events: SessionEvents, keeping?: SessionKeeping) {
    this.#limits = { ...defaultSessionLimits, ...limits }
    for (const [name, value] of Object.entries(this.#limits)) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new RangeError(`sessions.${name} must be a positive integer, got ${value}`)
      }
    }
    this.#events = events
    this.#repository = keeping?.repository
    this.#eventLimits = keeping?.eventLimits ?? defaultEventLogLimits
    const { idleTtlMs, maxAgeMs } = this.#limits
    this.#retention = { idleTtlMs, maxAgeMs, eventMaxAgeMs: this.#eventLimits.maxAgeMs }
    this.#principals = new PrincipalCounts(this.#repository)
    this.#walk = new RollingWalk(this.#sessions, Math.min(walkMs, idleTtlMs / 8), walkMin)
  }

  /** Sessions that there are, in this process or kept. */
  get size(): number {
    return Math.max(this.#sessions.size, this.#repository?.size ?? 0)
  }

  /**
   * Opens a session under a new random id of 128 bits, in memory.
   *
   * @throws McpError SESSION_LIMIT when there are as many as allowed
   */
  create(revision: Revision, profile: ClientProfile, authInfo: AuthInfo | undefined): Session {
    this.#admit(authInfo)
    const shared = sharedProfile(profile)
    return this.#add(new Session(randomId(), revision, shared, authInfo, Date.now()))
  }

  /**
   * Opens a session that is kept beyond the process, where there is a repository.
   *
   * @returns the session, and a promise if it has to be waited for: the client must not be told of it before
   * @throws McpError SESSION_LIMIT when there are as many as allowed
   */
  open(
    revision: Revision,
    profile: ClientProfile,
    authInfo: AuthInfo | undefined,
  ): { session: Session; kept: Promise<void> | undefined } {
    const repository = this.#repository
    if (repository === undefined) {
      return { session: this.create(revision, profile, authInfo), kept: undefined }
    }
    this.#admit(authInfo)
    const nowMs = Date.now()
    const shared = sharedProfile(profile)
    const { id, key, kept } = repository.open({
      revision: revision.name,
      profile: shared,
      subject: authInfo && principalKey(authInfo),
      createdAtMs: nowMs,
    })
    const session = this.#add(
      new Session(id, revision, shared, authInfo, nowMs, { repository, key, toldSeenMs: nowMs }),
    )
    return {
      session,
      kept: kept.catch((cause: unknown) => {
        this.#remove(session)
        this.#events.ended(session, 'The session cannot be kept')
        throw new McpError('STORAGE_UNAVAILABLE', undefined, { cause })
      }),
    }
  }

  /**
   * The session of that id, if it belongs to that principal. What its credentials allow is from then on what these allow.
   *
   * @throws McpError SESSION_NOT_FOUND, the same for an unknown id and for one that is another's; SESSION_ELSEWHERE
   */
  get(id: string, authInfo: AuthInfo | undefined): Session {
    const session = this.#sessions.get(id) ?? this.#find(id, authInfo)
    if (session === undefined || !samePrincipal(session.authInfo, authInfo)) {
      throw new McpError('SESSION_NOT_FOUND')
    }
    session.authInfo = authInfo
    session.lastSeenMs = Date.now()
    return session
  }

  /** Another process that holds the session of that id; undefined when this one does, or there is none. */
  holderOf(id: string): number | undefined {
    return this.#sessions.has(id) ? undefined : this.#repository?.holderOf(id)
  }

  /**
   * Gives a session in which nothing happens to another process, with all that is kept of it.
   *
   * @param run - of the other process
   * @returns whether that has it now
   */
  async give(id: string, run: number): Promise<boolean> {
    const repository = this.#repository
    const session = this.#sessions.get(id)
    if (repository === undefined || this.#leaving.has(id)) return false
    if (session !== undefined) {
      if (!session.canMove || this.#events.mayLetGo?.(session) === false) return false
      this.#letGo(session, '')
    }
    const given = repository.give(id, run)
    this.#leaving.set(id, given)
    try {
      return await given
    } finally {
      this.#leaving.delete(id)
    }
  }

  /** Settles when it is certain who holds a session that is just being given away; undefined for any other. */
  whenGiven(id: string): Promise<unknown> | undefined {
    return this.#leaving.get(id)
  }

  /** Ends a session. @returns a promise when that has to be waited for */
  end(session: Session, reason: string): void | Promise<void> {
    if (this.#sessions.get(session.id) !== session) return
    this.#remove(session)
    this.#events.ended(session, reason)
    session.end(reason)
    return session.keeping?.repository.end(session.keeping.key)
  }

  /** Ends what has been idle for too long, and lets the others forget old events. A part of all, called once a second. */
  sweep(nowMs: number): void {
    for (const session of this.#walk.next()) this.#look(session, nowMs)
    if (this.#repository === undefined) return
    this.#repository.sweep(nowMs, this.#retention)
    if (nowMs - this.#recountedAtMs < recountMs) return
    this.#recountedAtMs = nowMs
    this.#principals.forget()
  }

  /** Ends all sessions, but for those that are kept: these only leave the process. */
  close(reason: string): void {
    for (const session of this.#sessions.values()) {
      if (session.keeping === undefined) void this.end(session, reason)
      else this.#letGo(session, reason)
    }
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#sessions.values()
  }

  #admit(authInfo: AuthInfo | undefined): void {
    if (this.size >= this.#limits.max) throw new McpError('SESSION_LIMIT')
    if (authInfo === undefined) return
    const { maxPerPrincipal } = this.#limits
    if (!this.#principals.hasRoom(principalKey(authInfo), maxPerPrincipal)) {
      throw new McpError(
        'SESSION_LIMIT',
        `Too many sessions: one principal may have ${maxPerPrincipal} at a time`,
      )
    }
  }

  #add(session: Session): Session {
    this.#sessions.set(session.id, session)
    if (session.authInfo !== undefined) this.#principals.add(principalKey(session.authInfo))
    return session
  }

  #remove(session: Session): void {
    this.#sessions.delete(session.id)
    if (session.authInfo !== undefined) this.#principals.remove(principalKey(session.authInfo))
  }

  #find(id: string, authInfo: AuthInfo | undefined): Session | undefined {
    if (this.#repository === undefined) return undefined
    if (this.#leaving.has(id)) throw new McpError('SESSION_ELSEWHERE')
    const nowMs = Date.now()
    const stored = this.#repository.find(id, nowMs, this.#retention)
    if (stored === undefined || stored.subject !== (authInfo && principalKey(authInfo)))
      return undefined
    return this.#restore(this.#repository, id, stored, authInfo, nowMs)
  }

  #restore(
    repository: SessionRepository,
    id: string,
    stored: StoredSession,
    authInfo: AuthInfo | undefined,
    nowMs: number,
  ): Session | undefined {
    const revision = findRevision(stored.revision)
    if (revision === undefined) return undefined
    const { key, createdAtMs } = stored
    const keeping = { repository, key, toldSeenMs: createdAtMs }
    const profile = sharedProfile(stored.profile)
    const session = new Session(id, revision, profile, authInfo, nowMs, keeping, createdAtMs)
    session.restore(stored, this.#eventLimits)
    this.#sessions.set(id, session)
    this.#events.restored?.(session)
    return session
  }

  #look(session: Session, nowMs: number): void {
    session.expireEvents(nowMs)
    const { idleTtlMs, maxAgeMs } = this.#limits
    if (nowMs - session.createdAtMs >= maxAgeMs && !session.isOfConnection) {
      void this.end(session, 'The session has reached its greatest age')
      return
    }
    const { keeping } = session
    if (nowMs - session.lastSeenMs >= idleTtlMs) {
      if (session.isIdle) {
        void this.end(session, 'The session was idle for too long')
        return
      }
      session.lastSeenMs = nowMs
    }
    if (keeping !== undefined) this.#lookAtKept(session, keeping, nowMs)
  }

  #lookAtKept(session: Session, keeping: Keeping, nowMs: number): void {
    const { repository, key } = keeping
    const isResting =
      nowMs - session.lastSeenMs >= restMs &&
      session.isAtRest &&
      (this.#events.mayLetGo?.(session) ?? true)
    // Coarse, so that a session in use costs a write a minute at most, and exact when it leaves.
    const step = isResting ? 0 : Math.min(60_000, this.#limits.idleTtlMs / 8)
    if (session.lastSeenMs - keeping.toldSeenMs > step) {
      keeping.toldSeenMs = session.lastSeenMs
      repository.seen(key, session.lastSeenMs)
    }
    if (isResting) this.#letGo(session, '')
  }

  #letGo(session: Session, reason: string): void {
    this.#sessions.delete(session.id)
    this.#events.letGo?.(session)
    session.letGo(reason)
  }
}
