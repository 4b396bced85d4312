import { McpError, quoted } from '../protocol/errors.ts'
import { checkStandardHeaders, decodeHeaderValue, header } from '../protocol/headers.ts'
import {
  type Envelope,
  isRequestId,
  type JsonRpcRequest,
  openEnvelope,
} from '../protocol/json-rpc.ts'
import { claimedVersion, claimsStateless, readRequestMeta } from '../protocol/meta.ts'
import {
  findRevision,
  isStatelessVersion,
  type Revision,
  unsupportedVersion,
} from '../protocol/revisions/index.ts'
import type { AuthInfo } from '../protocol/types.ts'
import { type EventStream, parseEventId } from '../sessions/event-stream.ts'
import type { Peer } from '../sessions/peer.ts'
import type { Session } from '../sessions/session.ts'
import type { StreamRequests } from '../sessions/session-repository.ts'
import type { HttpExchange } from '../transports/http/exchange.ts'
import { SseBody } from '../transports/http/sse.ts'
import { dispatchBatch } from './batch.ts'
import type { Engine } from './engine.ts'
import { type HttpGate, type HttpGateOptions, headersFor } from './http-gate.ts'
import { attach, bodySink, HttpReply, type HttpReplyHost, sessionHeaders } from './http-reply.ts'
import { mapMaybe } from './maybe-promise.ts'
import type { Neighbours } from './neighbours.ts'

export interface HttpEndpointOptions extends HttpGateOptions {
  /** Milliseconds between signs of life on streams, and after which a silent answer becomes one. Default 15,000. */
  keepAliveMs?: number
}

/**
 * The MCP endpoint over HTTP (transports, Streamable HTTP): sessions for revisions up to 2025-11-25 and stateless
 * requests of 2026-07-28 on one URL. Which of them a message is, it says itself.
 */
export class HttpEndpoint implements HttpReplyHost {
  readonly openBodies = new Set<SseBody>()
  readonly silentReplies = new Set<HttpReply>()
  /** Streams that go on telling news, with whose credentials they were opened. */
  readonly #listening = new Map<SseBody, { authInfo: AuthInfo; end: () => void }>()
  readonly #engine: Engine
  readonly #gate: HttpGate
  readonly #keepAliveMs: number
  #lastKeepAliveMs = Date.now()
  /** Other processes that serve the same sessions, where there are any. */
  neighbours: Neighbours | undefined = undefined

