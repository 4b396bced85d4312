import type { ClientCertificate } from '../../protocol/types.ts'
import type { HttpExchange, HttpHeaders, HttpStream } from './exchange.ts'

/** What only the process sees that a client is connected to. */
export type Origin = Pick<HttpExchange, 'target' | 'remoteAddress' | 'certificate'>

/** An exchange that has been passed on: it comes from whom the process before says. */
export class ForwardedExchange implements HttpExchange {
  readonly method: string
  readonly getHeader: HttpExchange['getHeader']
  readonly target: string
  readonly remoteAddress: string | undefined
  readonly certificate: ClientCertificate | undefined
  readonly #inner: HttpExchange
  readonly #body: Uint8Array | undefined

  /**
   * @param origin - what the process before has seen of the client
   * @param body - of the request, where it has been read already
   */
  constructor(inner: HttpExchange, origin: Origin, body?: Uint8Array) {
    this.#inner = inner
    this.method = inner.method
    this.getHeader = inner.getHeader
    this.target = origin.target
    this.remoteAddress = origin.remoteAddress
    this.certificate = origin.certificate
    this.#body = body
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    this.#inner.eachHeader(visit)
  }

  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void {
    if (this.#body === undefined) this.#inner.readBody(maxBytes, done)
    else done(this.#body.length > maxBytes ? undefined : this.#body)
  }

  addHeaders(headers: HttpHeaders): void {
    this.#inner.addHeaders(headers)
  }

  respond(status: number, headers: HttpHeaders, body?: string | Uint8Array): void {
    this.#inner.respond(status, headers, body)
  }

  openStream(headers: HttpHeaders): HttpStream {
    return this.#inner.openStream(headers)
  }

  onDisconnect(listener: () => void): void {
    this.#inner.onDisconnect(listener)
  }
}
