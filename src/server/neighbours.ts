import { McpError } from '../protocol/errors.ts'
import { header } from '../protocol/headers.ts'
import type { HttpExchange } from '../transports/http/exchange.ts'
import { Forwarder, misdirected } from '../transports/http/forward.ts'
import { ForwardedExchange, type Origin } from '../transports/http/forwarded-exchange.ts'
import type { Engine } from './engine.ts'
import type { HttpGate } from './http-gate.ts'
import { mapMaybe } from './maybe-promise.ts'

/** The store that neighbours share: it knows who they are, and who has what. */
export interface SharedStore {
  /** This process among them. */
  readonly run: number
  /** The others that are alive, as far as is known. */
  readonly otherRuns: readonly number[]
  /** Where the process of a run takes requests from the others. */
  socketPath(run: number): string
  /** Another process in which a task is under way. */
  holderOfTask(taskId: string): number | undefined
  /** The process of a run has said that it is there. @returns when it can see what this process holds */
  met(run: number): Promise<void>
  /** Looks whether the process of a run has ended; what it held can then be taken over. */
  hasEnded(run: number): boolean
}

/** Paths of the listener that only neighbours reach. */
export const neighbourPaths = {
  endpoint: '/mcp',
  messages: '/messages',
  news: '/news',
  give: '/give',
}
/** Where a client has called, and who it has shown to be: only neighbours may say so, and a client's own are dropped. */
const originHeader = 'x-tsmcp-origin'
/** The socket was not there: nothing of the request has arrived. */
const unreachable: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED'])
const maxNewsBytes = 64 * 1024
/** Statuses of the answer to a wish. */
const given = 204
const kept = 409

/** What processes tell each other. */
interface News {
  /** A resource that has changed. */
  readonly uri?: string
  /** Who has come. */
  readonly run?: number
}

/** What a process asks for whose client wants to listen. */
interface Wish {
  readonly sessionId: string
  /** Who asks. */
  readonly run: number
}

/**
 * The other processes that serve the same sessions. A session is in one of them at a time; whoever gets a request of it
 * passes it on to there, so that any process answers any request. When one ends, the others take over what it had.
 *
 * A stream that is passed on costs two processes a connection for as long as it is open. So when a client begins to
 * listen, and nothing else happens in its session, the session moves to where the client has called.
 */
export class Neighbours {
  readonly #store: SharedStore
  readonly #engine: Engine
  readonly #gate: HttpGate
  readonly #forwarder = new Forwarder()

  constructor(store: SharedStore, engine: Engine, gate: HttpGate) {
    this.#store = store
    this.#engine = engine
    this.#gate = gate
  }

  get run(): number {
    return this.#store.run
  }

