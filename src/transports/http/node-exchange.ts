import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientCertificate } from '../../protocol/types.ts'
import type { Outbound } from '../../queue/outbound.ts'
import { clientCertificate } from '../client-certificate.ts'
import type { ClientAddress } from './client-address.ts'
import type { HttpExchange, HttpHeaders, HttpStream } from './exchange.ts'
import { pacedBody } from './paced-body.ts'

/** Bytes of a refused body that are read all the same; a client that sends more is cut off. */
const maxDiscardedBytes = 64 * 1024 * 1024

/** An exchange on Node's own HTTP stack. */
export class NodeExchange implements HttpExchange {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #clientAddress: ClientAddress | undefined
  #address: string | undefined = undefined
  #added: HttpHeaders | undefined = undefined

  /** @param clientAddress - finds the client behind proxies; default: whoever is connected */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    clientAddress?: ClientAddress | undefined,
  ) {
    this.#request = request
    this.#response = response
    this.#clientAddress = clientAddress
  }

  get method(): string {
    return this.#request.method ?? ''
  }
  get target(): string {
    return this.#request.url ?? ''
  }
  get certificate(): ClientCertificate | undefined {
    return clientCertificate(this.#request.socket)
  }
  get remoteAddress(): string | undefined {
    this.#address ??= addressOf(this.#request, this.#clientAddress)
    return this.#address
  }
  get getHeader(): HttpExchange['getHeader'] {
    const { headers } = this.#request
    return (name) => headers[name] as string | undefined
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    for (const [name, value] of Object.entries(this.#request.headers)) visit(name, String(value))
  }

  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void {
    const request = this.#request
    // Nearly all bodies arrive in one piece.
    let body: Buffer | undefined
    let more: Buffer[] | undefined
    let length = 0
    const onData = (chunk: Buffer): void => {
      length += chunk.length
      if (length > maxBytes) {
        request.off('data', onData)
        request.off('end', onEnd)
        discard(request, length)
        done(undefined)
      } else if (body === undefined) body = chunk
      else {
        more ??= [body]
        more.push(chunk)
      }
    }
    const onEnd = (): void => {
      done(more === undefined ? (body ?? new Uint8Array()) : Buffer.concat(more, length))
    }
    request.on('data', onData)
    request.on('end', onEnd)
  }

  addHeaders(headers: HttpHeaders): void {
    this.#added = this.#added === undefined ? headers : [...this.#added, ...headers]
  }

  respond(status: number, given: HttpHeaders, body?: string | Uint8Array): void {
    const response = this.#response
    if (response.destroyed || response.headersSent) return
    const headers = this.#added === undefined ? given : [...given, ...this.#added]
    if (status === 204) {
      // RFC 9110, 8.6 forbids the length here.
      response.writeHead(status, headers as string[])
      response.end()
      return
    }
    const length =
      body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length
    response.writeHead(status, [...headers, 'content-length', String(length)])
    response.end(body)
  }

  openStream(headers: HttpHeaders): HttpStream {
    const response = this.#response
    const all = this.#added === undefined ? headers : [...headers, ...this.#added]
    response.writeHead(200, all as string[])
    response.flushHeaders()
    let waiting: Outbound | undefined
    return {
      write: (text) => {
        if (response.destroyed || response.writableEnded || text === '') return
        if (response.writableNeedDrain) waiting ??= pacedBody(response)
        if (waiting === undefined) response.write(text)
        else waiting.send(text)
      },
      close: () => {
        if (response.writableEnded) return
        waiting?.close(true)
        response.end()
      },
    }
  }

  onDisconnect(listener: () => void): void {
    const response = this.#response
    const closed = (): void => {
      if (!response.writableFinished) listener()
    }
    if (response.destroyed) queueMicrotask(closed)
    else response.on('close', closed)
  }
}

/** Where a request comes from, seen through proxies where some are trusted. */
export function addressOf(
  request: IncomingMessage,
  clientAddress: ClientAddress | undefined,
): string | undefined {
  const { remoteAddress } = request.socket
  if (clientAddress === undefined) return remoteAddress
  const getHeader = (name: string) => request.headers[name] as string | undefined
  return clientAddress({ remoteAddress, getHeader })
}

/** Reads the rest of a body and throws it away, so that a client that first sends it all sees the answer. */
function discard(request: IncomingMessage, alreadyRead: number): void {
  let length = alreadyRead
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxDiscardedBytes) request.destroy()
  })
}
