import type { Session } from '../sessions/session.ts'

export interface PingOptions {
  /**
   * Milliseconds of silence after which a client that listens is pinged, at least 1000; 0, the default, for never.
   */
  pingIntervalMs?: number
  /** Milliseconds that it may take to answer. Default 20,000. */
  pingTimeoutMs?: number
}

/**
 * Asks silent clients for a sign of life (2025-11-25, basic/utilities/ping), and hangs up on those that give none.
 * A session outlives that, as it does any broken stream; a connection is its session.
 */
export class Pings {
  readonly #intervalMs: number
  readonly #timeoutMs: number
  readonly #onGone: (error: Error) => void
  /** Pings that are not answered yet. */
  readonly #unanswered = new Map<Session, { sentMs: number; giveUp: () => void }>()

  /**
   * @param onGone - told of each client that did not answer
   * @throws RangeError for a time out of its range
   */
  constructor(options: PingOptions, onGone: (error: Error) => void) {
    const { pingIntervalMs = 0, pingTimeoutMs = 20_000 } = options
    if (pingIntervalMs !== 0) requireMs('pingIntervalMs', pingIntervalMs)
    requireMs('pingTimeoutMs', pingTimeoutMs)
    this.#intervalMs = pingIntervalMs
    this.#timeoutMs = pingTimeoutMs
    this.#onGone = onGone
  }

  /** One look at all sessions. */
  sweep(sessions: Iterable<Session>, nowMs: number): void {
    if (this.#intervalMs === 0) return
    for (const session of sessions) {
      const ping = this.#unanswered.get(session)
      if (ping !== undefined) {
        if (nowMs - ping.sentMs < this.#timeoutMs) continue
        this.#unanswered.delete(session)
        ping.giveUp()
        // A client that has hung up itself is waited for elsewhere.
        if (session.isListening) this.#hangUp(session)
      } else if (nowMs - session.lastSeenMs >= this.#intervalMs && session.isListening) {
        const giveUp = session.ping(() => this.#unanswered.delete(session))
        this.#unanswered.set(session, { sentMs: nowMs, giveUp })
      }
    }
  }

  /** The session has ended. */
  forget(session: Session): void {
    this.#unanswered.delete(session)
  }

  #hangUp(session: Session): void {
    const client = session.clientInfo?.name ?? 'a client'
    this.#onGone(
      new Error(`No answer to a ping within ${this.#timeoutMs} ms: hung up on ${client}`),
    )
    session.outlet?.hangUp()
  }
}

function requireMs(name: string, value: number): void {
  if (!(value >= 1000)) throw new RangeError(`${name} must be at least 1000, got ${value}`)
}