  /**
   * Passes a request on, if another process has what it is about.
   *
   * @param answerHere - answers it in this process, when the other turns out to have ended
   * @returns false when it is to be answered here
   */
  take(exchange: HttpExchange, answerHere: (exchange: HttpExchange) => void): boolean {
    const sessionId = exchange.getHeader(header.sessionId)
    const leaving = sessionId === undefined ? undefined : this.#engine.sessions.whenGiven(sessionId)
    if (leaving !== undefined) {
      void leaving.then(() => {
        if (!this.take(exchange, answerHere)) answerHere(exchange)
      })
      return true
    }
    const run = this.#holder(exchange, sessionId)
    if (run === undefined) return false
    const pass = (): void => this.#pass(exchange, run, neighbourPaths.endpoint, answerHere)
    if (sessionId !== undefined && beginsToListen(exchange)) {
      void this.#askFor(sessionId, run).then((isHere) => {
        if (isHere) answerHere(exchange)
        else pass()
      })
    } else pass()
    return true
  }

  /** Passes on what belongs to the stream of another process, by the run that its id names. */
  takeMessage(
    exchange: HttpExchange,
    streamId: string,
    answerHere: (e: HttpExchange) => void,
  ): boolean {
    const run = Number(/\.(\d{1,15})$/.exec(streamId)?.[1] ?? this.run)
    if (run === this.run || !this.#store.otherRuns.includes(run)) return false
    const path = `${neighbourPaths.messages}?sessionId=${encodeURIComponent(streamId)}`
    this.#pass(exchange, run, path, answerHere)
    return true
  }

  /** Answers what another process has passed on, unless its session has moved meanwhile. */
  answerPassedOn(exchange: HttpExchange, answerHere: (exchange: HttpExchange) => void): void {
    const sessionId = exchange.getHeader(header.sessionId)
    const answer = (): void => {
      const isHere =
        sessionId === undefined || this.#engine.sessions.holderOf(sessionId) === undefined
      if (isHere) answerHere(this.received(exchange))
      else exchange.respond(misdirected, [])
    }
    const leaving = sessionId === undefined ? undefined : this.#engine.sessions.whenGiven(sessionId)
    void mapMaybe(leaving, answer)
  }

  /** The request as it was before it was passed on to this process. */
  received(exchange: HttpExchange): HttpExchange {
    const said = exchange.getHeader(originHeader)
    if (said === undefined) return exchange
    return new ForwardedExchange(exchange, JSON.parse(Buffer.from(said, 'base64url').toString()))
  }

  /**
   * Tells the others that this process is there.
   *
   * @returns when they have heard it, and what they hold can be seen; they do not have long to answer
   */
  async introduce(): Promise<void> {
    await this.#tell({ run: this.run })
  }

  /** Tells the others that a resource has changed: whoever wants to hear of it may be with them. */
  tellChanged(uri: string): void {
    void this.#tell({ uri })
  }

  /** Takes what another process has told. */
  hear(exchange: HttpExchange): void {
    exchange.readBody(maxNewsBytes, (body) => {
      try {
        const { uri, run } = JSON.parse(Buffer.from(body ?? []).toString()) as News
        if (uri !== undefined) this.#engine.subscriptions.changed({ resource: uri })
        const heard = run === undefined ? undefined : this.#store.met(run)
        void mapMaybe(heard, () => exchange.respond(204, []))
      } catch (error) {
        this.#gate.refuse(exchange, error)
      }
    })
  }

  /** Gives another process the session that it asks for, if nothing happens in it. */
  give(exchange: HttpExchange): void {
    exchange.readBody(maxNewsBytes, (body) => {
      try {
        const { sessionId, run } = JSON.parse(Buffer.from(body ?? []).toString()) as Wish
        void this.#engine.sessions.give(sessionId, run).then((isGiven) => {
          exchange.respond(isGiven ? given : kept, [])
        })
      } catch (error) {
        this.#gate.refuse(exchange, error)
      }
    })
  }

  close(): void {
    this.#forwarder.close()
  }

  async #askFor(sessionId: string, run: number): Promise<boolean> {
    const wish: Wish = { sessionId, run: this.run }
    const body = Buffer.from(JSON.stringify(wish))
    const path = this.#store.socketPath(run)
    return (await this.#forwarder.tell(path, neighbourPaths.give, body)) === given
  }

  async #tell(news: News): Promise<void> {
    const body = Buffer.from(JSON.stringify(news))
    if (body.length > maxNewsBytes) return
    const told = this.#store.otherRuns.map((run) =>
      this.#forwarder.tell(this.#store.socketPath(run), neighbourPaths.news, body),
    )
    await Promise.all(told)
  }

  #holder(exchange: HttpExchange, sessionId: string | undefined): number | undefined {
    if (sessionId !== undefined) return this.#engine.sessions.holderOf(sessionId)
    const taskId = exchange.getHeader(header.name)
    if (taskId === undefined || !exchange.getHeader(header.method)?.startsWith('tasks/')) {
      return undefined
    }
    return this.#store.holderOfTask(taskId)
  }

  #pass(
    exchange: HttpExchange,
    run: number,
    path: string,
    answerHere: (exchange: HttpExchange) => void,
  ): void {
    exchange.readBody(this.#gate.maxBodyBytes, (body) => {
      if (body === undefined) {
        this.#gate.refuse(exchange, this.#gate.tooLarge())
        return
      }
      this.#forwarder.forward(exchange, body, {
        socketPath: this.#store.socketPath(run),
        path,
        origin: { [originHeader]: encodeOrigin(exchange) },
        onMisdirected: () => {
          const again = new ForwardedExchange(exchange, exchange, body)
          if (!this.take(again, answerHere)) answerHere(again)
        },
        onFailure: (error: NodeJS.ErrnoException) => {
          const hasEnded = this.#store.hasEnded(run)
          // What may have begun there must not begin here once more.
          const mayAnswer = hasEnded && (unreachable.has(error.code) || exchange.method === 'GET')
          if (mayAnswer) answerHere(new ForwardedExchange(exchange, exchange, body))
          else this.#gate.refuse(exchange, new McpError('SESSION_ELSEWHERE'))
        },
      })
    })
  }
}

/** It opens a stream, and is not back for the rest of one that broke, which is where it was. */
function beginsToListen({ method, getHeader }: HttpExchange): boolean {
  return method === 'GET' && getHeader(header.lastEventId) === undefined
}

function encodeOrigin({ target, remoteAddress, certificate }: Origin): string {
  return Buffer.from(JSON.stringify({ target, remoteAddress, certificate })).toString('base64url')
}
