import { type ErrorCode, McpError } from '../../protocol/errors.ts'
import type { Secrets } from '../secrets.ts'

/** Errors between us and the upstream, which would mean something else to a client. */
const ownErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECTION_FAILED',
  'CONNECTION_LOST',
  'SERVER_TIMEOUT',
  'INVALID_RESPONSE',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'INSUFFICIENT_SCOPE',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'UNSUPPORTED_VERSION',
  'HEADER_MISMATCH',
  'INVALID_META',
  'SESSION_NOT_FOUND',
  'SESSION_REQUIRED',
  'RATE_LIMITED',
  'SHUTTING_DOWN',
  'PARSE_ERROR',
])

/**
 * An error of an upstream as its client may see it: without secrets, and not as if it were the client's own credentials
 * or request that are refused.
 *
 * @param reason - what has happened, where that is known better than the error says
 */
export function toldError(
  error: unknown,
  upstream: { readonly name: string; readonly secrets: Secrets },
  reason?: string,
): unknown {
  if (!(error instanceof McpError)) return error
  const { code, data } = error
  const { name, secrets } = upstream
  const message = secrets.text(reason ?? error.message)
  if (ownErrors.has(code)) {
    return new McpError('INTERNAL_ERROR', `Upstream ${name}: ${message}`, { cause: error })
  }
  const cleanData = secrets.value(data)
  if (message === error.message && cleanData === data) return error
  return new McpError('INTERNAL_ERROR', message, { data: cleanData, cause: error })
}
