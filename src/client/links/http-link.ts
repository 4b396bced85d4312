import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { McpError } from '../../protocol/errors.ts'
import { header, headerName } from '../../protocol/headers.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import { defaultJsonBounds, type JsonBounds, parseJson } from '../../protocol/json-text.ts'
import type { Revision } from '../../protocol/revisions/index.ts'
import type { JsonObject, RequestId } from '../../protocol/types.ts'
import type { Link, LinkListener, Outgoing } from '../link.ts'
import type { UrlTarget } from '../target.ts'
import { HttpConnections, type ServerEvent } from './http-exchange.ts'
import type { LinkOptions } from './link-options.ts'
import { statusError } from './status-error.ts'

/** Rests between attempts to open a stream again, when the server names none. */
const firstRestMs = 500
const maxRestMs = 30_000
/** Attempts to go on with the stream of one request before it is given up. */
const maxResumptions = 10
/** How often a request may be refused for want of credentials. */
const maxRefusals = 3
/** Redirects that are followed on one connection. */
const maxRedirects = 5

/** The stream of one request, or the one for what belongs to none. */
interface Stream {
  readonly id: RequestId | undefined
  request: ClientRequest | undefined
  timer: NodeJS.Timeout | undefined
  lastEventId: string | undefined
  retryMs: number | undefined
  failures: number
}

/** Streamable HTTP: each message a POST, answered with JSON or a stream of events. */
export class HttpLink implements Link {
  readonly hasOwnStreams = true
  parameterHeaders: Link['parameterHeaders'] = undefined
  #url: URL
  #redirects = 0
  readonly #target: UrlTarget
  readonly #listener: LinkListener
  readonly #connections: HttpConnections
  readonly #bounds: JsonBounds
  readonly #streams = new Map<RequestId, Stream>()
  #common: Stream | undefined
  #revision: Revision | undefined
  #sessionId: string | undefined
  #isClosed = false

  constructor(url: URL, target: UrlTarget, listener: LinkListener, options: LinkOptions) {
    this.#url = url
    this.#target = target
    this.#listener = listener
    const { maxConnections, maxMessageBytes } = options
    this.#connections = new HttpConnections(url, target, maxConnections, maxMessageBytes)
    this.#bounds = { ...defaultJsonBounds, maxStringLength: maxMessageBytes }
  }

  send(text: string, message: Outgoing): void {
    const stream = newStream(message.id)
    if (message.id !== undefined) this.#streams.set(message.id, stream)
    this.#post(text, message, stream, 0)
  }

