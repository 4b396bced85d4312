/** How one error looks on the wire. */
interface ErrorEntry {
  /** JSON-RPC code, where a revision has no other (see `Revision.errorCodes`). */
  readonly rpcCode: number
  /** HTTP status of an answer that is nothing but this error. */
  readonly httpStatus: number
  /** What is said when the thrower says nothing more exact. */
  readonly message: string
}

/**
 * Every error that tsmcp sends, by its stable name.
 *
 * Errors of a request that was understood travel with HTTP status 200, as JSON-RPC errors do; a status of its own
 * belongs to what the transport part of the specification names.
 */
export const errorTable = {
  PARSE_ERROR: { rpcCode: -32700, httpStatus: 400, message: 'Parse error' },
  INVALID_REQUEST: { rpcCode: -32600, httpStatus: 400, message: 'Invalid request' },
  METHOD_NOT_FOUND: { rpcCode: -32601, httpStatus: 200, message: 'Method not found' },
  INVALID_PARAMS: { rpcCode: -32602, httpStatus: 200, message: 'Invalid params' },
  INVALID_META: { rpcCode: -32602, httpStatus: 400, message: 'Invalid request metadata' },
  INTERNAL_ERROR: { rpcCode: -32603, httpStatus: 200, message: 'Internal error' },
  RESOURCE_NOT_FOUND: { rpcCode: -32602, httpStatus: 200, message: 'Resource not found' },
  HEADER_MISMATCH: { rpcCode: -32020, httpStatus: 400, message: 'Header mismatch' },
  MISSING_CLIENT_CAPABILITY: {
    rpcCode: -32021,
    httpStatus: 400,
    message: 'The client lacks a capability that this request needs',
  },
  UNSUPPORTED_VERSION: {
    rpcCode: -32022,
    httpStatus: 400,
    message: 'Unsupported protocol version',
  },
  URL_ELICITATION_REQUIRED: {
    rpcCode: -32042,
    httpStatus: 200,
    message: 'URL elicitation required',
  },
  HANDLER_TIMEOUT: {
    rpcCode: -32603,
    httpStatus: 200,
    message: 'The handler did not answer in time',
  },
  CLIENT_TIMEOUT: {
    rpcCode: -32603,
    httpStatus: 200,
    message: 'The client did not answer in time',
  },
  REQUEST_CANCELLED: { rpcCode: -32603, httpStatus: 200, message: 'The request was cancelled' },
  TOO_MANY_IN_FLIGHT: { rpcCode: -32603, httpStatus: 200, message: 'Too many requests in flight' },
  TOO_MANY_TASKS: { rpcCode: -32603, httpStatus: 200, message: 'Too many tasks' },
  SHUTTING_DOWN: { rpcCode: -32603, httpStatus: 503, message: 'The server is shutting down' },
  OVERLOADED: {
    rpcCode: -32603,
    httpStatus: 503,
    message: 'The server has too much to do: try again later',
  },
  TOO_MANY_CONNECTIONS: { rpcCode: -32603, httpStatus: 503, message: 'Too many connections' },
  SESSION_REQUIRED: { rpcCode: -32600, httpStatus: 400, message: 'Mcp-Session-Id header required' },
  SESSION_NOT_FOUND: { rpcCode: -32600, httpStatus: 404, message: 'Session not found' },
  STORAGE_UNAVAILABLE: {
    rpcCode: -32603,
    httpStatus: 503,
    message: 'The server cannot keep anything new at the moment',
  },
  SESSION_ELSEWHERE: {
    rpcCode: -32603,
    httpStatus: 503,
    message: 'The process that has the session does not answer',
  },
  SESSION_LIMIT: { rpcCode: -32603, httpStatus: 503, message: 'Too many sessions' },
  RATE_LIMITED: { rpcCode: -32603, httpStatus: 429, message: 'Too many requests' },
  QUOTA_EXCEEDED: { rpcCode: -32603, httpStatus: 429, message: 'Quota exceeded' },
  AUDIT_UNAVAILABLE: {
    rpcCode: -32603,
    httpStatus: 503,
    message: 'The audit log cannot be written',
  },
  UNAUTHORIZED: { rpcCode: -32600, httpStatus: 401, message: 'Authentication required' },
  INSUFFICIENT_SCOPE: { rpcCode: -32600, httpStatus: 403, message: 'Insufficient scope' },
  AUTHORIZATION_UNAVAILABLE: {
    rpcCode: -32603,
    httpStatus: 503,
    message: 'Credentials cannot be checked at the moment',
  },
  FORBIDDEN: { rpcCode: -32600, httpStatus: 403, message: 'Forbidden' },
  NOT_FOUND: { rpcCode: -32600, httpStatus: 404, message: 'Not found' },
  METHOD_NOT_ALLOWED: { rpcCode: -32600, httpStatus: 405, message: 'HTTP method not allowed' },
  NOT_ACCEPTABLE: { rpcCode: -32600, httpStatus: 406, message: 'Not acceptable' },
  PAYLOAD_TOO_LARGE: { rpcCode: -32600, httpStatus: 413, message: 'Request body too large' },
  UNSUPPORTED_MEDIA_TYPE: { rpcCode: -32600, httpStatus: 415, message: 'Unsupported media type' },
  CONNECTION_FAILED: {
    rpcCode: -32603,
    httpStatus: 200,
    message: 'The server cannot be reached: it has not seen the request',
  },
  CONNECTION_LOST: {
    rpcCode: -32603,
    httpStatus: 200,
    message: 'The connection to the server was lost before it answered',
  },
  SERVER_TIMEOUT: {
    rpcCode: -32603,
    httpStatus: 200,
    message: 'The server did not answer in time',
  },
  INVALID_RESPONSE: {
    rpcCode: -32603,
    httpStatus: 200,
    message: 'The server answered with something else than a result',
  },
  APPLICATION_ERROR: { rpcCode: -31000, httpStatus: 200, message: 'Application error' },
} as const satisfies Record<string, ErrorEntry>

