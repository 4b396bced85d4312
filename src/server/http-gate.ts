import { isUtf8 } from 'node:buffer'
import { McpError } from '../protocol/errors.ts'
import { encodeError } from '../protocol/json-rpc.ts'
import { defaultJsonBounds, idInText, type JsonBounds, parseJson } from '../protocol/json-text.ts'
import type { AuthInfo, RequestId } from '../protocol/types.ts'
import { type Cors, createCors } from '../transports/http/cors.ts'
import type { HttpExchange, HttpHeaders } from '../transports/http/exchange.ts'
import { createOriginGuard, type OriginGuardOptions } from '../transports/http/origin-guard.ts'
import {
  type Authenticate,
  type Authenticator,
  type AuthRequest,
  refusalHeaders,
  toAuthenticator,
} from './authenticator.ts'
import { isPromise } from './maybe-promise.ts'
import type { Observer } from './observer.ts'
import type { RequestGuard } from './request-guard.ts'

export interface HttpGateOptions extends OriginGuardOptions {
  /** Default 4 MiB. */
  maxBodyBytes?: number
  /** How large the parts of a message may be. */
  json?: Partial<JsonBounds>
  /** Checks each request's credentials. Default: everybody may call. */
  authenticate?: Authenticate | Authenticator
  /** Told of what is refused at the door. */
  guard?: RequestGuard
  /** Told of what is refused at the door, and of who is let in. */
  observer?: Observer
}

const jsonHeaders: HttpHeaders = ['content-type', 'application/json']
const jsonType = /^application\/json\s*(?:;|$)/i

/** Further headers that a response must have, by its status. */
const statusHeaders: Readonly<Record<number, HttpHeaders>> = {
  405: ['allow', 'POST, GET, DELETE'],
  503: ['retry-after', '5'],
}

/**
 * The headers of a response that is JSON.
 *
 * @param own - what the error itself brings; takes the place of what its status has
 */
export function headersFor(status: number, own?: HttpHeaders): HttpHeaders {
  const further = own ?? statusHeaders[status]
  return further === undefined ? jsonHeaders : [...jsonHeaders, ...further]
}

/** It was JSON, so it may have had an id. */
function isInvalid(error: unknown): boolean {
  return error instanceof McpError && error.code === 'INVALID_REQUEST'
}

/** A whole response, for a socket that no HTTP server looks after. */
export function rawResponse(status: number, json: string, own?: HttpHeaders): string {
  const headers = [...headersFor(status, own), 'content-length', String(Buffer.byteLength(json))]
  let head = `HTTP/1.1 ${status} Refused\r\nconnection: close\r\n`
  for (let index = 0; index + 1 < headers.length; index += 2) {
    head += `${headers[index]}: ${headers[index + 1]}\r\n`
  }
  return `${head}\r\n${json}`
}

/** What every HTTP request passes before it means anything: where it comes from, who sends it, how large it is. */
export class HttpGate {
  readonly #originGuard: ReturnType<typeof createOriginGuard>
  readonly maxBodyBytes: number
  readonly #authenticator: Authenticator | undefined
  readonly #guard: RequestGuard | undefined
  readonly #observer: Observer | undefined
  readonly #onError: (error: unknown) => void
  readonly #cors: Cors | undefined
  readonly #jsonBounds: JsonBounds

  /** @param onError - told of failures that the client sees only as status 500 */
  constructor(options: HttpGateOptions, onError: (error: unknown) => void) {
    this.#originGuard = createOriginGuard(options)
    this.maxBodyBytes = options.maxBodyBytes ?? 4 * 1024 * 1024
    this.#authenticator = options.authenticate && toAuthenticator(options.authenticate)
    this.#guard = options.guard
    this.#observer = options.observer
    this.#cors = createCors(options.allowedOrigins ?? [])
    this.#jsonBounds = { ...defaultJsonBounds, ...options.json }
    this.#onError = onError
  }

  /**
   * Says to browsers that the page of an allowed origin may read the response, and answers their question whether it
   * may call.
   *
   * @returns whether the exchange is answered
   */
  answerCors(exchange: HttpExchange): boolean {
    const cors = this.#cors
    const origin = cors === undefined ? undefined : exchange.getHeader('origin')
    if (cors === undefined || origin === undefined) return false
    const isPreflight =
      exchange.method === 'OPTIONS' &&
      exchange.getHeader('access-control-request-method') !== undefined
    if (!isPreflight) {
      const headers = cors.headersFor(origin)
      if (headers !== undefined) exchange.addHeaders(headers)
      return false
    }
    const wanted = exchange.getHeader('access-control-request-headers')
    const headers = cors.preflightFor(origin, wanted)
    if (headers === undefined || this.#originGuard(exchange.getHeader('host'), origin)) {
      this.refuse(exchange, new McpError('FORBIDDEN', 'Origin not allowed'))
    } else exchange.respond(204, headers)
    return true
  }

