import { McpError } from '../../protocol/errors.ts'
import { extensionId } from '../../protocol/extensions.ts'
import { principalKey } from '../../protocol/principal.ts'
import type { AuthInfo, ClientCapabilities, JsonObject } from '../../protocol/types.ts'
import type { RequestContext } from '../../server/context.ts'
import { Session } from '../../sessions/session.ts'
import type { UpstreamConfig } from '../config/gateway-config.ts'
import type { GatewayLog } from '../gateway-log.ts'
import type { OrphanGuard } from '../process/orphan-guard.ts'
import type { ProcessGroup } from '../process/process-group.ts'
import { Secrets } from '../secrets.ts'
import { Call } from './call.ts'
import { allLists, type Catalogue, changedLists } from './catalogue.ts'
import { Connection } from './connection.ts'
import { ConnectionPool, everybody, type Owner } from './connection-pool.ts'
import { KnownLists } from './known-lists.ts'
import { targetOf } from './open-target.ts'
import type { UpstreamState, UpstreamStatus } from './status.ts'
import { Supervision } from './supervision.ts'
import { toldError } from './told-error.ts'
import { type Watch, Watches } from './watches.ts'

/** What an upstream tells the gateway of. */
export interface UpstreamEvents {
  /** What it offers is known, or has changed. */
  catalogueChanged(): void
  /** @param session - whose connection has told it; undefined where it is everybody's */
  resourceUpdated(uri: string, session: Session | undefined): void
}

/** What an upstream needs of the gateway. */
export interface UpstreamHost {
  readonly log: GatewayLog
  readonly guard: OrphanGuard
  readonly events: UpstreamEvents
}

/** Sends a request of a client's over a connection, and what follows from it. */
type Send = (connection: Connection, call: Call) => Promise<JsonObject>

const maxMessageBytes = 64 * 1024 * 1024

/** What we can do on behalf of whoever asks. */
const ableClient: ClientCapabilities = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  extensions: { [extensionId.tasks]: {} },
}

/**
 * One upstream: its connections and their processes, supervised. The connection of everybody is the one whose lists are
 * offered; where clients are kept apart, each has another one for its calls.
 */
