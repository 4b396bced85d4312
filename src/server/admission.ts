import { McpError } from '../protocol/errors.ts'
import { identityKey } from '../protocol/principal.ts'
import { FairQueue, type QueueMetrics } from '../queue/fair-queue.ts'
import { Session } from '../sessions/session.ts'
import type { RequestContext } from './context.ts'
import type { Overload } from './load-shedding.ts'

export interface AdmissionLimits {
  /** Requests whose handlers run at one time. Default 10,000. */
  readonly maxRunning: number
  /** Requests that wait for their turn when so many run. Default 10,000. */
  readonly maxWaiting: number
  /** Of one client. Default 100. */
  readonly maxWaitingPerClient: number
  /** Milliseconds for which one waits before it is refused. Default 10,000. */
  readonly maxWaitMs: number
}

export const defaultAdmissionLimits: AdmissionLimits = {
  maxRunning: 10_000,
  maxWaiting: 10_000,
  maxWaitingPerClient: 100,
  maxWaitMs: 10_000,
}

/** A request that waits for its turn. */
export interface WaitingRequest {
  readonly context: RequestContext
  readonly client: unknown
  readonly deadlineMs: number
  run(): void
}

/** Seconds after which a client that was refused may try again; over HTTP the header Retry-After says so, too. */
const retryAfterSeconds = 5

/** Calls of tools may take long: four other requests go before each of them, if there are so many. */
const shares = [4, 1]

/** Requests that are started in one turn of the event loop. */
const maxStartsAtOnce = 64

/**
 * Lets requests run, so many at a time. Those for which there is no room wait: fairly, by client, and not for ever.
 *
 * While there is room it is one look at {@link isBusy}, which is kept up to date by what changes it.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #queue: FairQueue<WaitingRequest>
  #running = 0
  #isPumping = false
  #overload: Overload | undefined = undefined
  /** A request cannot simply run: too many do already, others wait, or load is shed. */
  isBusy = false

  /** @param onExpired - told of each request that has waited for too long */
  constructor(limits: AdmissionLimits, onExpired: (waiting: WaitingRequest) => void) {
    this.#limits = limits
    this.#queue = new FairQueue({
      capacity: limits.maxWaiting,
      capacityPerClient: limits.maxWaitingPerClient,
      shares,
      onExpired,
    })
  }

  /** Asynchronous handlers that count against the limit. */
  get running(): number {
    return this.#running
  }
  get metrics(): QueueMetrics {
    return this.#queue.metrics
  }
  /** Nothing new should be sent here: load is shed, or very many requests wait already. */
  get isOverloaded(): boolean {
    return this.#overload !== undefined || this.#queue.isHigh
  }
  get overload(): Overload | undefined {
    return this.#overload
  }

  /** A handler has turned out to take time. */
  began(): void {
    this.#running++
    this.#update()
  }

  /** It has come to its end. */
  ended(): void {
    this.#running--
    this.#update()
    if (this.#queue.size > 0) this.#pumpSoon()
  }

  /** @throws McpError OVERLOADED while load is shed */
  requireCapacity(): void {
    if (this.#overload !== undefined) throw overloaded()
  }

  /**
   * Has a request wait for its turn.
   *
   * @param client - with whom it shares its part of the queue
   * @throws McpError OVERLOADED when load is shed, or as many wait as may
   */
  wait(context: RequestContext, client: unknown, nowMs: number, run: () => void): void {
    this.requireCapacity()
    const deadlineMs = nowMs + this.#limits.maxWaitMs
    const priority = context.method === 'tools/call' ? 1 : 0
    if (!this.#queue.enqueue(client, { context, client, deadlineMs, run }, priority)) {
      throw overloaded('Too many requests are waiting: try again later')
    }
    this.#update()
    // There may be room: others wait only because it has not been handed out yet.
    if (this.#running < this.#limits.maxRunning) this.#pumpSoon()
  }

  /** Refuses what has waited for too long, and new work from here on while there is an overload. */
  sweep(nowMs: number, overload: Overload | undefined): void {
    this.#overload = overload
    if (this.#queue.size > 0) {
      this.#queue.sweep(nowMs)
      this.#pumpSoon()
    }
    this.#update()
  }

  #pumpSoon(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    setImmediate(() => {
      this.#isPumping = false
      this.#pump()
    })
  }

  #pump(): void {
    const nowMs = Date.now()
    for (let starts = 0; starts < maxStartsAtOnce; starts++) {
      if (this.#running >= this.#limits.maxRunning) break
      const waiting = this.#queue.dequeue(nowMs)
      if (waiting === undefined) break
      // Cancelled meanwhile: it has been answered, or wants no answer.
      if (!waiting.context.isSettled) waiting.run()
    }
    this.#update()
    if (this.#queue.size > 0 && this.#running < this.#limits.maxRunning) this.#pumpSoon()
  }

  #update(): void {
    this.isBusy =
      this.#running >= this.#limits.maxRunning ||
      this.#queue.size > 0 ||
      this.#overload !== undefined
  }
}

/** With whom a request shares its part of the queue: whoever can be told apart from others. */
export function clientOf({ peer, reply }: RequestContext, owner: object | undefined): unknown {
  if (peer.authInfo !== undefined) return identityKey(peer.authInfo)
  return owner ?? reply.remoteAddress ?? 'anonymous'
}

/** What dead letters call a client. The id of a session is a secret. */
export function clientName(client: unknown): string {
  if (typeof client === 'string') return client
  return client instanceof Session ? `session ${client.id.slice(0, 6)}…` : 'a connection'
}

/** The refusal of a server that has too much to do. */
export function overloaded(message?: string): McpError {
  return new McpError('OVERLOADED', message, { data: { retryAfterSeconds } })
}