  /**
   * Lets a request in, now or later, or refuses it.
   *
   * @param enter - what it throws is answered as a refusal
   * @param refuse - default: an HTTP response
   */
  admit(
    request: AuthRequest,
    enter: (authInfo: AuthInfo | undefined) => void,
    refuse: (error: unknown) => void,
  ): void {
    const proceed = (authInfo: AuthInfo | undefined): void => {
      try {
        enter(authInfo)
      } catch (error) {
        refuse(error)
      }
    }
    try {
      this.#guard?.arrived?.(request.remoteAddress)
    } catch (error) {
      refuse(error)
      return
    }
    const problem = this.#originGuard(request.getHeader('host'), request.getHeader('origin'))
    if (problem !== undefined) refuse(new McpError('FORBIDDEN', problem))
    else if (this.#authenticator === undefined) proceed(undefined)
    else this.#identify(this.#authenticator, request, proceed, refuse)
  }

  #identify(
    authenticator: Authenticator,
    request: AuthRequest,
    proceed: (authInfo: AuthInfo) => void,
    refuse: (error: unknown) => void,
  ): void {
    const fail = (thrown: unknown): void => {
      this.#observer?.identified(
        thrown instanceof McpError ? thrown : new McpError('INTERNAL_ERROR'),
      )
      refuse(thrown)
    }
    const decide = (authInfo: AuthInfo | undefined): void => {
      if (authInfo === undefined) {
        fail(new McpError('UNAUTHORIZED'))
        return
      }
      this.#observer?.identified(undefined)
      proceed(authInfo)
    }
    let found: ReturnType<Authenticator['authenticate']>
    try {
      found = authenticator.authenticate(request)
    } catch (error) {
      fail(error)
      return
    }
    if (isPromise(found)) (found as Promise<AuthInfo | undefined>).then(decide, fail)
    else decide(found as AuthInfo | undefined)
  }

  /**
   * Reads a body that must be JSON.
   *
   * @param use - what it throws is answered as a refusal
   * @throws McpError UNSUPPORTED_MEDIA_TYPE
   */
  readJson(exchange: HttpExchange, use: (value: unknown) => void): void {
    const contentType = exchange.getHeader('content-type')
    if (contentType !== 'application/json' && !jsonType.test(contentType ?? '')) {
      throw new McpError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json')
    }
    const encoding = exchange.getHeader('content-encoding')
    if (encoding !== undefined && encoding !== 'identity') {
      // What is small on the way may be without bound when it is unpacked.
      throw new McpError('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding is not supported')
    }
    exchange.readBody(this.maxBodyBytes, (body) => {
      let text = ''
      try {
        text = this.#decode(body)
        use(parseJson(text, this.#jsonBounds))
      } catch (error) {
        this.refuse(exchange, error, isInvalid(error) ? idInText(text) : undefined)
      }
    })
  }

  /** What is said of a body that is longer than allowed. */
  tooLarge(): McpError {
    return new McpError(
      'PAYLOAD_TOO_LARGE',
      `Request body too large: at most ${this.maxBodyBytes} bytes`,
    )
  }

  #decode(body: Uint8Array | undefined): string {
    if (body === undefined) throw this.tooLarge()
    if (!isUtf8(body)) {
      throw new McpError('PARSE_ERROR', 'Parse error: the message is not valid UTF-8')
    }
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  }

  /** Answers with an error before any method has run. */
  refuse(exchange: HttpExchange, thrown: unknown, id?: RequestId): void {
    const { status, error } = this.explain(thrown, exchange.remoteAddress)
    exchange.respond(status, this.headersFor(status, error), encodeError(id, error))
  }

  /** The headers of a refusal, which tell the client how to be let in. */
  headersFor(status: number, error: McpError): HttpHeaders {
    return headersFor(status, refusalHeaders(this.#authenticator, status, error))
  }

  /** A document for everybody, or undefined when there is none at that path. */
  document(path: string): string | undefined {
    return this.#authenticator?.documents?.get(path)
  }

  /** What the client is told of a failure; one that is not the client's goes to the operator. */
  explain(thrown: unknown, remoteAddress: string | undefined): { status: number; error: McpError } {
    if (thrown instanceof McpError) {
      this.#guard?.refused?.({ remoteAddress, authInfo: undefined }, thrown)
      this.#observer?.refused({ remoteAddress, authInfo: undefined }, thrown)
      return { status: thrown.httpStatus(), error: thrown }
    }
    this.#onError(thrown)
    return { status: 500, error: new McpError('INTERNAL_ERROR') }
  }
}
