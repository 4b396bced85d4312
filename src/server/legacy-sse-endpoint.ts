import { randomId } from '../internal/random-id.ts'
import { McpError } from '../protocol/errors.ts'
import { samePrincipal } from '../protocol/principal.ts'
import type { AuthInfo } from '../protocol/types.ts'
import type { HttpExchange } from '../transports/http/exchange.ts'
import { SseBody } from '../transports/http/sse.ts'
import { ChannelConnection } from './channel-connection.ts'
import type { Engine } from './engine.ts'
import type { HttpGate } from './http-gate.ts'
import type { Neighbours } from './neighbours.ts'
import { networks } from './observer.ts'
import { responseText } from './reply.ts'

interface LegacyStream {
  readonly connection: ChannelConnection
  readonly body: SseBody
}

/**
 * The two endpoints of HTTP with SSE (2024-11-05, transports), for clients that know nothing newer: a GET opens the
 * stream of all that the server says, and names the URL to which the client posts what it says.
 *
 * @deprecated by the specification since 2025-03-26; off unless it is switched on
 */
export class LegacySseEndpoint {
  readonly #engine: Engine
  readonly #gate: HttpGate
  readonly #messagePath: string
  readonly #streams = new Map<string, LegacyStream>()
  readonly #maxStreams: number
  #lastKeepAliveMs = Date.now()
  /** Other processes that serve the same clients, where there are any. */
  neighbours: Neighbours | undefined = undefined

  /** @param messagePath - where clients post, seen from the root of the server */
  constructor(
    engine: Engine,
    gate: HttpGate,
    messagePath: string,
    options: { keepAliveMs?: number; maxStreams?: number } = {},
  ) {
    this.#engine = engine
    this.#gate = gate
    this.#messagePath = messagePath
    this.#maxStreams = options.maxStreams ?? 100_000
    const keepAliveMs = options.keepAliveMs ?? 15_000
    engine.streamCounts.push(() => this.#streams.size)
    engine.sweep.add((nowMs) => {
      for (const { body, connection } of this.#streams.values()) {
        if (engine.isCurrent(connection.authInfo, nowMs)) continue
        connection.closed()
        body.close()
      }
      if (nowMs - this.#lastKeepAliveMs < keepAliveMs) return
      this.#lastKeepAliveMs = nowMs
      for (const { body } of this.#streams.values()) body.comment()
    })
  }

  get size(): number {
    return this.#streams.size
  }

  /** Answers the GET that opens a stream. */
  open(exchange: HttpExchange): void {
    this.#admit(exchange, 'GET', (authInfo) => {
      if (this.#engine.isDraining) throw new McpError('SHUTTING_DOWN')
      if (this.#streams.size >= this.#maxStreams) throw new McpError('SESSION_LIMIT')
      const id = this.neighbours === undefined ? randomId() : `${randomId()}.${this.neighbours.run}`
      const body = new SseBody(exchange, [])
      const connection = new ChannelConnection(
        this.#engine,
        { send: (message) => body.event(responseText(message)), close: () => body.close() },
        { authInfo, remoteAddress: exchange.remoteAddress, network: networks.http },
        () => this.#streams.delete(id),
      )
      this.#streams.set(id, { connection, body })
      exchange.onDisconnect(() => connection.closed())
      body.named('endpoint', `${this.#messagePath}?sessionId=${id}`)
    })
  }

  /** Answers a POST with a message; what it is answered comes on the stream. */
  post(exchange: HttpExchange, streamId: string | null): void {
    const { neighbours } = this
    const here = (each: HttpExchange): void => this.postHere(each, streamId)
    if (streamId !== null && neighbours?.takeMessage(exchange, streamId, here)) return
    this.postHere(exchange, streamId)
  }

  /** Answers a POST in this process. */
  postHere(exchange: HttpExchange, streamId: string | null): void {
    this.#admit(exchange, 'POST', (authInfo) => {
      const stream = streamId === null ? undefined : this.#streams.get(streamId)
      if (stream === undefined || !samePrincipal(stream.connection.authInfo, authInfo)) {
        throw new McpError('SESSION_NOT_FOUND')
      }
      this.#gate.readJson(exchange, (value) => {
        stream.connection.authInfo = authInfo
        exchange.respond(202, [])
        stream.connection.receive(value)
      })
    })
  }

  /** Ends all streams. */
  close(): void {
    for (const { body, connection } of this.#streams.values()) {
      connection.closed()
      body.close()
    }
  }

  #admit(
    exchange: HttpExchange,
    method: string,
    enter: (authInfo: AuthInfo | undefined) => void,
  ): void {
    if (this.#gate.answerCors(exchange)) return
    const refuse = (error: unknown): void => this.#gate.refuse(exchange, error)
    if (exchange.method === method) this.#gate.admit(exchange, enter, refuse)
    else refuse(new McpError('METHOD_NOT_ALLOWED', `HTTP method not allowed: use ${method}`))
  }
}
