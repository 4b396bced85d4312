import { randomId } from '../internal/random-id.ts'
import { McpError } from '../protocol/errors.ts'
import { samePrincipal } from '../protocol/principal.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import type { AuthInfo } from '../protocol/types.ts'
import { type ClientProfile, sharedProfile } from './peer.ts'
import { Session } from './session.ts'

export interface SessionLimits {
  /** Milliseconds after which a session that nobody uses or listens to is ended. Default 30 minutes. */
  readonly idleTtlMs: number
  /** Sessions at one time; a further `initialize` is refused. Default 100,000. */
  readonly max: number
}

export const defaultSessionLimits: SessionLimits = { idleTtlMs: 1_800_000, max: 100_000 }

/** The sessions of one endpoint, in memory. */
export class SessionStore {
  readonly #sessions = new Map<string, Session>()
  readonly #limits: SessionLimits
  readonly #onEnd: (session: Session) => void

  /** @param onEnd - called with each session that is about to end, for whatever reason */
  constructor(limits: SessionLimits, onEnd: (session: Session) => void) {
    this.#limits = limits
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Opens a session under a new random id of 128 bits.
   *
   * @throws McpError SESSION_LIMIT when there are as many as allowed
   */
  create(revision: Revision, profile: ClientProfile, authInfo: AuthInfo | undefined): Session {
    if (this.#sessions.size >= this.#limits.max) throw new McpError('SESSION_LIMIT')
    const session = new Session(randomId(), revision, sharedProfile(profile), authInfo, Date.now())
    this.#sessions.set(session.id, session)
    return session
  }

  /**
   * The session of that id, if it belongs to that principal. What its credentials allow is from then on what these allow.
   *
   * @throws McpError SESSION_NOT_FOUND, the same for an unknown id and for one that is another's
   */
  get(id: string, authInfo: AuthInfo | undefined): Session {
    const session = this.#sessions.get(id)
    if (session === undefined || !samePrincipal(session.authInfo, authInfo)) {
      throw new McpError('SESSION_NOT_FOUND')
    }
    session.authInfo = authInfo
    session.lastSeenMs = Date.now()
    return session
  }

  end(session: Session, reason: string): void {
    if (!this.#sessions.delete(session.id)) return
    this.#onEnd(session)
    session.end(reason)
  }

  /** Ends what has been idle for too long and lets the others forget old events. */
  sweep(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      session.expireEvents(nowMs)
      if (nowMs - session.lastSeenMs < this.#limits.idleTtlMs) continue
      if (session.isIdle) this.end(session, 'The session was idle for too long')
      else session.lastSeenMs = nowMs
    }
  }

  endAll(reason: string): void {
    for (const session of this.#sessions.values()) this.end(session, reason)
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#sessions.values()
  }
}
