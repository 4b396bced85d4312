import { header } from '../protocol/headers.ts'
import { type EventSink, EventStream } from '../sessions/event-stream.ts'
import type { Session } from '../sessions/session.ts'
import type { StreamRequests } from '../sessions/session-repository.ts'
import type { HttpExchange, HttpHeaders } from '../transports/http/exchange.ts'
import { SseBody } from '../transports/http/sse.ts'
import { headersFor } from './http-gate.ts'
import { type Network, networks } from './observer.ts'
import { type BatchReply, batchText, responseText } from './reply.ts'

/** Where an endpoint keeps what needs a look from time to time. */
export interface HttpReplyHost {
  /** Streams that want a comment now and then. */
  readonly openBodies: Set<SseBody>
  /** Replies that have said nothing yet. */
  readonly silentReplies: Set<HttpReply>
  openEventStream(session: Session, requests: StreamRequests): EventStream
}

/** How long a client should wait before it comes back to a stream that broke, in milliseconds. */
const retryMs = 1000

/** Answers a POST: with JSON if the response is the first thing to be said, else with an event stream. */
export class HttpReply implements BatchReply {
  readonly getHeader: HttpExchange['getHeader']
  readonly network: Network = networks.http
  readonly #host: HttpReplyHost
  readonly #exchange: HttpExchange
  readonly #session: Session | undefined
  readonly #headers: HttpHeaders
  #stream: EventStream | SseBody | undefined = undefined
  /** What is answered here; kept with a stream, for clients that come back to it after a restart. */
  requests: StreamRequests = undefined
  /** Milliseconds since 1970 at which the handler turned out to take time. */
  heldSinceMs = 0

  /**
   * @param session - whose streams outlive their responses; undefined in the stateless era
   * @param headers - headers of the response, for instance the id of a new session
   */
  constructor(
    host: HttpReplyHost,
    exchange: HttpExchange,
    session: Session | undefined,
    headers: HttpHeaders = [],
  ) {
    this.#host = host
    this.#exchange = exchange
    this.#session = session
    this.#headers = headers
    this.getHeader = exchange.getHeader
  }

  get remoteAddress(): string | undefined {
    return this.#exchange.remoteAddress
  }

  send(json: string): void {
    this.openStream()
    this.#write(json)
  }

  end(response: string | Uint8Array, httpStatus: number, further?: HttpHeaders): void {
    this.#host.silentReplies.delete(this)
    if (this.#stream === undefined) {
      const headers = headersFor(httpStatus, further)
      const all = this.#headers.length === 0 ? headers : [...headers, ...this.#headers]
      this.#exchange.respond(httpStatus, all, response)
      return
    }
    this.#write(responseText(response))
    this.#closeStream()
  }

  /** On a stream one by one: official client 1 reads arrays in JSON bodies, and none in events. */
  endBatch(responses: readonly string[]): void {
    if (this.#stream === undefined) {
      this.end(batchText(responses), 200)
      return
    }
    this.#host.silentReplies.delete(this)
    for (const response of responses) this.#write(response)
    this.#closeStream()
  }

  abandon(): void {
    this.#host.silentReplies.delete(this)
    if (this.#stream === undefined) this.#exchange.respond(204, this.#headers)
    else this.#closeStream()
  }

  pause(pauseMs: number): void {
    if (this.#session === undefined) return
    this.openStream()
    if (this.#stream instanceof EventStream) this.#stream.pause(pauseMs)
  }

  hold(cancel: () => void): void {
    this.heldSinceMs = Date.now()
    this.#host.silentReplies.add(this)
    // In the stateful era a client that goes away may come back for the result.
    if (this.#session === undefined) {
      this.#exchange.onDisconnect(() => {
        this.#host.silentReplies.delete(this)
        cancel()
      })
    }
  }

  /** Turns the response into an event stream, if it is none yet. */
  openStream(): void {
    if (this.#stream !== undefined) return
    this.#host.silentReplies.delete(this)
    const body = new SseBody(this.#exchange, this.#headers)
    this.#host.openBodies.add(body)
    const session = this.#session
    if (session === undefined) {
      this.#stream = body
      this.#exchange.onDisconnect(() => this.#host.openBodies.delete(body))
      return
    }
    const stream = this.#host.openEventStream(session, this.requests)
    this.#stream = stream
    attach(this.#host, stream, body, this.#exchange)
    if (session.revision.http.primedStreams) stream.prime(retryMs)
  }

  #write(json: string): void {
    if (this.#stream instanceof EventStream) this.#stream.send(json)
    else this.#stream?.event(json)
  }

  #closeStream(): void {
    if (this.#stream instanceof EventStream) this.#stream.end()
    else if (this.#stream !== undefined) {
      this.#host.openBodies.delete(this.#stream)
      this.#stream.close()
    }
  }
}

/** Puts a response body under a stream, so that the endpoint keeps it alive and forgets it when it closes. */
export function attach(
  host: HttpReplyHost,
  stream: EventStream,
  body: SseBody,
  exchange: HttpExchange,
): EventSink {
  const sink = bodySink(host, stream, body, exchange)
  stream.attach(sink)
  return sink
}

/** The body of a response as the sink of a stream, which it leaves when the client goes. */
export function bodySink(
  host: HttpReplyHost,
  stream: EventStream,
  body: SseBody,
  exchange: HttpExchange,
): EventSink {
  const sink = new BodySink(host, body)
  exchange.onDisconnect(() => {
    host.openBodies.delete(body)
    stream.detach(sink)
  })
  return sink
}

class BodySink implements EventSink {
  readonly #host: HttpReplyHost
  readonly #body: SseBody

  constructor(host: HttpReplyHost, body: SseBody) {
    this.#host = host
    this.#body = body
  }

  event(data: string, id: string | undefined, pauseMs?: number): void {
    this.#body.event(data, id, pauseMs)
  }

  replay(events: readonly { data: string; id: string }[]): void {
    this.#body.events(events)
  }

  close(): void {
    this.#host.openBodies.delete(this.#body)
    this.#body.close()
  }
}

/** Headers that carry the id of a session. */
export function sessionHeaders(session: Session): HttpHeaders {
  return [header.sessionId, session.id]
}
