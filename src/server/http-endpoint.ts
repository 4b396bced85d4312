import { isUtf8 } from 'node:buffer'
import { McpError } from '../protocol/errors.ts'
import { checkStandardHeaders, decodeHeaderValue, header } from '../protocol/headers.ts'
import {
  type Envelope,
  encodeError,
  type JsonRpcRequest,
  openEnvelope,
  parseJson,
} from '../protocol/json-rpc.ts'
import { claimedVersion, claimsStateless, readRequestMeta } from '../protocol/meta.ts'
import {
  findRevision,
  isStatelessVersion,
  type Revision,
  supportedVersions,
} from '../protocol/revisions/index.ts'
import type { AuthInfo, RequestId } from '../protocol/types.ts'
import { type EventStream, parseEventId } from '../sessions/event-stream.ts'
import type { Peer } from '../sessions/peer.ts'
import type { Session } from '../sessions/session.ts'
import type { HttpExchange, HttpHeaders } from '../transports/http/exchange.ts'
import { createOriginGuard, type OriginGuardOptions } from '../transports/http/origin-guard.ts'
import { SseBody } from '../transports/http/sse.ts'
import { dispatchBatch } from './batch.ts'
import type { Engine } from './engine.ts'
import { attach, HttpReply, type HttpReplyHost, sessionHeaders, tracked } from './http-reply.ts'
import { isPromise } from './maybe-promise.ts'

/** What an authentication hook sees of a request. */
export interface AuthRequest {
  readonly method: string
  readonly remoteAddress: string | undefined
  /** A header by its name in lower case. */
  getHeader(name: string): string | undefined
}
/** Says who is calling; undefined or a thrown McpError refuses the request. */
export type Authenticate = (
  request: AuthRequest,
) => AuthInfo | undefined | Promise<AuthInfo | undefined>

export interface HttpEndpointOptions extends OriginGuardOptions {
  /** Default 4 MiB. */
  maxBodyBytes?: number
  /** Checks each request's credentials. Default: everybody may call. */
  authenticate?: Authenticate
  /** Milliseconds between signs of life on streams, and after which a silent answer becomes one. Default 15,000. */
  keepAliveMs?: number
}

const jsonType = /^application\/json\s*(?:;|$)/i
const jsonHeaders: HttpHeaders = ['content-type', 'application/json']

/**
 * The MCP endpoint over HTTP (transports, Streamable HTTP): sessions for revisions up to 2025-11-25 and stateless
 * requests of 2026-07-28 on one URL. Which of them a message is, it says itself.
 */
export class HttpEndpoint implements HttpReplyHost {
  readonly openBodies = new Set<SseBody>()
  readonly silentReplies = new Set<HttpReply>()
  readonly #engine: Engine
  readonly #guard: ReturnType<typeof createOriginGuard>
  readonly #maxBodyBytes: number
  readonly #authenticate: Authenticate | undefined
  readonly #keepAliveMs: number
  #lastKeepAliveMs = Date.now()

  constructor(engine: Engine, options: HttpEndpointOptions = {}) {
    this.#engine = engine
    this.#guard = createOriginGuard(options)
    this.#maxBodyBytes = options.maxBodyBytes ?? 4 * 1024 * 1024
    this.#authenticate = options.authenticate
    this.#keepAliveMs = options.keepAliveMs ?? 15_000
    engine.sweep.add((nowMs) => this.#keepAlive(nowMs))
  }

  /** Answers one exchange, now or later. Never throws. */
  handle(exchange: HttpExchange): void {
    const problem = this.#guard(exchange.getHeader('host'), exchange.getHeader('origin'))
    if (problem !== undefined) {
      this.#refuse(exchange, new McpError('FORBIDDEN', problem))
      return
    }
    if (this.#authenticate === undefined) {
      this.#route(exchange, undefined)
      return
    }
    this.#identify(exchange, this.#authenticate)
  }

  #identify(exchange: HttpExchange, authenticate: Authenticate): void {
    const proceed = (authInfo: AuthInfo | undefined): void => {
      if (authInfo === undefined) this.#refuse(exchange, new McpError('UNAUTHORIZED'))
      else this.#route(exchange, authInfo)
    }
    try {
      const found = authenticate(exchange)
      if (isPromise(found)) {
        ;(found as Promise<AuthInfo | undefined>).then(proceed, (error) =>
          this.#refuse(exchange, error),
        )
      } else proceed(found)
    } catch (error) {
      this.#refuse(exchange, error)
    }
  }

