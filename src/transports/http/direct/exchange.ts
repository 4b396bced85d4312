import type { Socket } from 'node:net'
import type { ClientCertificate } from '../../../protocol/types.ts'
import type { Outbound } from '../../../queue/outbound.ts'
import { clientCertificate } from '../../client-certificate.ts'
import type { ClientAddress } from '../client-address.ts'
import type { HttpExchange, HttpHeaders, HttpStream } from '../exchange.ts'
import { pacedBody } from '../paced-body.ts'
import type { RequestHead } from './request-head.ts'
import { responseHead } from './response-head.ts'

/** The connection that an exchange is on, as far as it needs to know. */
export interface DirectHost {
  readonly socket: Socket
  readonly clientAddress: ClientAddress | undefined
  /** Headers about the connection for the response that is about to be sent. */
  connectionHeaders(): string
  /** The response goes on for long: what only requests need can be let go. */
  rest(): void
  /** The response has been written; the next request may come. */
  finished(): void
}

const nothing = new Uint8Array()

/** An exchange that was read from the socket, and is answered there; an open one is the stream of its response, too. */
export class DirectExchange implements HttpExchange, HttpStream {
  readonly method: string
  readonly #host: DirectHost
  /** Let go when the response has become a stream: an idle stream is to be small. */
  #head: RequestHead | undefined
  #body: Uint8Array | undefined
  #state: 'unanswered' | 'streaming' | 'finished' | 'gone' = 'unanswered'
  /** One is stored as it is: hardly an exchange has more. */
  #onDisconnect: (() => void) | (() => void)[] | undefined = undefined
  #added: HttpHeaders | undefined = undefined
  /** Once the client of a stream has not kept up. */
  #waiting: Outbound | undefined = undefined
  #address: string | undefined = undefined

  constructor(host: DirectHost, head: RequestHead, body: Uint8Array | undefined) {
    this.#host = host
    this.#head = head
    this.#body = body
    this.method = head.method
  }

  get getHeader(): HttpExchange['getHeader'] {
    return this.#head?.getHeader ?? noHeader
  }
  get target(): string {
    return this.#head?.target ?? ''
  }
  get certificate(): ClientCertificate | undefined {
    return clientCertificate(this.#host.socket)
  }
  get remoteAddress(): string | undefined {
    const { socket, clientAddress } = this.#host
    if (clientAddress === undefined) return socket.remoteAddress
    this.#address ??= clientAddress({
      remoteAddress: socket.remoteAddress,
      getHeader: this.getHeader,
    })
    return this.#address
  }

  addHeaders(headers: HttpHeaders): void {
    this.#added = this.#added === undefined ? headers : [...this.#added, ...headers]
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    this.#head?.headers.forEach((value, name) => {
      visit(name, value)
    })
  }

  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void {
    const body = this.#body ?? nothing
    this.#body = undefined
    done(body.length > maxBytes ? undefined : body)
  }

  respond(status: number, headers: HttpHeaders, body: string | Uint8Array = ''): void {
    const { socket } = this.#host
    if (this.#state !== 'unanswered' || socket.destroyed) return
    const head = responseHead(status, this.#all(headers)) + this.#host.connectionHeaders()
    // RFC 9110, 8.6 forbids the length of a response without content.
    if (status === 204) socket.write(`${head}\r\n`, 'latin1')
    else if (typeof body === 'string') {
      const length = Buffer.byteLength(body)
      const text = `${head}content-length: ${length}\r\n\r\n${body}`
      // Text of as many bytes as characters is ASCII, which needs no encoding.
      socket.write(text, length === body.length ? 'latin1' : 'utf8')
    } else {
      socket.cork()
      socket.write(`${head}content-length: ${body.length}\r\n\r\n`, 'latin1')
      socket.write(body)
      socket.uncork()
    }
    this.#finish()
  }

  openStream(headers: HttpHeaders): HttpStream {
    if (this.#state === 'gone') return this
    const head = responseHead(200, this.#all(headers)) + this.#host.connectionHeaders()
    this.#host.socket.write(`${head}transfer-encoding: chunked\r\n\r\n`, 'latin1')
    this.#state = 'streaming'
    this.#host.rest()
    this.#head = undefined
    this.#body = undefined
    return this
  }

  write(text: string): void {
    const { socket } = this.#host
    if (this.#state !== 'streaming' || socket.destroyed || text === '') return
    const chunk = `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
    if (socket.writableNeedDrain) this.#waiting ??= pacedBody(socket)
    if (this.#waiting === undefined) socket.write(chunk)
    else this.#waiting.send(chunk)
  }

  close(): void {
    const { socket } = this.#host
    if (this.#state !== 'streaming') return
    this.#waiting?.close(true)
    this.#waiting = undefined
    if (!socket.destroyed) socket.write('0\r\n\r\n', 'latin1')
    this.#finish()
  }

  onDisconnect(listener: () => void): void {
    if (this.#state === 'finished') return
    if (this.#state === 'gone') {
      queueMicrotask(listener)
      return
    }
    const others = this.#onDisconnect
    if (others === undefined) this.#onDisconnect = listener
    else if (typeof others === 'function') this.#onDisconnect = [others, listener]
    else others.push(listener)
  }

  /** The client has gone. */
  disconnected(): void {
    const listeners = this.#onDisconnect
    this.#onDisconnect = undefined
    this.#waiting?.close()
    this.#state = 'gone'
    if (typeof listeners === 'function') listeners()
    else for (const listener of listeners ?? []) listener()
  }

  #all(headers: HttpHeaders): HttpHeaders {
    return this.#added === undefined ? headers : [...headers, ...this.#added]
  }

  #finish(): void {
    this.#state = 'finished'
    this.#onDisconnect = undefined
    this.#host.finished()
  }
}

function noHeader(): undefined {
  return undefined
}
