import type { CloseReason } from '../../client/link.ts'
import { openPeer } from '../../client/open-peer.ts'
import type { Peer, PeerEvents } from '../../client/peer.ts'
import type { Target } from '../../client/target.ts'
import { McpError } from '../../protocol/errors.ts'
import { encodeNotification, isJsonObject } from '../../protocol/json-rpc.ts'
import { taskMetaKey } from '../../protocol/meta.ts'
import type { RevisionName } from '../../protocol/revisions/index.ts'
import {
  type ClientCapabilities,
  type JsonObject,
  type LogLevel,
  logLevels,
} from '../../protocol/types.ts'
import type { RequestContext } from '../../server/context.ts'
import { Session } from '../../sessions/session.ts'
import type { ProcessGroup } from '../process/process-group.ts'
import type { Secrets } from '../secrets.ts'
import type { Call } from './call.ts'

/** What a connection tells its upstream of. */
interface ConnectionEvents {
  listChanged(method: string): void
  resourceUpdated(uri: string): void
  /** A log message that belongs to no client. */
  logged(level: string, text: string): void
}

/** How a connection is opened. */
export interface ConnectionOptions {
  readonly target: Target
  readonly capabilities: ClientCapabilities
  readonly revisions: readonly RevisionName[] | undefined
  readonly secrets: Secrets
  readonly startTimeoutMs: number
  readonly callTimeoutMs: number
  readonly maxMessageBytes: number
  readonly events: ConnectionEvents
  /** Whose connection it is, where it is a session's alone. */
  readonly session: Session | undefined
  /** In the course of which request it is opened. */
  readonly opener: RequestContext | undefined
  /** The processes that the target starts. */
  readonly processes: Set<ProcessGroup>
}

/** The pipes of a process may close a little before it has ended. */
const endingWaitMs = 200
/** Pages that users may be on; for one more the oldest is forgotten. */
const maxVisitors = 1000

/**
 * One connection to an upstream. Requests of clients go through it; what the upstream says or asks in the course of one
 * goes to the client whose request that is, and to nobody where that cannot be told.
 */
export class Connection {
  readonly session: Session | undefined
  readonly #options: ConnectionOptions
  readonly #calls = new Set<Call>()
  /** The sessions whose users were sent to a page, by the id of the elicitation. */
  readonly #visitors = new Map<unknown, Session>()
  #peer: Peer | undefined
  #opener: RequestContext | undefined
  #logLevel = -1
  lastUsedMs = Date.now()
  /** When the upstream was last heard. */
  lastHeardMs = Date.now()
  isClosing = false

  private constructor(options: ConnectionOptions) {
    this.#options = options
    this.#opener = options.opener
    this.session = options.session
  }