  #route(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    try {
      switch (exchange.method) {
        case 'POST':
          this.#post(exchange, authInfo)
          break
        case 'GET':
          this.#listen(exchange, authInfo)
          break
        case 'DELETE':
          this.#delete(exchange, authInfo)
          break
        default:
          throw new McpError(
            'METHOD_NOT_ALLOWED',
            'HTTP method not allowed: use POST, GET or DELETE',
          )
      }
    } catch (error) {
      this.#refuse(exchange, error)
    }
  }

  #post(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    const { getHeader } = exchange
    const contentType = getHeader('content-type')
    if (contentType !== 'application/json' && !jsonType.test(contentType ?? '')) {
      throw new McpError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json')
    }
    requireAccept(getHeader('accept'), ['application/json', 'text/event-stream'])
    exchange.readBody(this.#maxBodyBytes, (body) => {
      try {
        this.#receive(exchange, authInfo, body)
      } catch (error) {
        this.#refuse(exchange, error)
      }
    })
  }

  #receive(
    exchange: HttpExchange,
    authInfo: AuthInfo | undefined,
    body: Uint8Array | undefined,
  ): void {
    if (body === undefined) {
      throw new McpError(
        'PAYLOAD_TOO_LARGE',
        `Request body too large: at most ${this.#maxBodyBytes} bytes`,
      )
    }
    if (!isUtf8(body))
      throw new McpError('PARSE_ERROR', 'Parse error: the message is not valid UTF-8')
    const value = parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
    if (Array.isArray(value)) {
      this.#receiveBatch(exchange, authInfo, value)
      return
    }
    const envelope = openEnvelope(value)
    if (envelope.kind === 'fault') {
      this.#refuse(exchange, envelope.error, envelope.id)
      return
    }
    const id = envelope.kind === 'request' ? envelope.message.id : undefined
    try {
      if (isStateless(envelope, exchange)) this.#stateless(exchange, authInfo, envelope)
      else this.#stateful(exchange, authInfo, envelope)
    } catch (error) {
      this.#refuse(exchange, error, id)
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
    if (this.#engine.isDraining) throw new McpError('SHUTTING_DOWN')
    const peer: Peer = { revision, authInfo, ...meta }
    this.#engine.dispatch(peer, message, new HttpReply(this, exchange, undefined), undefined)
  }

  /** A message of a session, or the one that opens it. */
  #stateful(exchange: HttpExchange, authInfo: AuthInfo | undefined, envelope: Envelope): void {
    const sessionId = exchange.getHeader(header.sessionId)
    if (envelope.kind === 'request' && envelope.message.method === 'initialize' && !sessionId) {
      const { session, response } = this.#engine.initialize(envelope.message, authInfo)
      exchange.respond(200, [...jsonHeaders, ...sessionHeaders(session)], response)
      return
    }
    const session = this.#requireSession(exchange, sessionId, authInfo)
    switch (envelope.kind) {
      case 'request':
        this.#engine.dispatch(
          session,
          envelope.message,
          new HttpReply(this, exchange, session),
          session,
        )
        break
      case 'notification':
        if (envelope.message.method === 'notifications/initialized') session.initialized = true
        else this.#engine.notified(envelope.message, session)
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
    const session = this.#requireSession(exchange, sessionId, authInfo)
    const reply = new HttpReply(this, exchange, session)
    const accepted = dispatchBatch(this.#engine, session, values, reply)
    if (!accepted) exchange.respond(202, [])
  }

  /** GET: the stream of messages that belong to no request, or the rest of a stream that broke. */
  #listen(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    requireSessionMethod(exchange)
    requireAccept(exchange.getHeader('accept'), ['text/event-stream'])
    const session = this.#requireSession(exchange, exchange.getHeader(header.sessionId), authInfo)
    const lastEventId = exchange.getHeader(header.lastEventId)
    if (lastEventId !== undefined) {
      this.#resume(exchange, session, lastEventId)
      return
    }
    const body = this.#openBody(exchange, session)
    // A client has one such stream: a new one takes over, for the old one's client has gone or forgotten it.
    const current = session.outlet as EventStream | undefined
    current?.end()
    const stream = this.openEventStream(session)
    session.outlet = stream
    this.#engine.subscriptions.addSession(session)
    attach(this, stream, body, exchange)
    if (session.revision.http.primedStreams) stream.prime(1000)
  }

  #resume(exchange: HttpExchange, session: Session, lastEventId: string): void {
    const place = parseEventId(lastEventId)
    const stream = place && session.findStream(place.stream)
    if (place === undefined || stream === undefined || !stream.canResume(place.sequence)) {
      throw new McpError(
        'INVALID_REQUEST',
        'Invalid request: Last-Event-ID is unknown or too old for its stream to be resumed',
      )
    }
    const body = this.#openBody(exchange, session)
    const sink = tracked(this, body)
    exchange.onDisconnect(() => {
      this.openBodies.delete(body)
      stream.detach(sink)
    })
    stream.resume(sink, place.sequence)
  }

  #delete(exchange: HttpExchange, authInfo: AuthInfo | undefined): void {
    requireSessionMethod(exchange)
    const session = this.#requireSession(exchange, exchange.getHeader(header.sessionId), authInfo)
    this.#engine.endSession(session, 'The client ended the session')
    exchange.respond(204, [])
  }

  /** Answers with an error before any method has run. */
  #refuse(exchange: HttpExchange, thrown: unknown, id?: RequestId): void {
    const isKnown = thrown instanceof McpError
    if (!isKnown) this.#engine.service.onError(thrown, undefined)
    const error = isKnown ? thrown : new McpError('INTERNAL_ERROR')
    const status = isKnown ? error.httpStatus() : 500
    const headers = [...jsonHeaders, ...(refusalHeaders[status] ?? [])]
    exchange.respond(status, headers, encodeError(id, error))
  }

  openEventStream(session: Session): EventStream {
    return session.openStream(this.#engine.eventLimits)
  }

  #openBody(exchange: HttpExchange, session: Session): SseBody {
    const body = new SseBody(exchange, sessionHeaders(session))
    this.openBodies.add(body)
    return body
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

function unsupportedVersion(requested: string): McpError {
  return new McpError(
    'UNSUPPORTED_VERSION',
    `Unsupported protocol version; supported: ${supportedVersions.join(', ')}`,
    { data: { supported: supportedVersions, requested } },
  )
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

/** Extra headers that a refusal must have, by its status. */
const refusalHeaders: Readonly<Record<number, HttpHeaders>> = {
  401: ['www-authenticate', 'Bearer'],
  405: ['allow', 'POST, GET, DELETE'],
  413: ['connection', 'close'],
  503: ['retry-after', '5'],
}