  constructor(engine: Engine, gate: HttpGate, options: HttpEndpointOptions = {}) {
    this.#engine = engine
    this.#gate = gate
    this.#keepAliveMs = options.keepAliveMs ?? 15_000
    engine.sweep.add((nowMs) => this.#keepAlive(nowMs))
  }

  /** Answers one exchange, now or later, here or where its session is. Never throws. */
  handle(exchange: HttpExchange): void {
    const { neighbours } = this
    if (neighbours?.take(exchange, (each) => this.handleHere(each))) return
    this.handleHere(exchange)
  }

  /** Answers one exchange in this process, now or later. Never throws. */
  handleHere(exchange: HttpExchange): void {
    if (this.#gate.answerCors(exchange)) return
    this.#gate.admit(
      exchange,
      (authInfo) => this.#route(exchange, authInfo),
      (error) => this.#gate.refuse(exchange, error),
    )
  }

  #route(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    switch (exchange.method) {
      case 'POST':
        requireAccept(exchange.getHeader('accept'), ['application/json', 'text/event-stream'])
        this.#gate.readJson(exchange, (value) => this.#receive(exchange, authInfo, value))
        break
      case 'GET':
        this.#listen(exchange, authInfo)
        break
      case 'DELETE':
        this.#delete(exchange, authInfo)
        break
      default:
        throw new McpError('METHOD_NOT_ALLOWED', 'HTTP method not allowed: use POST, GET or DELETE')
    }
  }

  #receive(exchange: HttpExchange, authInfo: AuthInfo | undefined, value: unknown): void {
    if (Array.isArray(value)) {
      this.#receiveBatch(exchange, authInfo, value)
      return
    }
    const envelope = openEnvelope(value)
    if (envelope.kind === 'fault') {
      this.#gate.refuse(exchange, envelope.error, envelope.id)
      return
    }
    const id = envelope.kind === 'request' ? envelope.message.id : undefined
    try {
      if (isStateless(envelope, exchange)) this.#stateless(exchange, authInfo, envelope)
      else this.#stateful(exchange, authInfo, envelope)
    } catch (error) {
      this.#gate.refuse(exchange, error, id)
    }
  }

  /** A message of 2026-07-28: all it needs is in it. */
  #stateless(exchange: HttpExchange, authInfo: AuthInfo | undefined, envelope: Envelope): void {
    if (envelope.kind === 'response') {
      throw new McpError(
        'INVALID_REQUEST',
        'Invalid request: responses are not accepted in this revision',
      )
    }
    if (envelope.kind !== 'request') {
      // Notifications of this revision are for connections; over HTTP there is nothing for them to refer to.
      exchange.respond(202, [])
      return
    }
    const { message } = envelope
    const revision = requireStatelessRevision(exchange, message)
    const meta = readRequestMeta(message.params)
    checkStandardHeaders(exchange.getHeader, message.method, message.params)
    const peer: Peer = { revision, authInfo, ...meta }
    this.#engine.dispatch(peer, message, new HttpReply(this, exchange, undefined), undefined)
  }

  /** A message of a session, or the one that opens it. */
  #stateful(exchange: HttpExchange, authInfo: AuthInfo | undefined, envelope: Envelope): void {
    const sessionId = exchange.getHeader(header.sessionId)
    if (envelope.kind === 'request' && envelope.message.method === 'initialize' && !sessionId) {
      const { message } = envelope
      const { session, response, kept } = this.#engine.initialize(message, {
        authInfo,
        remoteAddress: exchange.remoteAddress,
      })
      const answer = (): void =>
        exchange.respond(200, [...headersFor(200), ...sessionHeaders(session)], response)
      if (kept === undefined) answer()
      else kept.then(answer, (error: unknown) => this.#gate.refuse(exchange, error, message.id))
      return
    }
    const session = this.#requireSession(exchange, sessionId, authInfo)
    switch (envelope.kind) {
      case 'request': {
        const reply = new HttpReply(this, exchange, session)
        reply.requests = envelope.message.id
        this.#engine.dispatch(session, envelope.message, reply, session)
        break
      }
      case 'notification':
        if (envelope.message.method === 'notifications/initialized') session.markInitialized()
        else this.#engine.notified(envelope.message, session, session)
        exchange.respond(202, [])
        break
      case 'response':
        if (!session.respond(envelope.message)) {
          throw new McpError('INVALID_REQUEST', 'Invalid request: no request of ours has that id')
        }
        exchange.respond(202, [])
        break
    }
  }

  #receiveBatch(exchange: HttpExchange, authInfo: AuthInfo | undefined, values: unknown[]): void {
    const sessionId = exchange.getHeader(header.sessionId)
    const version = exchange.getHeader(header.protocolVersion)
    if (sessionId === undefined && version !== undefined && isStatelessVersion(version)) {
      throw new McpError(
        'INVALID_REQUEST',
        `Invalid request: batches do not exist in ${quoted(version)}: send one message at a time`,
      )
    }
    const session = this.#requireSession(exchange, sessionId, authInfo)
    const reply = new HttpReply(this, exchange, session)
    reply.requests = values
      .map((value) => (value as { id?: unknown } | null)?.id)
      .filter(isRequestId)
    const accepted = dispatchBatch(this.#engine, session, values, reply, session)
    if (!accepted) exchange.respond(202, [])
  }

  /** GET: the stream of messages that belong to no request, or the rest of a stream that broke. */
  #listen(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    requireSessionMethod(exchange)
    requireAccept(exchange.getHeader('accept'), ['text/event-stream'])
    const session = this.#requireSession(exchange, exchange.getHeader(header.sessionId), authInfo)
    const lastEventId = exchange.getHeader(header.lastEventId)
    if (lastEventId !== undefined) {
      this.#resume(exchange, session, lastEventId, authInfo)
      return
    }
    const body = this.#openBody(exchange, session)
    // A client has one such stream: a new one takes over, for the old one's client has gone or forgotten it.
    const current = session.outlet as EventStream | undefined
    const isBack = current !== undefined && session.takeInterrupted(current)
    current?.end()
    const stream = this.openEventStream(session)
    session.outlet = stream
    this.#engine.subscriptions.addSession(session)
    const sink = attach(this, stream, body, exchange)
    this.#watch(exchange, body, authInfo, () => stream.detach(sink))
    if (session.revision.http.primedStreams) stream.prime(1000)
    if (isBack) this.#engine.tellAll(session)
  }

  #resume(
    exchange: HttpExchange,
    session: Session,
    lastEventId: string,
    authInfo: AuthInfo | undefined,
  ): void {
    const place = parseEventId(lastEventId)
    const stream = place && session.findStream(place.stream)
    if (place === undefined || stream === undefined || !stream.canResume(place.sequence)) {
      throw new McpError(
        'INVALID_REQUEST',
        'Invalid request: Last-Event-ID is unknown or too old for its stream to be resumed',
      )
    }
    const body = this.#openBody(exchange, session)
    const sink = bodySink(this, stream, body, exchange)
    this.#watch(exchange, body, authInfo, () => stream.detach(sink))
    stream.resume(sink, place.sequence)
    if (session.takeInterrupted(stream)) this.#engine.tellAll(session)
  }

  #delete(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    requireSessionMethod(exchange)
    const session = this.#requireSession(exchange, exchange.getHeader(header.sessionId), authInfo)
    const ended = this.#engine.endSession(session, 'The client ended the session')
    void mapMaybe(ended, () => exchange.respond(204, []))
  }

  openEventStream(session: Session, requests?: StreamRequests): EventStream {
    return session.openStream(this.#engine.eventLimits, requests)
  }

  #openBody(exchange: HttpExchange, session: Session): SseBody {
    const body = new SseBody(exchange, sessionHeaders(session))
    this.openBodies.add(body)
    return body
  }

  /** Remembers a stream that must end when the credentials that opened it are no longer valid. */
  #watch(
    exchange: HttpExchange,
    body: SseBody,
    authInfo: AuthInfo | undefined,
    end: () => void,
  ): void {
    if (authInfo === undefined) return
    this.#listening.set(body, { authInfo, end })
    exchange.onDisconnect(() => this.#listening.delete(body))
  }

  #requireSession(
    exchange: HttpExchange,
    sessionId: string | undefined,
    authInfo: AuthInfo | undefined,
  ): Session {
    const version = exchange.getHeader(header.protocolVersion)
    if (version !== undefined && findRevision(version)?.era !== 'stateful') {
      throw unsupportedVersion(version)
    }
    if (sessionId === undefined || sessionId === '') throw new McpError('SESSION_REQUIRED')
    return this.#engine.sessions.get(sessionId, authInfo)
  }

  #keepAlive(nowMs: number): void {
    for (const [body, { authInfo, end }] of this.#listening) {
      if (!this.openBodies.has(body)) this.#listening.delete(body)
      else if (!this.#engine.isCurrent(authInfo, nowMs)) {
        this.#listening.delete(body)
        this.openBodies.delete(body)
        end()
        body.close()
      }
    }
    for (const reply of this.silentReplies) {
      if (nowMs - reply.heldSinceMs >= this.#keepAliveMs) reply.openStream()
    }
    if (nowMs - this.#lastKeepAliveMs < this.#keepAliveMs) return
    this.#lastKeepAliveMs = nowMs
    for (const body of this.openBodies) body.comment()
  }
}

