import { isUtf8 } from 'node:buffer'
import { McpError } from '../protocol/errors.ts'
import { encodeError, parseJson } from '../protocol/json-rpc.ts'
import type { AuthInfo, RequestId } from '../protocol/types.ts'
import type { HttpExchange, HttpHeaders } from '../transports/http/exchange.ts'
import { createOriginGuard, type OriginGuardOptions } from '../transports/http/origin-guard.ts'
import {
  type Authenticate,
  type Authenticator,
  type AuthRequest,
  toAuthenticator,
} from './authenticator.ts'
import { isPromise } from './maybe-promise.ts'

export interface HttpGateOptions extends OriginGuardOptions {
  /** Default 4 MiB. */
  maxBodyBytes?: number
  /** Checks each request's credentials. Default: everybody may call. */
  authenticate?: Authenticate | Authenticator
}

const jsonHeaders: HttpHeaders = ['content-type', 'application/json']
const jsonType = /^application\/json\s*(?:;|$)/i

/** Further headers that a response must have, by its status. */
const statusHeaders: Readonly<Record<number, HttpHeaders>> = {
  405: ['allow', 'POST, GET, DELETE'],
  503: ['retry-after', '5'],
}

/** The headers of a response that is JSON. */
export function headersFor(status: number): HttpHeaders {
  const further = statusHeaders[status]
  return further === undefined ? jsonHeaders : [...jsonHeaders, ...further]
}

/** What every HTTP request passes before it means anything: where it comes from, who sends it, how large it is. */
export class HttpGate {
  readonly #guard: ReturnType<typeof createOriginGuard>
  readonly #maxBodyBytes: number
  readonly #authenticator: Authenticator | undefined
  readonly #onError: (error: unknown) => void

  /** @param onError - told of failures that the client sees only as status 500 */
  constructor(options: HttpGateOptions, onError: (error: unknown) => void) {
    this.#guard = createOriginGuard(options)
    this.#maxBodyBytes = options.maxBodyBytes ?? 4 * 1024 * 1024
    this.#authenticator = options.authenticate && toAuthenticator(options.authenticate)
    this.#onError = onError
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
    const problem = this.#guard(request.getHeader('host'), request.getHeader('origin'))
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
    const decide = (authInfo: AuthInfo | undefined): void => {
      if (authInfo === undefined) refuse(new McpError('UNAUTHORIZED'))
      else proceed(authInfo)
    }
    try {
      const found = authenticator.authenticate(request)
      if (isPromise(found)) (found as Promise<AuthInfo | undefined>).then(decide, refuse)
      else decide(found as AuthInfo | undefined)
    } catch (error) {
      refuse(error)
    }
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
    exchange.readBody(this.#maxBodyBytes, (body) => {
      try {
        use(this.#parse(body))
      } catch (error) {
        this.refuse(exchange, error)
      }
    })
  }

  #parse(body: Uint8Array | undefined): unknown {
    if (body === undefined) {
      throw new McpError(
        'PAYLOAD_TOO_LARGE',
        `Request body too large: at most ${this.#maxBodyBytes} bytes`,
      )
    }
    if (!isUtf8(body)) {
      throw new McpError('PARSE_ERROR', 'Parse error: the message is not valid UTF-8')
    }
    return parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  }

  /** Answers with an error before any method has run. */
  refuse(exchange: HttpExchange, thrown: unknown, id?: RequestId): void {
    const { status, error } = this.explain(thrown)
    exchange.respond(status, this.headersFor(status, error), encodeError(id, error))
  }

  /** The headers of a JSON response; those of a refusal tell the client how to be let in (RFC 9110, 11.6.1). */
  headersFor(status: number, error?: McpError): HttpHeaders {
    const headers = headersFor(status)
    if (error === undefined || (status !== 401 && error.challenge === undefined)) return headers
    return [
      ...headers,
      ...(this.#authenticator?.challenge?.(error) ?? ['www-authenticate', 'Bearer']),
    ]
  }

  /** A document for everybody, or undefined when there is none at that path. */
  document(path: string): string | undefined {
    return this.#authenticator?.documents?.get(path)
  }

  /** What the client is told of a failure; one that is not the client's goes to the operator. */
  explain(thrown: unknown): { status: number; error: McpError } {
    if (thrown instanceof McpError) return { status: thrown.httpStatus(), error: thrown }
    this.#onError(thrown)
    return { status: 500, error: new McpError('INTERNAL_ERROR') }
  }
}
