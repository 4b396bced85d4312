import type { Socket } from 'node:net'
import type { ClientAddress } from '../client-address.ts'
import { DirectExchange, type DirectHost } from './exchange.ts'
import { maxHeadBytes, type RequestHead, readRequestHead } from './request-head.ts'

/** What a connection needs of the listener that it came to. */
export interface DirectServer {
  readonly isClosing: boolean
  /** The header that tells clients for how long an idle connection is kept. */
  readonly keepAliveHeader: string
  /** Whether requests to that path are answered here. */
  accepts(path: string): boolean
  handle(exchange: DirectExchange): void
  readonly clientAddress: ClientAddress | undefined
  /** Gives the connection, and what has been read of it, to Node's HTTP server. */
  handOver(connection: DirectConnection, unread: Buffer): void
}

/** Bytes of a longest request that is put together here from its pieces; Node reads the longer ones as they come. */
const maxRequestBytes = 256 * 1024
/** Bytes that a client may send ahead while a request of its own is in progress. */
const maxAheadBytes = 64 * 1024
const headEnd = Buffer.from('\r\n\r\n')

/** A connection whose plain requests are read from its socket, until one comes that is not. */
export class DirectConnection implements DirectHost {
  readonly socket: Socket
  readonly #server: DirectServer
  /** The head before: a client repeats its own to the byte, mostly, and then it need not be read again. */
  #head: RequestHead | undefined = undefined
  /** What has been received and not read. */
  #unread: Buffer[] | undefined = undefined
  #unreadBytes = 0
  /** Bytes of the request whose first ones are in `#unread`. */
  #awaitedBytes = 0
  #exchange: DirectExchange | undefined = undefined
  #isReading = false
  #hasServed = false
  /** Since when it is idle, or waits for the rest of a request; milliseconds since 1970. */
  quietSinceMs = Date.now()

  constructor(socket: Socket, server: DirectServer) {
    this.socket = socket
    this.#server = server
  }

  get clientAddress(): ClientAddress | undefined {
    return this.#server.clientAddress
  }
  /** It has had an answer, and no further request has begun to arrive. */
  get isIdle(): boolean {
    return this.#hasServed && this.#exchange === undefined && this.#unread === undefined
  }
  /** A request is in progress. */
  get isBusy(): boolean {
    return this.#exchange !== undefined
  }
  /** A request has arrived in part. */
  get isReceiving(): boolean {
    return this.#exchange === undefined && this.#unread !== undefined
  }

  receive(chunk: Buffer): void {
    if (this.#unread === undefined && this.#exchange === undefined) {
      this.#read(chunk)
      return
    }
    this.#unread ??= []
    this.#unread.push(chunk)
    this.#unreadBytes += chunk.length
    if (this.#exchange !== undefined) {
      if (this.#unreadBytes > maxAheadBytes) this.socket.pause()
    } else if (this.#unreadBytes >= this.#awaitedBytes) this.#read(this.#takeUnread())
  }

  connectionHeaders(): string {
    return this.#server.isClosing ? 'connection: close\r\n' : this.#server.keepAliveHeader
  }

  finished(): void {
    this.#exchange = undefined
    this.#hasServed = true
    this.quietSinceMs = Date.now()
    if (this.#server.isClosing) {
      this.socket.end()
      this.#unread = undefined
      return
    }
    if (this.#unread === undefined || this.#isReading) return
    this.socket.resume()
    this.#read(this.#takeUnread())
  }

  /** The socket has closed. */
  closed(): void {
    this.#unread = undefined
    this.#exchange?.disconnected()
    this.#exchange = undefined
  }

  rest(): void {
    this.#head = undefined
  }

  #takeUnread(): Buffer {
    const unread = this.#unread ?? []
    const bytes = this.#unreadBytes
    this.#unread = undefined
    this.#unreadBytes = 0
    return unread.length === 1 ? (unread[0] as Buffer) : Buffer.concat(unread, bytes)
  }

  #keep(chunk: Buffer, awaitedBytes: number): void {
    this.#unread = [chunk]
    this.#unreadBytes = chunk.length
    this.#awaitedBytes = awaitedBytes
    this.quietSinceMs = Date.now()
  }

  /** Answers the requests at the start of `received` one after the other. */
  #read(received: Buffer): void {
    let chunk = received
    this.#isReading = true
    try {
      while (chunk.length > 0 && !this.socket.writableEnded) {
        const head = this.#readHead(chunk)
        if (head === undefined) {
          this.#server.handOver(this, chunk)
          return
        }
        const bodyAt = head.text.length
        const end = bodyAt + head.contentLength
        if (chunk.length < end) {
          if (end > maxRequestBytes) this.#server.handOver(this, chunk)
          else this.#keep(chunk, end)
          return
        }
        const body = head.contentLength === 0 ? undefined : chunk.subarray(bodyAt, end)
        chunk = chunk.subarray(end)
        const exchange = new DirectExchange(this, head, body)
        this.#exchange = exchange
        this.#server.handle(exchange)
        if (this.#exchange !== undefined) {
          if (chunk.length > 0) this.#keep(chunk, 0)
          return
        }
      }
    } finally {
      this.#isReading = false
    }
  }

  #readHead(chunk: Buffer): RequestHead | undefined {
    const last = this.#head
    if (last !== undefined && chunk.toString('latin1', 0, last.text.length) === last.text)
      return last
    const end = chunk.subarray(0, maxHeadBytes).indexOf(headEnd)
    if (end < 0) return undefined
    const head = readRequestHead(chunk.toString('latin1', 0, end + headEnd.length))
    if (head === undefined || !this.#server.accepts(head.path)) return undefined
    this.#head = head
    return head
  }
}
