import type { McpError } from '../../protocol/errors.ts'
import type { AuthRequest } from '../../server/authenticator.ts'
import { invalidCredentials } from './refusals.ts'

/** A token as it came with a request. */
export interface Credentials {
  readonly scheme: 'Bearer' | 'DPoP'
  readonly token: string
}

/** RFC 9110, 11.2. */
const token68 = /^[A-Za-z0-9\-._~+/]+=*$/
const header = /^(bearer|dpop) +(\S+)$/i
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
  // How nearly all come; whether it is well-formed is looked at when it is not known.
  if (given?.startsWith('Bearer ') && given.length <= maxLength) {
    return { scheme: 'Bearer', token: given.slice('Bearer '.length) }
  }
  if (given === undefined || !scheme.test(given)) return undefined
  const [, name, token] = (given.length <= maxLength && header.exec(given)) || []
  if (name === undefined || token === undefined) throw malformed()
  return { scheme: name.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token }
}

/** @throws McpError INVALID_REQUEST for what can be no token */
export function requireWellFormed(token: string): void {
  if (!token68.test(token)) throw malformed()
}

function malformed(): McpError {
  return invalidCredentials('the Authorization header is malformed')
}

function hasTokenInQuery(target: string): boolean {
  const query = target.indexOf('?')
  if (query < 0) return false
  return new URLSearchParams(target.slice(query)).has('access_token')
}
