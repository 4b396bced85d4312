import { McpError } from '../../protocol/errors.ts'

/** The token is no good (RFC 6750, 3.1): 401. What is said of it must not help to make a better one. */
export function invalidToken(description: string, options: { cause?: unknown } = {}): McpError {
  return new McpError('UNAUTHORIZED', description, {
    ...options,
    challenge: { error: 'invalid_token', description },
  })
}

/** The request carries credentials in a way that is not allowed (RFC 6750, 3.1): 400. */
export function invalidCredentials(description: string): McpError {
  return new McpError('INVALID_REQUEST', `Invalid request: ${description}`, {
    challenge: { error: 'invalid_request', description },
  })
}

/** Nothing is known of the token, for who could tell cannot be asked: 503. */
export function unavailable(cause: unknown): McpError {
  return new McpError('AUTHORIZATION_UNAVAILABLE', undefined, { cause })
}
