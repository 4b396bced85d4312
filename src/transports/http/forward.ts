import type { Agent, IncomingMessage } from 'node:http'
import { builtin } from '../../internal/builtin.ts'
import type { HttpExchange, HttpHeaders } from './exchange.ts'

/** Where requests are passed on to, and what becomes of those that cannot be. */
export interface Destination {
  /** Path of a socket on this machine at which another process takes requests. */
  readonly socketPath: string
  /** Path of the request. */
  readonly path: string
  /** What the other process cannot see, for it sees only this one: headers in place of those that a client has sent. */
  readonly origin: Readonly<Record<string, string>>
  /** Nobody is there, or nobody answers. Called at most once, and only while nothing has been answered. */
  onFailure(error: Error): void
  /** What the request is about is not there any more. Called at most once, in place of an answer. */
  onMisdirected(): void
}

/** RFC 9110, 7.6.1: what concerns one connection is not passed on. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** RFC 9110, 15.5.20: the request has come to somebody who cannot answer it. */
export const misdirected = 421
/** Connections between two processes; more requests than that wait for one. Open streams hold one each. */
const maxSockets = 4096
/** How long a process may take to answer what it is told. */
const tellTimeoutMs = 2000
/** Bytes of a longest answer that is no stream. */
const maxAnswerBytes = 64 * 1024 * 1024

/** Passes requests to other processes of the service and their answers back, over connections that are kept. */
export class Forwarder {
  #agent: Agent | undefined

  /** @param body - of the request, which has been read */
  forward(exchange: HttpExchange, body: Uint8Array, destination: Destination): void {
    const { socketPath, path, origin, onFailure, onMisdirected } = destination
    this.#agent ??= newAgent()
    const headers: string[] = []
    exchange.eachHeader((name, value) => {
      if (!connectionHeaders.has(name) && !Object.hasOwn(origin, name)) headers.push(name, value)
    })
    for (const [name, value] of Object.entries(origin)) headers.push(name, value)
    headers.push('content-length', String(body.length))
    const request = builtin.http.request({
      socketPath,
      path,
      method: exchange.method,
      headers,
      agent: this.#agent,
      setHost: false,
    })
    let hasAnswer = false
    request.on('response', (response) => {
      hasAnswer = true
      if (response.statusCode === misdirected) response.resume().on('close', onMisdirected)
      else passBack(response, exchange)
    })
    request.on('error', (error) => {
      if (!hasAnswer) onFailure(error)
      hasAnswer = true
    })
    exchange.onDisconnect(() => {
      hasAnswer = true
      request.destroy()
    })
    request.end(body)
  }

  /**
   * Sends something to whoever is there.
   *
   * @returns the status of the answer, when it has arrived whole; undefined when there will be none. Never rejects
   */
  tell(socketPath: string, path: string, body: Uint8Array): Promise<number | undefined> {
    this.#agent ??= newAgent()
    const request = builtin.http.request({
      socketPath,
      path,
      method: 'POST',
      headers: {
        host: 'localhost',
        'content-type': 'application/json',
        'content-length': body.length,
      },
      agent: this.#agent,
      timeout: tellTimeoutMs,
    })
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    request.on('response', (response) => {
      response.resume().on('close', () => resolve(response.statusCode))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
    request.end(body)
    return promise
  }

  /** Ends what is being forwarded. */
  close(): void {
    this.#agent?.destroy()
  }
}

function newAgent(): Agent {
  return new builtin.http.Agent({ keepAlive: true, maxSockets, scheduling: 'lifo' })
}

function passBack(response: IncomingMessage, exchange: HttpExchange): void {
  const headers = keptHeaders(response)
  if (response.headers['content-type']?.startsWith('text/event-stream')) {
    const stream = exchange.openStream(headers)
    response.setEncoding('utf8')
    response.on('data', (text: string) => stream.write(text))
    // A stream whose writer has died ends like one that was cut: its client comes back for the rest.
    response.on('close', () => stream.close())
    return
  }
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxAnswerBytes) response.destroy()
    else chunks.push(chunk)
  })
  response.on('close', () => {
    const isWhole = response.complete
    exchange.respond(
      isWhole ? (response.statusCode ?? 502) : 502,
      isWhole ? headers : [],
      isWhole ? Buffer.concat(chunks, length) : '',
    )
  })
}

function keptHeaders(response: IncomingMessage): HttpHeaders {
  const kept: string[] = []
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const name = (response.rawHeaders[index] ?? '').toLowerCase()
    if (!connectionHeaders.has(name)) kept.push(name, response.rawHeaders[index + 1] ?? '')
  }
  return kept
}
