import type { ClientCertificate } from '../../protocol/types.ts'

/** One HTTP request and its response, whatever HTTP stack is beneath. */
export interface HttpExchange {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** The certificate that the client has shown over TLS. */
  readonly certificate: ClientCertificate | undefined
  /** A request header by its name in lower case. */
  readonly getHeader: (name: string) => string | undefined
  /** Visits all request headers, by their names in lower case. */
  eachHeader(visit: (name: string, value: string) => void): void
  readonly remoteAddress: string | undefined
  /**
   * Reads the body.
   *
   * @param done - called once, with undefined when the body is longer than `maxBytes`; never called when the client
   *   goes away first
   */
  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void
  /** Headers that the response has, whatever it will be. */
  addHeaders(headers: HttpHeaders): void
  /** Sends the whole response. Does nothing when the client has gone. */
  respond(status: number, headers: HttpHeaders, body?: string | Uint8Array): void
  /** Sends status 200 and the headers of an event stream. */
  openStream(headers: HttpHeaders): HttpStream
  /**
   * Calls back when the client goes away before the response has ended; soon, if it has gone already, as it may have
   * while it was found out who it is.
   */
  onDisconnect(listener: () => void): void
}

/** Names and values in turn. */
export type HttpHeaders = readonly string[]

/** The body of a response that is sent piece by piece. */
export interface HttpStream {
  /** A client that reads too slowly is cut off: what waits for it is bounded. */
  write(text: string): void
  close(): void
}

/** Bytes that may wait for a slow reader before it is cut off. */
export const maxWaitingBytes = 1024 * 1024