export class Upstream {
  readonly config: UpstreamConfig
  readonly secrets: Secrets
  readonly #host: UpstreamHost
  readonly #supervision: Supervision
  readonly #pool = new ConnectionPool()
  readonly #opening = new Map<Owner, Promise<Connection>>()
  readonly #watches = new Watches()
  readonly #closing = new AbortController()
  readonly #lists: KnownLists
  readonly #probing = new Set<Connection>()
  #restart: NodeJS.Timeout | undefined
  #onQuiet: (() => void) | undefined
  #restarts = 0

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.config = config
    this.secrets = new Secrets(config.secrets)
    this.#host = host
    this.#supervision = new Supervision(config.restarts, config.quarantineMs)
    this.#lists = new KnownLists(
      {
        peer: () => this.#pool.main?.peer,
        changed: () => host.events.catalogueChanged(),
        failed: (error) => this.#warn('its lists cannot be read again', error),
      },
      this.#closing.signal,
    )
  }

  get name(): string {
    return this.config.name
  }

  get catalogue(): Catalogue {
    return this.#lists.catalogue
  }

  /** It was there once, so that what it offers is known. */
  get isKnown(): boolean {
    return this.#lists.isKnown
  }

  get instructions(): string | undefined {
    return this.#pool.main?.peer.instructions
  }

  /** Its calls may become tasks as it likes. */
  get makesTasks(): boolean {
    const extensions = this.#pool.main?.peer.capabilities.extensions
    return extensions?.[extensionId.tasks] !== undefined
  }

  get watches(): Watch[] {
    return this.#watches.all()
  }

  get state(): UpstreamState {
    const nowMs = Date.now()
    if (this.#closing.signal.aborted) return 'closed'
    if (this.#pool.all().some(({ isClosing }) => !isClosing)) return 'ready'
    if (this.#supervision.isQuarantined(nowMs)) return 'quarantined'
    if (this.#supervision.restMs(nowMs) > 0) return 'resting'
    return this.#opening.size > 0 ? 'starting' : 'stopped'
  }

  status(): UpstreamStatus {
    return {
      name: this.name,
      state: this.state,
      reason: this.#supervision.reason,
      restarts: this.#restarts,
      connections: this.#pool.size,
      running: this.#pool.load,
      pids: this.#pool.all().flatMap(({ pids }) => pids),
      tools: this.catalogue.tools.length,
    }
  }

  /** Begins: now, or when it is first needed. */
  start(): void {
    if (this.config.start === 'at-once') this.#keep()
  }

  /** Learns what it offers, which needs it to run once. @returns when that is known, or the first attempt has failed */
  async learn(): Promise<void> {
    if (!this.isKnown) await this.#open(everybody).catch(() => {})
  }

  /**
   * Sends a client's request through the connection that is its.
   *
   * @param through - sends it, and more; default: the request alone
   * @throws McpError what the upstream answers, or why it does not
   */
  async request(
    method: string,
    params: JsonObject,
    context: RequestContext,
    through: Send = (at, call) => at.request(method, params, call),
  ): Promise<JsonObject> {
    const call = new Call(context, this.secrets)
    let connection: Connection | undefined
    try {
      connection = this.#ready(this.#ownerOf(context)) ?? (await this.#connect(context))
      try {
        return await this.#through(connection, call, through)
      } catch (error) {
        if (!isUnseen(error) || call.signal.aborted) throw error
        // The connection had gone, and the request with it never came to the upstream.
        await this.#lose(connection, error.message)
        connection = await this.#connect(context)
        return await this.#through(connection, call, through)
      }
    } catch (error) {
      const isLost = error instanceof McpError && error.code === 'CONNECTION_LOST'
      const how = isLost ? await connection?.ending() : undefined
      throw toldError(error, this, how && `its process ${how} before it answered`)
    } finally {
      call.end()
      if (this.#pool.load === 0) this.#onQuiet?.()
    }
  }

  async #through(connection: Connection, call: Call, send: Send): Promise<JsonObject> {
    connection.load += 1
    try {
      return await send(connection, call)
    } finally {
      connection.load -= 1
    }
  }

  /** Someone subscribes to a resource. */
  watch(uri: string, session: Session | undefined): void {
    const owner = this.#ownerOfSession(session)
    if (!this.#watches.add({ uri, session, owner })) return
    const [connection] = this.#pool.of(owner)
    if (connection !== undefined) this.#tellWatched(connection, uri, true)
    // Once it is open, it is told.
    else this.#open(owner).catch(() => {})
  }

  /** Someone no longer does. */
  unwatch(uri: string, session: Session | undefined): void {
    const watch = this.#watches.remove(uri, session)
    const [connection] = watch === undefined ? [] : this.#pool.of(watch.owner)
    if (connection !== undefined) this.#tellWatched(connection, uri, false)
  }

  /** A client has changed its roots: of its own connection it is told. */
  rootsChanged(session: Session): void {
    for (const { peer } of this.#pool.of(session)) peer.notify('notifications/roots/list_changed')
  }

  sessionEnded(session: Session): void {
    this.#watches.forget(session)
    for (const connection of this.#pool.of(session)) this.#stop(session, connection)
  }

  /** Looks after its connections: those that are silent are probed, those that nobody uses are closed. */
  sweep(nowMs: number): void {
    const { idleStopMs, probeIntervalMs } = this.config
    for (const [owner, connection] of this.#pool.entries()) {
      const isIdle = connection.load === 0 && !this.#watches.has(owner)
      if (isIdle && nowMs - connection.lastUsedMs > idleStopMs) this.#stop(owner, connection)
      else if (nowMs - connection.lastHeardMs > probeIntervalMs) void this.#probe(connection)
    }
  }

  /** Takes nothing new, lets what runs finish for `drainMs`, then ends all connections. Idempotent. */
  async close(drainMs: number): Promise<void> {
    clearTimeout(this.#restart)
    this.#closing.abort()
    if (this.#pool.load > 0 && drainMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, drainMs)
        this.#onQuiet = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    await Promise.allSettled(this.#opening.values())
    await Promise.all(this.#pool.all().map((connection) => connection.close()))
  }

  // Whose connection.

  #ownerOf({ peer, authInfo }: RequestContext): Owner {
    switch (this.config.isolation) {
      case 'shared':
        return everybody
      case 'session':
        // In the stateless era there is nothing longer than a request but who makes it.
        return peer instanceof Session ? peer : identityOf(authInfo)
      case 'identity':
        return identityOf(authInfo)
    }
  }

  #ownerOfSession(session: Session | undefined): Owner {
    const { isolation } = this.config
    if (session === undefined || isolation === 'shared') return everybody
    return isolation === 'session' ? session : identityOf(session.authInfo)
  }

  /** A connection that can take a request at once. One that is busy is helped by another, if there may be one. */
  #ready(owner: Owner): Connection | undefined {
    if (this.#closing.signal.aborted) return undefined
    const connection = this.#pool.leastBusy(owner)
    const { maxConnections } = this.config
    if (owner === everybody && maxConnections > 1 && connection !== undefined) {
      const mayGrow = this.#pool.size + this.#opening.size < maxConnections
      if (connection.load > 0 && mayGrow) this.#open(owner, undefined, true).catch(() => {})
    }
    return connection
  }

  /** Waits for a connection, over failed starts too, for as long as a start may take. @throws McpError */
  async #connect(context: RequestContext): Promise<Connection> {
    const owner = this.#ownerOf(context)
    const untilMs = Date.now() + this.config.startTimeoutMs
    for (;;) {
      const ready = this.#ready(owner)
      if (ready !== undefined) return ready
      try {
        return await this.#open(owner, context)
      } catch (error) {
        const nowMs = Date.now()
        const mayTryAgain =
          isUnseen(error) &&
          !this.#supervision.isQuarantined(nowMs) &&
          nowMs + this.#supervision.restMs(nowMs) < untilMs
        if (!mayTryAgain || context.signal.aborted) throw error
      }
    }
  }

  // Starting and ending.

  /** Keeps the connection of everybody open. */
  #keep(): void {
    this.#open(everybody).catch(() => {})
  }

  /**
   * Opens a connection, or joins in waiting for one that is being opened for the same owner.
   *
   * @param opener - in the course of which request
   * @param isFurther - beside one that everybody has already
   */
  #open(owner: Owner, opener?: RequestContext, isFurther = false): Promise<Connection> {
    const { main } = this.#pool
    const waiting = this.#opening.get(owner)
    if (waiting !== undefined) return waiting
    if (owner === everybody && !isFurther && main?.isClosing === false) return Promise.resolve(main)
    const opening = this.#openNow(owner, opener).finally(() => this.#opening.delete(owner))
    this.#opening.set(owner, opening)
    return opening
  }

  async #openNow(owner: Owner, opener: RequestContext | undefined): Promise<Connection> {
    await this.#rest()
    this.#makeRoom(owner)
    const processes = new Set<ProcessGroup>()
    const said = { lastWords: '' }
    const isFirst = owner === everybody && !this.isKnown
    let connection: Connection | undefined
    try {
      connection = await this.#dial(owner, opener, processes, said)
      if (isFirst) await this.#lists.learn(connection.peer)
    } catch (error) {
      await connection?.close()
      const isLost = error instanceof McpError && error.code === 'CONNECTION_LOST'
      const [group] = isLost ? [...processes].slice(-1) : []
      const why = error instanceof Error ? error.message : String(error)
      const how = group === undefined ? why : `its process ${await group.exited}`
      const reason = this.#reasonOf(how, said.lastWords)
      if (!this.#closing.signal.aborted) this.#failed(reason)
      throw new McpError('CONNECTION_FAILED', reason)
    }
    if (this.#closing.signal.aborted) {
      await connection.close()
      throw new McpError('SHUTTING_DOWN')
    }
    this.#opened(owner, connection, said)
    if (connection === this.#pool.main) {
      this.#host.events.catalogueChanged()
      // It may offer something else than before it failed.
      if (!isFirst) this.#lists.reread(allLists)
    }
    return connection
  }

  /** @param said - takes up what the process says last on stderr */
  async #dial(
    owner: Owner,
    opener: RequestContext | undefined,
    processes: Set<ProcessGroup>,
    said: { lastWords: string },
  ): Promise<Connection> {
    const { revisions, startTimeoutMs, callTimeoutMs } = this.config
    const session = owner instanceof Session ? owner : undefined
    const target = await targetOf(this.config, {
      guard: this.#host.guard,
      processes,
      maxMessageBytes,
      onStderr: (line) => {
        said.lastWords = this.secrets.line(line)
        this.#log('info', said.lastWords)
      },
      onWarning: (text) => this.#log('warning', text),
    })
    return Connection.open({
      target,
      revisions,
      capabilities: session === undefined ? ableClient : capabilitiesOf(session),
      secrets: this.secrets,
      startTimeoutMs,
      callTimeoutMs,
      maxMessageBytes,
      session,
      opener,
      processes,
      events: {
        listChanged: (method) => {
          if (owner === everybody) this.#lists.reread(changedLists(method))
        },
        resourceUpdated: (uri) => this.#host.events.resourceUpdated(uri, session),
        logged: (level, text) => this.#log(level === 'debug' ? 'debug' : 'info', text),
      },
    })
  }

  #opened(owner: Owner, connection: Connection, said: { readonly lastWords: string }): void {
    this.#pool.add(owner, connection)
    if (this.#supervision.reason !== undefined) {
      this.#restarts += 1
      this.#log('info', 'is back')
    }
    this.#supervision.succeeded()
    void connection.closed.then(async ({ message }) => {
      this.#pool.remove(owner, connection)
      if (connection.isClosing) return
      const how = await connection.ending()
      await connection.close()
      this.#failed(
        this.#reasonOf(how === undefined ? message : `its process ${how}`, said.lastWords),
      )
    })
    for (const uri of this.#watches.urisOf(owner)) this.#tellWatched(connection, uri, true)
  }

  /** A failure of a connection is one of the upstream: all its starts rest. */
  #failed(reason: string): void {
    const { kind, delayMs } = this.#supervision.failed(reason, Date.now())
    if (kind === 'rest') this.#log('warning', `${reason}: starting it again in ${delayMs} ms`)
    else {
      const seconds = Math.ceil(delayMs / 1000)
      this.#log('error', `${reason}: it fails too often and is in quarantine for ${seconds} s`)
    }
    const isNeeded = this.config.start === 'at-once' || this.#watches.has(everybody)
    if (!isNeeded || this.#pool.main !== undefined || this.#closing.signal.aborted) return
    clearTimeout(this.#restart)
    this.#restart = setTimeout(() => this.#keep(), delayMs).unref()
  }

  /** What is wrong, in one line: what a process has said last often tells most. */
  #reasonOf(what: string, lastWords: string): string {
    const line = this.secrets.line(lastWords === '' ? what : `${what} (${lastWords})`)
    return line.replace(/\s+/g, ' ').slice(0, 500)
  }

  /** Waits until it may be started. @throws McpError while it is in quarantine */
  async #rest(): Promise<void> {
    if (this.#closing.signal.aborted) throw new McpError('SHUTTING_DOWN')
    const nowMs = Date.now()
    const restMs = this.#supervision.restMs(nowMs)
    if (this.#supervision.isQuarantined(nowMs)) {
      throw new McpError('CONNECTION_FAILED', this.#supervision.reason)
    }
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs).unref())
  }

  /** Keeps to the number of connections: the one that was not used for longest goes. @throws McpError OVERLOADED */
  #makeRoom(owner: Owner): void {
    // The one of everybody is there beside them, for the lists.
    if (owner === everybody) return
    const { maxConnections } = this.config
    const open = this.#pool.entries().filter(([each]) => each !== everybody).length
    const opening = [...this.#opening.keys()].filter((each) => each !== everybody && each !== owner)
    if (open + opening.length < maxConnections) return
    const idle = this.#pool.longestIdle((each) => this.#watches.has(each))
    if (idle === undefined) {
      const message = `All ${maxConnections} connections are in use: try again later`
      throw new McpError('OVERLOADED', message)
    }
    this.#stop(...idle)
  }

  /** Ends a connection that is not needed, which is no failure. */
  #stop(owner: Owner, connection: Connection): void {
    this.#pool.remove(owner, connection)
    connection.close().catch((error: unknown) => this.#warn('it does not end', error))
  }

  /** A connection turns out to be none. */
  async #lose(connection: Connection, reason: string): Promise<void> {
    for (const [owner, each] of this.#pool.entries()) {
      if (each !== connection || !this.#pool.remove(owner, connection)) continue
      await connection.close()
      this.#failed(this.#reasonOf(reason, ''))
    }
  }

  async #probe(connection: Connection): Promise<void> {
    if (this.#probing.has(connection)) return
    this.#probing.add(connection)
    try {
      await connection.probe(this.config.probeTimeoutMs)
    } catch (error) {
      this.#warn('does not answer ping', error)
      await connection.kill()
    } finally {
      this.#probing.delete(connection)
    }
  }

  #tellWatched({ peer }: Connection, uri: string, isWatched: boolean): void {
    if (peer.capabilities.resources?.subscribe !== true) return
    const method = isWatched ? 'resources/subscribe' : 'resources/unsubscribe'
    peer.request(method, { uri }).catch((error: unknown) => this.#warn(method, error))
  }

  #warn(what: string, error: unknown): void {
    if (this.#closing.signal.aborted) return
    const why = error instanceof Error ? error.message : String(error)
    this.#log('warning', `${what}: ${this.secrets.line(why)}`)
  }

  #log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void {
    this.#host.log({ level, upstream: this.name, text })
  }
}

function isUnseen(error: unknown): error is McpError {
  return error instanceof McpError && error.code === 'CONNECTION_FAILED'
}

function identityOf(authInfo: AuthInfo | undefined): string {
  return `of ${authInfo === undefined ? '' : principalKey(authInfo)}`
}

/** What the client of a session can do, and the form of tasks that we look after. */
function capabilitiesOf({ clientCapabilities }: Session): ClientCapabilities {
  const { roots, sampling, elicitation } = clientCapabilities
  return {
    ...(roots && { roots }),
    ...(sampling && { sampling }),
    ...(elicitation && { elicitation }),
    extensions: { [extensionId.tasks]: {} },
  }
}
