import type { McpError } from '../protocol/errors.ts'
import type { AuthInfo, ClientCertificate } from '../protocol/types.ts'
import type { HttpHeaders } from '../transports/http/exchange.ts'
import type { SharedState } from './shared-state.ts'

/** What an authentication hook sees of a request, or of a connection that carries many. */
export interface AuthRequest {
  /** The HTTP method; `CONNECT` for a connection without HTTP. */
  readonly method: string
  /** The path and query that the client asked for; empty without HTTP. */
  readonly target: string
  readonly remoteAddress: string | undefined
  /** The certificate that the client has shown; undefined without TLS or without one. */
  readonly certificate: ClientCertificate | undefined
  /** A header by its name in lower case. */
  getHeader(name: string): string | undefined
}

/** Says who is calling; undefined or a thrown McpError refuses the request. */
export type Authenticate = (
  request: AuthRequest,
) => AuthInfo | undefined | Promise<AuthInfo | undefined>

/** A way to find out who is calling, with what belongs to it over HTTP. `tsmcp/security` makes some. */
export interface Authenticator {
  /**
   * Says who is calling, at once where that is known already.
   *
   * @returns undefined when the request has no credentials of the kind that is looked for
   * @throws McpError UNAUTHORIZED for those that are no good
   */
  readonly authenticate: Authenticate
  /** The headers that tell a client that was refused how to be let in. */
  challenge?(refusal: McpError): HttpHeaders
  /** Whether what was found out still holds, asked once a second of connections and streams that stay open. */
  isCurrent?(authInfo: AuthInfo, nowMs: number): boolean
  /** Called by a listener that keeps data: to work from here on with what all processes know that serve them. */
  share?(shared: SharedState): void
  /** Documents for everybody, by their path: JSON that says how to be let in. */
  readonly documents?: ReadonlyMap<string, string>
}

/** A bare function stands for an authenticator that says no more than `Bearer`. */
export function toAuthenticator(hook: Authenticate | Authenticator): Authenticator {
  return typeof hook === 'function' ? { authenticate: hook } : hook
}

/**
 * The further headers of a refusal, if it has any: those of the error, and how to be let in where it is that which is
 * lacking (RFC 9110, 11.6.1).
 */
export function refusalHeaders(
  authenticator: Authenticator | undefined,
  status: number,
  error: McpError,
): HttpHeaders | undefined {
  if (status !== 401 && error.challenge === undefined) return error.headers
  const challenge = authenticator?.challenge?.(error) ?? ['www-authenticate', 'Bearer']
  return error.headers === undefined ? challenge : [...error.headers, ...challenge]
}

/** Whether credentials that let a connection or stream in would still do so. */
export function isCurrent(
  authenticator: Authenticator | undefined,
  authInfo: AuthInfo | undefined,
  nowMs: number,
): boolean {
  if (authInfo === undefined) return true
  const { expiresAt = Number.POSITIVE_INFINITY } = authInfo
  return nowMs < expiresAt * 1000 && (authenticator?.isCurrent?.(authInfo, nowMs) ?? true)
}
