import type { HttpExchange, HttpHeaders, HttpStream } from './exchange.ts'

/** An exchange that has been passed on: it comes from whom the process before says. */
export class ForwardedExchange implements HttpExchange {
  readonly method: string
  readonly getHeader: HttpExchange['getHeader']
  readonly remoteAddress: string | undefined
  readonly #inner: HttpExchange
  readonly #body: Uint8Array | undefined

  /** @param body - of the request, where it has been read already */
  constructor(inner: HttpExchange, remoteAddress: string | undefined, body?: Uint8Array) {
    this.#inner = inner
    this.method = inner.method
    this.getHeader = inner.getHeader
    this.remoteAddress = remoteAddress
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
