import { McpError } from '../../protocol/errors.ts'
import { extensionId } from '../../protocol/extensions.ts'
import { principalKey } from '../../protocol/principal.ts'
import type { ClientCapabilities, JsonObject } from '../../protocol/types.ts'
import type { RequestContext } from '../../server/context.ts'
import { Session } from '../../sessions/session.ts'
import type { UpstreamConfig } from '../config/gateway-config.ts'
import type { GatewayLog } from '../gateway-log.ts'
import type { OrphanGuard } from '../process/orphan-guard.ts'
import type { ProcessGroup } from '../process/process-group.ts'
import { Secrets } from '../secrets.ts'
import { Call } from './call.ts'
import {
  type Catalogue,
  type CatalogueList,
  changedLists,
  emptyCatalogue,
  readCatalogue,
  readList,
} from './catalogue.ts'
import { Connection } from './connection.ts'
import { targetOf } from './open-target.ts'
import type { UpstreamState, UpstreamStatus } from './status.ts'
import { Supervision } from './supervision.ts'

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

/** Whose a connection is: everybody's, an identity's by its key, or a session's. */
type Owner = string | Session

/** A subscription of a client to a resource. */
interface Watch {
  readonly uri: string
  readonly session: Session | undefined
  readonly owner: Owner
}