  /** @throws McpError when the upstream cannot be reached or does not speak MCP */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    const events: PeerEvents = {
      notification: (method, params) => connection.#notified(method, params, undefined),
      request: (method, params, signal) => connection.#asked(method, params, signal, undefined),
    }
    try {
      connection.#peer = await openPeer(options.target, events, {
        clientInfo: { name: 'tsmcp-gateway', version: '0.1.0' },
        capabilities: options.capabilities,
        timeoutMs: options.startTimeoutMs,
        probeTimeoutMs: Math.min(10_000, options.startTimeoutMs),
        maxMessageBytes: options.maxMessageBytes,
        ...(options.revisions && { revisions: options.revisions }),
      })
    } catch (error) {
      await connection.#endProcesses()
      throw error
    }
    return connection
  }

  /** @throws McpError before it is open */
  get peer(): Peer {
    if (this.#peer === undefined) throw new McpError('CONNECTION_FAILED')
    return this.#peer
  }

  get closed(): Promise<CloseReason> {
    return this.peer.closed
  }

  /** Requests of clients under way, be it that they wait for a task between two requests of ours. */
  load = 0

  get pids(): number[] {
    return [...this.#options.processes].map(({ pid }) => pid ?? 0)
  }

  /** Sends a client's request. @throws McpError; InputRequired when the client is to be asked first */
  async request(method: string, params: JsonObject, call: Call): Promise<JsonObject> {
    this.#calls.add(call)
    this.lastUsedMs = Date.now()
    try {
      const { logLevel } = call.context.peer
      if (logLevel !== undefined) this.#wantLogs(logLevel)
      const result = await this.peer.request(method, params, {
        signal: call.signal,
        timeoutMs: this.#options.callTimeoutMs,
        onNotification: (name, told) => this.#notified(name, told, call),
        onRequest: (name, asked, signal) => this.#asked(name, asked, signal, call),
        ...(call.wantsProgress && {
          onProgress: ({ progress, total, message }) => call.progress(progress, total, message),
        }),
      })
      this.lastHeardMs = Date.now()
      // It has been told that nobody answers, and has made something of that.
      if (call.left !== undefined) throw call.left
      return result
    } catch (error) {
      throw call.left ?? error
    } finally {
      this.#calls.delete(call)
      this.#opener = undefined
      this.lastUsedMs = Date.now()
    }
  }

  /** How its process has ended, if it has one and that has ended or is just about to. */
  async ending(): Promise<string | undefined> {
    const [latest] = [...this.#options.processes].slice(-1)
    if (latest === undefined) return undefined
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, endingWaitMs, undefined)
    })
    const how = await Promise.race([latest.exited, late])
    clearTimeout(timer)
    return how
  }

  /** Asks for a sign of life. @throws McpError when there is none */
  async probe(timeoutMs: number): Promise<void> {
    try {
      await this.peer.request('ping', {}, { timeoutMs })
    } catch (error) {
      // Whoever says that there is no ping is alive.
      if (!(error instanceof McpError) || error.code !== 'METHOD_NOT_FOUND') throw error
    }
    this.lastHeardMs = Date.now()
  }

  /** Lets the upstream finish nothing more: ends it and its processes. Idempotent. */
  async close(): Promise<void> {
    this.isClosing = true
    await this.#peer?.close()
    await this.#endProcesses()
  }

  /** Ends it at once, as one that does not answer any more. */
  async kill(): Promise<void> {
    await Promise.all([...this.#options.processes].map((each) => each.kill()))
    await this.#peer?.close()
  }

  async #endProcesses(): Promise<void> {
    await Promise.all([...this.#options.processes].map((each) => each.end()))
  }

  /** Clients hear what they want; the upstream must send what the most curious of them wants. */
  #wantLogs(level: LogLevel): void {
    if (this.peer.capabilities.logging === undefined) return
    const wanted = logLevels.indexOf(level)
    if (this.#logLevel >= 0 && this.#logLevel <= wanted) return
    this.#logLevel = wanted
    // On a connection messages keep their order: no need to wait for the answer.
    this.peer.request('logging/setLevel', { level }).catch(() => {
      this.#logLevel = -1
    })
  }

  #notified(method: string, params: JsonObject, call: Call | undefined): void {
    this.lastHeardMs = Date.now()
    const { events, secrets } = this.#options
    switch (method) {
      case 'notifications/message': {
        const heard = call ?? this.#callOf(params)
        if (heard !== undefined) heard.log(params)
        else if (this.session !== undefined) this.#logToSession(this.session, params)
        else events.logged(String(params.level), JSON.stringify(secrets.value(params.data)) ?? '')
        break
      }
      case 'notifications/resources/updated':
        events.resourceUpdated(String(params.uri))
        break
      case 'notifications/elicitation/complete': {
        // It comes whenever the user is done with the page, mostly after the call.
        const { elicitationId } = params
        this.#visitors.get(elicitationId)?.outlet?.send(encodeNotification(method, params))
        this.#visitors.delete(elicitationId)
        break
      }
      default:
        events.listChanged(method)
    }
  }

  async #asked(
    method: string,
    params: JsonObject,
    signal: AbortSignal,
    own: Call | undefined,
  ): Promise<JsonObject> {
    this.lastHeardMs = Date.now()
    const call = own ?? this.#callOf(params)
    if (call !== undefined) {
      this.#remember(params.elicitationId, call.context)
      return call.ask(method, params)
    }
    const { session } = this
    if (session === undefined || this.#calls.size > 0) {
      throw new McpError(
        'INTERNAL_ERROR',
        this.#calls.size > 0
          ? `${method} could belong to requests of several clients: isolation "session" tells them apart`
          : `${method} belongs to no request of a client`,
      )
    }
    return this.#askSession(session, method, params, signal)
  }

  /** Asks the client of a session outside any of its requests: it must be listening. */
  #askSession(
    session: Session,
    method: string,
    params: JsonObject,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    // Roots are asked for while the connection is opened, for the sake of a request.
    const outlet = this.#opener?.reply ?? session.outlet
    if (outlet === undefined) {
      throw new McpError(
        'INTERNAL_ERROR',
        `The client does not listen, so ${method} cannot be asked`,
      )
    }
    if (method === 'roots/list' && session.clientCapabilities.roots === undefined) {
      throw new McpError('METHOD_NOT_FOUND')
    }
    return session.request(method, this.#options.secrets.value(params), outlet, signal)
  }

  #logToSession(session: Session, params: JsonObject): void {
    const level = logLevels.indexOf(params.level as LogLevel)
    const wanted = session.logLevel
    if (wanted !== undefined && level < logLevels.indexOf(wanted)) return
    const told = this.#options.secrets.value(params)
    session.outlet?.send(encodeNotification('notifications/message', told))
  }

  #remember(elicitationId: unknown, { peer }: RequestContext): void {
    if (elicitationId === undefined || !(peer instanceof Session)) return
    this.#visitors.set(elicitationId, peer)
    const [oldest] = this.#visitors.keys()
    if (this.#visitors.size > maxVisitors) this.#visitors.delete(oldest)
  }

  /** The request that something belongs to which does not say so: the only one there is, or the latest of one client. */
  #callOf(params: JsonObject): Call | undefined {
    const meta = isJsonObject(params._meta) ? params._meta : {}
    const related = meta[taskMetaKey.relatedTask]
    const calls = [...this.#calls]
    if (isJsonObject(related)) return calls.find(({ taskId }) => taskId === related.taskId)
    const latest = calls.at(-1)
    const isOfOne = calls.every(({ context }) => context.peer === latest?.context.peer)
    return isOfOne ? latest : undefined
  }
}
