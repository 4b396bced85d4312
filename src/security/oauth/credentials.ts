import type { AuthRequest } from '../../server/authenticator.ts'
import { invalidCredentials } from './refusals.ts'

/** A token as it came with a request. */
export interface Credentials {
  readonly scheme: 'Bearer' | 'DPoP'
  readonly token: string
}

/** RFC 9110, 11.2: token68. */
const header = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)$/i
const scheme = /^(?:bearer|dpop)(?: |$)/i
const maxLength = 16 * 1024

/**
 * The token of a request: from its `Authorization` header and nowhere else (OAuth 2.1, 5.1).
 *
 * @returns undefined when there is none
 * @throws McpError INVALID_REQUEST when it is malformed or, which would leave it in logs and histories, in the URL
 */
export function readCredentials({ target, getHeader }: AuthRequest): Credentials | undefined {
  if (hasTokenInQuery(target)) throw invalidCredentials('a token must not be in the URL')
  const given = getHeader('authorization')
  if (given === undefined || !scheme.test(given)) return undefined
  const [, name, token] = (given.length <= maxLength && header.exec(given)) || []
  if (name === undefined || token === undefined) {
    throw invalidCredentials('the Authorization header is malformed')
  }
  return { scheme: name.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token }
}

function hasTokenInQuery(target: string): boolean {
  const query = target.indexOf('?')
  if (query < 0) return false
  return new URLSearchParams(target.slice(query)).has('access_token')
}