const everybody = ''
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
  readonly #connections = new Map<Owner, Connection[]>()
  readonly #opening = new Map<Owner, Promise<Connection>>()
  /** The resources that clients subscribe to. */
  readonly watches = new Set<Watch>()
  readonly #closing = new AbortController()
  #catalogue: Catalogue | undefined
  #staleLists = new Set<CatalogueList>()
  #isReading = false
  #restart: NodeJS.Timeout | undefined
  #probing = new Set<Connection>()
  #onQuiet: (() => void) | undefined
  #restarts = 0

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.config = config
    this.secrets = new Secrets(config.secrets)
    this.#host = host
    this.#supervision = new Supervision(config.restarts, config.quarantineMs)
  }

  get name(): string {
    return this.config.name
  }

  /** What it offers, as far as it is known: nothing before it was there once. */
  get catalogue(): Catalogue {
    return this.#catalogue ?? emptyCatalogue
  }

  get isKnown(): boolean {
    return this.#catalogue !== undefined
  }

  get instructions(): string | undefined {
    return this.#main()?.peer.instructions
  }

  /** Its calls may become tasks as it likes. */
  get makesTasks(): boolean {
    const extensions = this.#main()?.peer.capabilities.extensions
    return extensions?.[extensionId.tasks] !== undefined
  }

  get state(): UpstreamState {
    if (this.#closing.signal.aborted) return 'closed'
    if (this.#all().some(({ isClosing }) => !isClosing)) return 'ready'
    if (this.#supervision.isQuarantined(Date.now())) return 'quarantined'
    if (this.#supervision.restMs(Date.now()) > 0) return 'resting'
    return this.#opening.size > 0 ? 'starting' : 'stopped'
  }

  status(): UpstreamStatus {
    const connections = this.#all()
    return {
      name: this.name,
      state: this.state,
      reason: this.#supervision.reason,
      restarts: this.#restarts,
      connections: connections.length,
      running: connections.reduce((sum, { load }) => sum + load, 0),
      pids: connections.flatMap(({ pids }) => pids),
      tools: this.catalogue.tools.length,
    }
  }

  /** Begins: now, or when it is first needed. */
  start(): void {
    if (this.config.start === 'at-once') this.#keep()
  }

  /**
   * Learns what it offers, which needs it to run once.
   *
   * @returns when it is known, or the first attempt has failed
   */
  async learn(): Promise<void> {
    if (this.isKnown) return
    await this.#open(everybody, undefined).catch(() => {})
  }

  /**
   * Sends a client's request through the connection that is its.
   *
   * @throws McpError what the upstream answers; CONNECTION_FAILED when it is not there, which says why; CONNECTION_LOST
   *   when it has gone meanwhile
   */
  async request(
    method: string,
    params: JsonObject,
    context: RequestContext,
    through?: (connection: Connection, call: Call) => Promise<JsonObject>,
  ): Promise<JsonObject> {
    const call = new Call(context, this.secrets)
    let connection: Connection | undefined
    try {
      connection = this.#idle(this.#ownerOf(context)) ?? (await this.#connect(context))
      const send = through ?? ((at: Connection) => at.request(method, params, call))
      try {
        return await send(connection, call)
      } catch (error) {
        if (!isUnseen(error) || call.signal.aborted) throw error
        // The connection had gone, and the request with it never came to the upstream.
        await this.#lose(connection, error.message)
        connection = await this.#connect(context)
        return await send(connection, call)
      }
    } catch (error) {
      const isLost = error instanceof McpError && error.code === 'CONNECTION_LOST'
      const how = isLost ? await connection?.ending() : undefined
      throw this.#told(error, how && `its process ${how} before it answered`)
    } finally {
      call.end()
      this.#quietNow()
    }
  }

  /** Someone watches a resource: all who share a connection are one subscriber to it. */
  watch(uri: string, session: Session | undefined): void {
    const owner = this.#ownerOfSession(session)
    const isFirst = !this.#isWatched(owner, uri)
    this.watches.add({ uri, session, owner })
    if (!isFirst) return
    const connection = this.#connections.get(owner)?.[0]
    if (connection !== undefined) this.#tellWatched(connection, uri, true)
    else void this.#open(owner, undefined).catch(() => {})
  }

  /** Someone no longer does. */
  unwatch(uri: string, session: Session | undefined): void {
    const watch = [...this.watches].find((each) => each.uri === uri && each.session === session)
    if (watch === undefined) return
    this.watches.delete(watch)
    const connection = this.#connections.get(watch.owner)?.[0]
    if (connection === undefined || this.#isWatched(watch.owner, uri)) return
    this.#tellWatched(connection, uri, false)
  }

  /** A client has changed its roots: of its own connection it is told. */
  rootsChanged(session: Session): void {
    for (const { peer } of this.#connections.get(session) ?? []) {
      peer.notify('notifications/roots/list_changed')
    }
  }

  sessionEnded(session: Session): void {
    for (const watch of this.watches) if (watch.session === session) this.watches.delete(watch)
    for (const connection of this.#connections.get(session) ?? []) this.#stop(session, connection)
  }

  /** Looks after its connections: those that are silent are probed, those that nobody uses are closed. */
  sweep(nowMs: number): void {
    const { idleStopMs, probeIntervalMs } = this.config
    for (const [owner, connections] of this.#connections) {
      for (const connection of connections) {
        const isIdle = connection.load === 0 && !this.#isWatched(owner)
        if (isIdle && nowMs - connection.lastUsedMs > idleStopMs) this.#stop(owner, connection)
        else if (nowMs - connection.lastHeardMs > probeIntervalMs) void this.#probe(connection)
      }
    }
  }

  /** Takes nothing new, lets what runs finish for `drainMs`, then ends all connections. Idempotent. */
  async close(drainMs: number): Promise<void> {
    clearTimeout(this.#restart)
    if (!this.#closing.signal.aborted) this.#closing.abort()
    if (this.#load > 0 && drainMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, drainMs)
        this.#onQuiet = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    await Promise.allSettled(this.#opening.values())
    await Promise.all(this.#all().map((connection) => connection.close()))
  }

  // Which connection is whose.

  #ownerOf({ peer, authInfo }: RequestContext): Owner {
    switch (this.config.isolation) {
      case 'shared':
        return everybody
      case 'session':
        if (peer instanceof Session) return peer
        // In the stateless era there is nothing longer than a request but who makes it.
        return `of ${authInfo === undefined ? '' : principalKey(authInfo)}`
      case 'identity':
        return `of ${authInfo === undefined ? '' : principalKey(authInfo)}`
    }
  }

  #ownerOfSession(session: Session | undefined): Owner {
    const { isolation } = this.config
    if (session === undefined || isolation === 'shared') return everybody
    if (isolation === 'session') return session
    return `of ${session.authInfo === undefined ? '' : principalKey(session.authInfo)}`
  }

  #isWatched(owner: Owner, uri?: string): boolean {
    for (const each of this.watches) {
      if (each.owner === owner && (uri === undefined || each.uri === uri)) return true
    }
    return false
  }

  #main(): Connection | undefined {
    return this.#connections.get(everybody)?.[0]
  }

  #all(): Connection[] {
    return [...this.#connections.values()].flat()
  }

  get #load(): number {
    return this.#all().reduce((sum, { load }) => sum + load, 0)
  }

  /** A connection that can take a request at once: the one that has least to do, unless another could be opened. */
  #idle(owner: Owner): Connection | undefined {
    if (this.#closing.signal.aborted) return undefined
    const connections = this.#connections.get(owner)
    if (connections === undefined) return undefined
    let best: Connection | undefined
    for (const each of connections) {
      if (!each.isClosing && (best === undefined || each.load < best.load)) best = each
    }
    const isBusy = best !== undefined && best.load > 0
    const mayGrow = owner === everybody && this.#count < this.config.maxConnections
    if (isBusy && mayGrow) void this.#open(owner, undefined, true).catch(() => {})
    return best
  }

  get #count(): number {
    return this.#all().length + this.#opening.size
  }

  /** Waits for a connection, over failed starts too, for as long as a start may take. @throws McpError */
  async #connect(context: RequestContext): Promise<Connection> {
    const owner = this.#ownerOf(context)
    const untilMs = Date.now() + this.config.startTimeoutMs
    for (;;) {
      const open = this.#idle(owner)
      if (open !== undefined) return open
      try {
        return await this.#open(owner, context)
      } catch (error) {
        const nowMs = Date.now()
        const isOver =
          this.#supervision.isQuarantined(nowMs) ||
          this.#closing.signal.aborted ||
          context.signal.aborted ||
          nowMs + this.#supervision.restMs(nowMs) >= untilMs ||
          (error instanceof McpError && error.code === 'OVERLOADED')
        if (isOver) throw error
      }
    }
  }

  // Starting and ending.

  /** Keeps the connection of everybody open. */
  #keep(): void {
    this.#open(everybody, undefined).catch(() => {})
  }

  /** Opens a connection, or joins in waiting for one that is being opened for the same owner. */
  #open(owner: Owner, opener: RequestContext | undefined, isFurther = false): Promise<Connection> {
    const waiting = this.#opening.get(owner)
    if (waiting !== undefined) return waiting
    if (!isFurther && owner === everybody) {
      const main = this.#main()
      if (main !== undefined && !main.isClosing) return Promise.resolve(main)
    }
    const opening = this.#openNow(owner, opener).finally(() => this.#opening.delete(owner))
    this.#opening.set(owner, opening)
    return opening
  }

  async #openNow(owner: Owner, opener: RequestContext | undefined): Promise<Connection> {
    await this.#rest()
    this.#makeRoom(owner)
    const session = owner instanceof Session ? owner : undefined
    const processes = new Set<ProcessGroup>()
    let lastWords = ''
    const isFirst = owner === everybody && !this.isKnown
    let connection: Connection
    try {
      connection = await Connection.open({
        target: await targetOf(this.config, {
          guard: this.#host.guard,
          processes,
          maxMessageBytes,
          onStderr: (line) => {
            lastWords = this.secrets.line(line)
            this.#log('info', lastWords)
          },
          onWarning: (text) => this.#log('warning', text),
        }),
        capabilities: session === undefined ? ableClient : capabilitiesOf(session),
        revisions: this.config.revisions,
        secrets: this.secrets,
        startTimeoutMs: this.config.startTimeoutMs,
        callTimeoutMs: this.config.callTimeoutMs,
        maxMessageBytes,
        session,
        opener,
        processes,
        events: {
          listChanged: (method) => {
            if (owner === everybody) this.#listsChanged(changedLists(method))
          },
          resourceUpdated: (uri) => this.#host.events.resourceUpdated(uri, session),
          logged: (level, text) => this.#log(level === 'debug' ? 'debug' : 'info', text),
        },
      })
      if (isFirst) {
        this.#catalogue = await readCatalogue(connection.peer, this.#closing.signal).catch(
          async (error: unknown) => {
            await connection.close()
            throw error
          },
        )
      }
    } catch (error) {
      const [group] = [...processes].slice(-1)
      const isLost = error instanceof McpError && error.code === 'CONNECTION_LOST'
      const how = isLost && group !== undefined ? `its process ${await group.exited}` : undefined
      const why = error instanceof Error ? error.message : String(error)
      const reason = this.#reasonOf(how ?? why, lastWords)
      if (!this.#closing.signal.aborted) this.#failed(reason)
      throw new McpError('CONNECTION_FAILED', reason)
    }
    if (this.#closing.signal.aborted) {
      await connection.close()
      throw new McpError('SHUTTING_DOWN')
    }
    this.#opened(owner, connection, () => lastWords)
    if (connection === this.#main()) {
      this.#host.events.catalogueChanged()
      // It may offer something else than before it failed.
      if (!isFirst) this.#listsChanged(Object.keys(emptyCatalogue) as CatalogueList[])
    }
    return connection
  }

  #opened(owner: Owner, connection: Connection, lastWords: () => string): void {
    const others = this.#connections.get(owner)
    if (others === undefined) this.#connections.set(owner, [connection])
    else others.push(connection)
    if (this.#supervision.failures > 0 && this.#supervision.reason !== undefined) {
      this.#restarts += 1
      this.#log('info', 'is back')
    }
    this.#supervision.succeeded()
    void connection.closed.then(async ({ message }) => {
      this.#remove(owner, connection)
      if (connection.isClosing) return
      const how = await connection.ending()
      const reason = this.#reasonOf(how === undefined ? message : `its process ${how}`, lastWords())
      await connection.close()
      this.#failed(reason)
    })
    const uris = [...this.watches].filter((each) => each.owner === owner).map(({ uri }) => uri)
    for (const uri of new Set(uris)) this.#tellWatched(connection, uri, true)
  }

  /** A failure of a connection is one of the upstream: all its starts rest. */
  #failed(reason: string): void {
    const verdict = this.#supervision.failed(reason, Date.now())
    const seconds = Math.ceil(verdict.delayMs / 1000)
    if (verdict.kind === 'quarantine') {
      this.#log('error', `${reason}: it fails too often and is in quarantine for ${seconds} s`)
    } else this.#log('warning', `${reason}: starting it again in ${verdict.delayMs} ms`)
    const isNeeded = this.config.start === 'at-once' || this.#isWatched(everybody)
    if (!isNeeded || this.#main() !== undefined || this.#closing.signal.aborted) return
    clearTimeout(this.#restart)
    this.#restart = setTimeout(() => this.#keep(), verdict.delayMs).unref()
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
    const own = [...this.#connections].filter(([each]) => each !== everybody)
    const opening = [...this.#opening.keys()].filter((each) => each !== everybody && each !== owner)
    if (own.length + opening.length < this.config.maxConnections) return
    const idle = own
      .flatMap(([each, connections]) => connections.map((connection) => ({ each, connection })))
      .filter(({ each, connection }) => connection.load === 0 && !this.#isWatched(each))
      .toSorted((a, b) => a.connection.lastUsedMs - b.connection.lastUsedMs)
    const [oldest] = idle
    if (oldest === undefined) {
      const message = `All ${this.config.maxConnections} connections are in use: try again later`
      throw new McpError('OVERLOADED', message)
    }
    this.#stop(oldest.each, oldest.connection)
  }

  /** Ends a connection that is not needed, which is no failure. */
  #stop(owner: Owner, connection: Connection): void {
    this.#remove(owner, connection)
    connection.close().catch((error: unknown) => this.#log('warning', String(error)))
  }

  /** A connection turns out to be none. */
  async #lose(connection: Connection, reason: string): Promise<void> {
    if (connection.isClosing) return
    for (const [owner, connections] of this.#connections) {
      if (!connections.includes(connection)) continue
      this.#remove(owner, connection)
      await connection.close()
      this.#failed(this.secrets.line(reason))
    }
  }

  #remove(owner: Owner, connection: Connection): void {
    const rest = this.#connections.get(owner)?.filter((each) => each !== connection)
    if (rest === undefined) return
    if (rest.length === 0) this.#connections.delete(owner)
    else this.#connections.set(owner, rest)
  }

  async #probe(connection: Connection): Promise<void> {
    if (this.#probing.has(connection)) return
    this.#probing.add(connection)
    try {
      await connection.probe(this.config.probeTimeoutMs)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#log('warning', `does not answer ping: ${why}`)
      await connection.kill()
    } finally {
      this.#probing.delete(connection)
    }
  }

  // What it offers.

  #listsChanged(lists: readonly CatalogueList[]): void {
    if (lists.length === 0 || this.#catalogue === undefined) return
    for (const list of lists) this.#staleLists.add(list)
    if (!this.#isReading) void this.#readLists()
  }

  async #readLists(): Promise<void> {
    this.#isReading = true
    try {
      while (this.#staleLists.size > 0 && this.#catalogue !== undefined) {
        const peer = this.#main()?.peer
        if (peer === undefined) return
        const names = [...this.#staleLists]
        this.#staleLists.clear()
        const read: Partial<Record<CatalogueList, object[]>> = {}
        for (const name of names) read[name] = await readList(peer, name, this.#closing.signal)
        this.#catalogue = { ...this.#catalogue, ...read } as Catalogue
        this.#host.events.catalogueChanged()
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#log('warning', `its lists cannot be read again: ${this.secrets.line(why)}`)
    } finally {
      this.#isReading = false
    }
  }

  #tellWatched({ peer }: Connection, uri: string, isWatched: boolean): void {
    if (peer.capabilities.resources?.subscribe !== true) return
    const method = isWatched ? 'resources/subscribe' : 'resources/unsubscribe'
    peer.request(method, { uri }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      this.#log('warning', `${method}: ${this.secrets.line(why)}`)
    })
  }

  /** An error as clients may see it: not as if it were their own credentials that are refused. */
  #told(error: unknown, reason?: string): unknown {
    if (!(error instanceof McpError)) return error
    const { code, data } = error
    const message = this.secrets.text(reason ?? error.message)
    if (isOfUpstream.has(code)) {
      return new McpError('INTERNAL_ERROR', `Upstream ${this.name}: ${message}`, { cause: error })
    }
    const cleanData = this.secrets.value(data)
    if (message === error.message && cleanData === data) return error
    return new McpError('INTERNAL_ERROR', message, { data: cleanData, cause: error })
  }

  #quietNow(): void {
    if (this.#onQuiet !== undefined && this.#load === 0) this.#onQuiet()
  }

  #log(level: 'debug' | 'info' | 'warning' | 'error', text: string): void {
    this.#host.log({ level, upstream: this.name, text })
  }
}

/** Errors between us and the upstream, which would mean something else to a client. */
const isOfUpstream = new Set([
  'CONNECTION_FAILED',
  'CONNECTION_LOST',
  'SERVER_TIMEOUT',
  'INVALID_RESPONSE',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'INSUFFICIENT_SCOPE',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'UNSUPPORTED_VERSION',
  'HEADER_MISMATCH',
  'INVALID_META',
  'SESSION_NOT_FOUND',
  'SESSION_REQUIRED',
  'RATE_LIMITED',
  'SHUTTING_DOWN',
  'PARSE_ERROR',
])

function isUnseen(error: unknown): error is McpError {
  return error instanceof McpError && error.code === 'CONNECTION_FAILED'
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
