import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { createParser } from 'eventsource-parser'
import { builtin } from '../../internal/builtin.ts'
import { McpError } from '../../protocol/errors.ts'
import type { UrlTarget } from '../target.ts'

/** One event of a stream. */
export interface ServerEvent {
  readonly event: string | undefined
  readonly id: string | undefined
  readonly data: string
}

/** The HTTP side of a link: its connections, headers and bounds. */
export class HttpConnections {
  readonly #agent: Agent
  readonly #target: UrlTarget
  readonly #maxMessageBytes: number
  readonly #isSecure: boolean

  constructor(url: URL, target: UrlTarget, maxConnections: number, maxMessageBytes: number) {
    this.#target = target
    this.#maxMessageBytes = maxMessageBytes
    this.#isSecure = url.protocol === 'https:'
    // Streams that stay open have sockets of their own: see `takesSlot`.
    const options = { keepAlive: true, maxSockets: maxConnections, scheduling: 'lifo' } as const
    this.#agent = this.#isSecure
      ? new builtin.https.Agent({ ...options, ...target.tls })
      : new builtin.http.Agent(options)
  }

  /**
   * Sends a request.
   *
   * @param onResponse - told of the answer's head
   * @param onError - told instead, when there is none
   * @param isLongLived - the response is a stream that stays: it must not take a place from requests
   */
  request(
    method: string,
    url: URL,
    headers: OutgoingHttpHeaders,
    body: string | undefined,
    onResponse: (response: IncomingMessage) => void,
    onError: (error: McpError) => void,
    isLongLived = false,
  ): ClientRequest {
    const { request } = this.#isSecure ? builtin.https : builtin.http
    const sent = request(url, {
      method,
      headers: { ...this.#target.headers, ...headers },
      ...(isLongLived
        ? { agent: false, ...(this.#isSecure && (this.#target.tls as object)) }
        : { agent: this.#agent }),
    })
    sent.once('response', onResponse)
    sent.on('error', (error) => onError(connectionError(url, error)))
    sent.end(body)
    return sent
  }

  /** Reads a body to its end. @throws McpError CONNECTION_LOST, or INVALID_RESPONSE when it is too long */
  async body(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = []
    let length = 0
    return new Promise((resolve, reject) => {
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > this.#maxMessageBytes) {
          response.destroy()
          reject(tooLong(this.#maxMessageBytes))
        } else chunks.push(chunk)
      })
      response.once('end', () => resolve(Buffer.concat(chunks, length).toString()))
      response.once('error', (cause) =>
        reject(new McpError('CONNECTION_LOST', undefined, { cause })),
      )
      response.once('close', () => reject(new McpError('CONNECTION_LOST')))
    })
  }

  /** Reads a stream of events. @param onEnd - told once when there are no more, with the error if there is one */
  events(
    response: IncomingMessage,
    onEvent: (event: ServerEvent) => void,
    onRetry: (retryMs: number) => void,
    onEnd: (error: McpError | undefined) => void,
  ): void {
    let hasEnded = false
    const end = (error: McpError | undefined): void => {
      if (hasEnded) return
      hasEnded = true
      onEnd(error)
    }
    const parser = createParser({
      maxBufferSize: this.#maxMessageBytes,
      onEvent: ({ event, id, data }) => onEvent({ event, id, data }),
      onRetry,
      onError: ({ type }) => {
        if (type !== 'max-buffer-size-exceeded') return
        end(tooLong(this.#maxMessageBytes))
        response.destroy()
      },
    })
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      if (!hasEnded) parser.feed(text)
    })
    response.once('end', () => end(undefined))
    response.once('error', (cause) => end(new McpError('CONNECTION_LOST', undefined, { cause })))
    response.once('close', () => end(new McpError('CONNECTION_LOST')))
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Whether the server can have seen a request decides whether it is safe to send it again. */
function connectionError(url: URL, cause: NodeJS.ErrnoException): McpError {
  const { code = '' } = cause
  const isUnseen =
    cause.syscall === 'connect' ||
    cause.syscall === 'getaddrinfo' ||
    cause instanceof AggregateError ||
    /CERT|TLS|SSL|SELF_SIGNED|VERIFY/.test(code)
  return isUnseen
    ? new McpError('CONNECTION_FAILED', `${url.host} cannot be reached: ${cause.message || code}`, {
        cause,
      })
    : new McpError('CONNECTION_LOST', undefined, { cause })
}

function tooLong(maxMessageBytes: number): McpError {
  return new McpError(
    'INVALID_RESPONSE',
    `A message of the server may have ${maxMessageBytes} bytes`,
  )
}