/** The stable name of an error; `McpError.code` holds one. */
export type ErrorCode = keyof typeof errorTable

/** What an HTTP client is told, beside the error, of how to be let in (RFC 6750, 3; RFC 9449, 7.1). */
export interface Challenge {
  /** `invalid_token`, `insufficient_scope`, `invalid_request`, `use_dpop_nonce`… */
  readonly error?: string
  readonly description?: string
  /** All scopes that the operation needs. */
  readonly scopes?: readonly string[]
}

/**
 * A protocol error: what a handler throws to answer a request with a JSON-RPC error instead of a result.
 *
 * @example
 * throw new McpError('INVALID_PARAMS', 'Unknown city: Atlantis')
 */
export class McpError extends Error {
  override readonly name = 'McpError'
  /** Stable name of the error, for programs to switch on. */
  readonly code: ErrorCode
  /** Further information for the peer, any JSON value. */
  readonly data: unknown
  /** For the `WWW-Authenticate` header of an HTTP response that refuses for want of credentials or scopes. */
  readonly challenge: Challenge | undefined
  /** Further headers of an HTTP response that is nothing but this error: names and values in turn. */
  readonly headers: readonly string[] | undefined
  #rpcCode: number | undefined

  /**
   * @param code - name of the error
   * @param message - one sentence for the peer; default: the table's
   * @param options - `data` for the peer, `cause` for the log only, for `APPLICATION_ERROR` its number, `headers` for
   *   an HTTP response that is nothing but this error, and for refusals what goes into its `WWW-Authenticate`
   * @throws RangeError for an `rpcCode` inside JSON-RPC's reserved range (-32768 to -32000)
   */
  constructor(
    code: ErrorCode,
    message: string = errorTable[code].message,
    options: {
      data?: unknown
      cause?: unknown
      rpcCode?: number
      headers?: readonly string[]
      challenge?: Challenge
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const { rpcCode } = options
    if (rpcCode !== undefined && (!Number.isInteger(rpcCode) || isReserved(rpcCode))) {
      throw new RangeError(`rpcCode must be an integer outside -32768 to -32000, got ${rpcCode}`)
    }
    this.code = code
    this.data = options.data
    this.challenge = options.challenge
    this.headers = options.headers
    this.#rpcCode = rpcCode
  }

  /**
   * The error that a peer has answered with. It has the name of the table where the number has only one meaning, so
   * that it can be passed on in the numbers of another revision; else it keeps its number.
   */
  static received({ code, message, data }: { code: number; message: string; data?: unknown }) {
    const name = receivedNames.get(code)
    const error = new McpError(name ?? 'APPLICATION_ERROR', message, { data })
    if (name === undefined) error.#rpcCode = code
    return error
  }

  /** The JSON-RPC number, after the overrides of a revision. */
  rpcCode(overrides?: Partial<Record<ErrorCode, number>>): number {
    return this.#rpcCode ?? overrides?.[this.code] ?? errorTable[this.code].rpcCode
  }

  /** HTTP status of an answer that is nothing but this error, after the overrides of a revision. */
  httpStatus(overrides?: Partial<Record<ErrorCode, number>>): number {
    return overrides?.[this.code] ?? errorTable[this.code].httpStatus
  }
}

/** What the numbers mean that peers answer with: those of the specification, in the words of any revision. */
const receivedNames: ReadonlyMap<number, ErrorCode> = new Map([
  [-32700, 'PARSE_ERROR'],
  [-32600, 'INVALID_REQUEST'],
  [-32601, 'METHOD_NOT_FOUND'],
  [-32602, 'INVALID_PARAMS'],
  [-32603, 'INTERNAL_ERROR'],
  [-32002, 'RESOURCE_NOT_FOUND'],
  [-32020, 'HEADER_MISMATCH'],
  [-32021, 'MISSING_CLIENT_CAPABILITY'],
  [-32022, 'UNSUPPORTED_VERSION'],
  [-32042, 'URL_ELICITATION_REQUIRED'],
])

function isReserved(rpcCode: number): boolean {
  return rpcCode >= -32768 && rpcCode <= -32000
}

/** A word of the peer's, for use in a message to it: on one line and not too long. */
export function quoted(word: string): string {
  const line = word.replace(/\p{Cc}+/gu, ' ')
  return line.length > 100 ? `${line.slice(0, 100)}…` : line
}

/** The error of a request whose params are wrong, with what is wrong about them. */
export function invalidParams(what: string): McpError {
  return new McpError('INVALID_PARAMS', `Invalid params: ${what}`)
}

/** The error of a caller who is known and may not do this yet: it names all scopes that the operation needs. */
export function insufficientScope(scopes: readonly string[]): McpError {
  return new McpError('INSUFFICIENT_SCOPE', `Insufficient scope: needs ${scopes.join(' ')}`, {
    data: { requiredScopes: scopes },
    challenge: { error: 'insufficient_scope', scopes },
  })
}