  abandon(id: RequestId): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    this.#streams.delete(id)
    end(stream)
  }

  negotiated(revision: Revision): void {
    this.#revision = revision
  }

  listen(): void {
    if (this.#revision?.era !== 'stateful' || this.#common !== undefined) return
    this.#common = newStream(undefined)
    this.#get(this.#common)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    if (this.#sessionId !== undefined) await this.#endSession()
    this.#over('closed', 'The connection was closed')
  }

  #over(kind: 'closed' | 'session-ended', message: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#common !== undefined) end(this.#common)
    for (const stream of this.#streams.values()) end(stream)
    this.#streams.clear()
    this.#connections.close()
    this.#listener.closeWith({ kind, message })
  }

  /** A server may refuse to end sessions, and may be gone: it is over either way. */
  #endSession(): Promise<void> {
    return this.#authorized('DELETE', (credentials) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const done = (): void => resolve()
      const request = this.#connections.request(
        'DELETE',
        this.#url,
        { ...this.#headers(), ...credentials },
        undefined,
        (response) => {
          response.resume()
          done()
        },
        done,
      )
      request.setTimeout(2000, () => request.destroy())
      return promise
    }).catch(() => {})
  }

  #headers(): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {}
    if (this.#sessionId !== undefined) headers[header.sessionId] = this.#sessionId
    if (this.#revision !== undefined) headers[header.protocolVersion] = this.#revision.name
    return headers
  }

  #post(text: string, message: Outgoing, stream: Stream, refusals: number): void {
    const fail = (error: unknown): void => this.#fail(stream, error)
    const post = (credentials: Record<string, string>): void => {
      if (this.#isClosed || (stream.id !== undefined && !this.#streams.has(stream.id))) return
      stream.request = this.#connections.request(
        'POST',
        this.#url,
        {
          ...this.#headers(),
          ...this.#standardHeaders(message),
          ...credentials,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': Buffer.byteLength(text),
        },
        text,
        (response) => {
          this.#answered(response, text, message, stream, refusals).catch(fail)
        },
        fail,
        message.method === 'subscriptions/listen',
      )
    }
    const { auth } = this.#target
    if (auth === undefined) post({})
    else this.#authorized('POST', (credentials) => post(credentials)).catch(fail)
  }

  async #authorized<T>(
    method: string,
    send: (credentials: Record<string, string>) => T | Promise<T>,
  ): Promise<T> {
    return send((await this.#target.auth?.headers(method, this.#url)) ?? {})
  }

  /** Headers that repeat what the body says (2026-07-28, transports/streamable-http#standard-headers). */
  #standardHeaders({ method, params }: Outgoing): OutgoingHttpHeaders {
    if (method === undefined) return {}
    const meta = params?._meta as JsonObject | undefined
    const version = meta?.['io.modelcontextprotocol/protocolVersion']
    // The first request of all says its revision by itself.
    const isStandard = this.#revision?.http.standardHeaders ?? version !== undefined
    if (!isStandard) return {}
    const headers: OutgoingHttpHeaders = { [header.method]: method }
    if (typeof version === 'string') headers[header.protocolVersion] = version
    const name = headerName(method, params)
    if (name !== undefined) headers[header.name] = name
    if (method !== 'tools/call' || params === undefined) return headers
    return { ...headers, ...this.parameterHeaders?.(params) }
  }

  async #answered(
    response: IncomingMessage,
    text: string,
    message: Outgoing,
    stream: Stream,
    refusals: number,
  ): Promise<void> {
    const { statusCode: status = 0, headers } = response
    if ((status === 401 || status === 403) && this.#target.auth !== undefined) {
      const isWorth = refusals < maxRefusals && (await this.#refused(response, refusals + 1))
      if (isWorth) {
        response.resume()
        this.#post(text, message, stream, refusals + 1)
        return
      }
    }
    if ((status === 307 || status === 308) && this.#follow(headers.location)) {
      response.resume()
      this.#post(text, message, stream, refusals)
      return
    }
    if (status >= 300) {
      throw await this.#statusError(response, message, stream)
    }
    if (message.method === 'initialize' && this.#revision === undefined) {
      const sessionId = headers[header.sessionId]
      if (typeof sessionId === 'string') this.#sessionId = sessionId
    }
    if (stream.id === undefined) {
      response.resume()
      return
    }
    const type = headers['content-type'] ?? ''
    if (type.startsWith('text/event-stream')) {
      this.#read(response, stream)
      return
    }
    if (!type.startsWith('application/json')) {
      response.resume()
      throw new McpError(
        'INVALID_RESPONSE',
        `The server answered with HTTP ${status} and ${type || 'no type'}`,
      )
    }
    this.#listener.message(this.#parsed(await this.#connections.body(response)), stream.id)
    this.#settled(stream)
  }

  #parsed(body: string): unknown {
    try {
      return parseJson(body, this.#bounds)
    } catch (cause) {
      throw new McpError('INVALID_RESPONSE', undefined, { cause })
    }
  }

  /** A server may have another path for its endpoint (many say `/mcp/`), but our credentials go to no other origin. */
  #follow(location: string | undefined): boolean {
    if (location === undefined || !URL.canParse(location, this.#url.href)) return false
    const url = new URL(location, this.#url)
    this.#redirects += 1
    if (url.origin !== this.#url.origin || this.#redirects > maxRedirects) return false
    this.#url = url
    return true
  }

  #refused(response: IncomingMessage, attempt: number): Promise<boolean> {
    const { auth } = this.#target
    if (auth === undefined) return Promise.resolve(false)
    return auth.refused({
      url: this.#url,
      status: response.statusCode ?? 0,
      attempt,
      getHeader: (name) => {
        const value = response.headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      },
    })
  }

  async #statusError(
    response: IncomingMessage,
    message: Outgoing,
    stream: Stream,
  ): Promise<McpError> {
    const status = response.statusCode ?? 0
    const body = await this.#connections.body(response).catch(() => '')
    if (status === 404 && this.#sessionId !== undefined && message.method !== 'initialize') {
      const error = new McpError('SESSION_NOT_FOUND')
      // Before all others, which may have been served: this one has not.
      this.#fail(stream, error)
      this.#over('session-ended', 'The server no longer knows the session')
      return error
    }
    return statusError(status, body)
  }

  #read(response: IncomingMessage, stream: Stream): void {
    const opened = stream.request
    this.#connections.events(
      response,
      (event) => this.#event(event, stream),
      (retryMs) => {
        stream.retryMs = Math.min(retryMs, maxRestMs)
      },
      (error) => {
        if (stream.request !== opened || this.#isClosed) return
        this.#streamEnded(stream, error)
      },
    )
  }

  #event({ event, id, data }: ServerEvent, stream: Stream): void {
    stream.failures = 0
    if (id !== undefined) stream.lastEventId = id
    if (data === '' || (event !== undefined && event !== 'message')) return
    let value: unknown
    try {
      value = parseJson(data, this.#bounds)
    } catch {
      // No message: the stream may still bring what is waited for.
      return
    }
    this.#listener.message(value, stream.id)
    if (isJsonObject(value) && value.id === stream.id && value.method === undefined) {
      this.#settled(stream)
    }
  }

  #settled(stream: Stream): void {
    if (stream.id === undefined) return
    this.#streams.delete(stream.id)
    clearTimeout(stream.timer)
    this.#listener.settled(stream.id)
  }

  /** A stream may end before what is waited for has come: it is then gone on with where it ended. */
  #streamEnded(stream: Stream, error: McpError | undefined): void {
    const isCommon = stream === this.#common
    if (!isCommon && (stream.id === undefined || !this.#streams.has(stream.id))) return
    const canResume = isCommon || stream.lastEventId !== undefined
    stream.failures += 1
    if (
      !canResume ||
      this.#revision?.era === 'stateless' ||
      (!isCommon && stream.failures > maxResumptions)
    ) {
      this.#fail(
        stream,
        error ?? new McpError('CONNECTION_LOST', 'The stream ended before the answer'),
      )
      return
    }
    const backoffMs = Math.min(firstRestMs * 2 ** (stream.failures - 1), maxRestMs)
    stream.timer = setTimeout(() => this.#get(stream), stream.retryMs ?? backoffMs)
    if (isCommon) stream.timer.unref()
  }

  /** Opens the stream of what belongs to no request, or goes on with one. */
  #get(stream: Stream, refusals = 0): void {
    const lost = (error: McpError): void => {
      if (!this.#isClosed) this.#streamEnded(stream, error)
    }
    const open = (credentials: Record<string, string>): void => {
      if (this.#isClosed) return
      const headers: OutgoingHttpHeaders = {
        ...this.#headers(),
        ...credentials,
        accept: 'text/event-stream',
      }
      if (stream.lastEventId !== undefined) headers[header.lastEventId] = stream.lastEventId
      stream.request = this.#connections.request(
        'GET',
        this.#url,
        headers,
        undefined,
        (response) => {
          this.#opened(response, stream, refusals).catch((cause: unknown) =>
            lost(new McpError('CONNECTION_LOST', undefined, { cause })),
          )
        },
        lost,
        true,
      )
      // Whether the server has anything to say must not keep a process alive that has nothing else to do.
      if (stream === this.#common) stream.request.once('socket', (socket) => socket.unref())
    }
    this.#authorized('GET', open).catch((cause: unknown) =>
      lost(new McpError('CONNECTION_FAILED', undefined, { cause })),
    )
  }

  async #opened(response: IncomingMessage, stream: Stream, refusals: number): Promise<void> {
    const { statusCode: status = 0, headers } = response
    if (status === 200 && headers['content-type']?.startsWith('text/event-stream')) {
      this.#read(response, stream)
      return
    }
    response.resume()
    if ((status === 401 || status === 403) && refusals < maxRefusals) {
      if (await this.#refused(response, refusals + 1)) {
        this.#get(stream, refusals + 1)
        return
      }
    }
    if (status === 404 && this.#sessionId !== undefined) {
      this.#over('session-ended', 'The server no longer knows the session')
    } else if (status >= 500) {
      this.#streamEnded(stream, new McpError('CONNECTION_LOST', `HTTP ${status}`))
    } else if (stream.id !== undefined) {
      this.#fail(
        stream,
        new McpError('CONNECTION_LOST', `The stream cannot be resumed: HTTP ${status}`),
      )
    }
    // A server without such a stream says 405, and has nothing to say by itself.
  }

  #fail(stream: Stream, error: unknown): void {
    if (stream.id === undefined || !this.#streams.delete(stream.id)) return
    const known =
      error instanceof McpError
        ? error
        : new McpError('CONNECTION_FAILED', error instanceof Error ? error.message : undefined, {
            cause: error,
          })
    this.#listener.failed(stream.id, known)
  }
}

function newStream(id: RequestId | undefined): Stream {
  return {
    id,
    request: undefined,
    timer: undefined,
    lastEventId: undefined,
    retryMs: undefined,
    failures: 0,
  }
}

function end(stream: Stream): void {
  clearTimeout(stream.timer)
  stream.request?.destroy()
}