/**
 * Whether a message belongs to the stateless era: it says so itself, or it says nothing of either era and its header
 * names a version that has no sessions.
 */
function isStateless(envelope: Envelope, exchange: HttpExchange): boolean {
  if (envelope.kind === 'request' || envelope.kind === 'notification') {
    if (claimsStateless(envelope.message.params)) return true
    if (envelope.message.method === 'initialize') return false
  }
  const version = exchange.getHeader(header.protocolVersion)
  if (version === undefined || exchange.getHeader(header.sessionId) !== undefined) return false
  return isStatelessVersion(version)
}

function requireStatelessRevision(exchange: HttpExchange, request: JsonRpcRequest): Revision {
  const claimed = claimedVersion(request.params)
  const raw = exchange.getHeader(header.protocolVersion)
  if (raw === undefined) {
    throw new McpError('HEADER_MISMATCH', 'Header MCP-Protocol-Version is required')
  }
  const version = decodeHeaderValue('MCP-Protocol-Version', raw)
  if (claimed !== undefined && version !== claimed) {
    throw new McpError(
      'HEADER_MISMATCH',
      'Header MCP-Protocol-Version does not agree with the body',
    )
  }
  const revision = findRevision(version)
  if (revision?.era !== 'stateless') throw unsupportedVersion(version)
  return revision
}

/** GET and DELETE belong to sessions: a client without them is told that there is only POST. */
function requireSessionMethod(exchange: HttpExchange): void {
  const version = exchange.getHeader(header.protocolVersion)
  if (version === undefined || exchange.getHeader(header.sessionId) !== undefined) return
  if (isStatelessVersion(version)) {
    throw new McpError('METHOD_NOT_ALLOWED', 'HTTP method not allowed: this revision has only POST')
  }
}

/** RFC 9110, 12.5.1: an absent Accept header accepts everything. */
function requireAccept(accept: string | undefined, types: readonly string[]): void {
  if (accept === undefined || accept === 'application/json, text/event-stream') return
  const accepted = accept
    .toLowerCase()
    .split(',')
    .map((each) => each.split(';')[0]?.trim() ?? '')
  for (const type of types) {
    const group = `${type.split('/')[0]}/*`
    if (!accepted.some((each) => each === type || each === group || each === '*/*')) {
      throw new McpError('NOT_ACCEPTABLE', `Accept must list ${types.join(' and ')}`)
    }
  }
}
