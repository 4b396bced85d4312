import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { AuthInfo, JsonObject } from '../../protocol/types.ts'
import { invalidToken } from './refusals.ts'
import { isOnlyAudience } from './resource-uri.ts'
import type { ScopeHierarchy } from './scope-hierarchy.ts'

/** What a token says, once it is known to be good. */
export interface VerifiedToken {
  readonly authInfo: AuthInfo
  /** What its owner must prove to have, beside the token (RFC 7800): of a DPoP key, or of a certificate. */
  readonly jkt: string | undefined
  readonly certificate: string | undefined
  /** Seconds since 1970; undefined when unknown. */
  readonly issuedAt: number | undefined
  /** Milliseconds since 1970 until which this need not be found out again. */
  readonly goodUntilMs: number
}

/** What a token is held against. */
export interface TokenPolicy {
  readonly issuer: string
  /** The only audience that it may have. */
  readonly audience: string
  readonly toleranceSeconds: number
  readonly hierarchy: ScopeHierarchy
}

/**
 * Reads the claims of a token whose origin is known: those of a JWT (RFC 9068, 2.2) and those of an introspection
 * (RFC 7662, 2.2) have the same names.
 *
 * @param keepMs - for how long it may be remembered, if it does not expire before
 * @throws McpError UNAUTHORIZED for a token that is void, not for us, or bound to something unknown
 */
export function readToken(
  claims: JsonObject,
  policy: TokenPolicy,
  nowMs: number,
  keepMs: number,
): VerifiedToken {
  const { sub, exp, nbf, iat, aud, cnf } = claims
  if (!isOnlyAudience(aud, policy.audience)) {
    throw invalidToken('The token is not for this server, or not for it alone')
  }
  const toleranceMs = policy.toleranceSeconds * 1000
  if (typeof exp !== 'number') throw invalidToken('The token never expires')
  if (nowMs >= exp * 1000 + toleranceMs) throw invalidToken('The token has expired')
  if (typeof nbf === 'number' && nowMs < nbf * 1000 - toleranceMs) {
    throw invalidToken('The token is not valid yet')
  }
  if (typeof sub !== 'string' || sub === '') throw invalidToken('The token names no subject')
  const clientId = textOf(claims.client_id) ?? textOf(claims.azp)
  return {
    // One object for all requests with this token: what a handler did to it, it would do to all.
    authInfo: Object.freeze({
      subject: sub,
      issuer: policy.issuer,
      ...(clientId !== undefined && { clientId }),
      scopes: Object.freeze([...policy.hierarchy(scopesOf(claims))]),
      expiresAt: exp,
      claims: Object.freeze(claims),
    }),
    ...bindingOf(cnf),
    issuedAt: typeof iat === 'number' ? iat : undefined,
    goodUntilMs: Math.min(exp * 1000 + toleranceMs, nowMs + keepMs),
  }
}

/** `scope` by RFC 9068; `scp` is what others call it. */
function scopesOf({ scope, scp }: JsonObject): string[] {
  const given = scope ?? scp
  const parts = Array.isArray(given) ? given : typeof given === 'string' ? given.split(' ') : []
  return parts.filter((each): each is string => typeof each === 'string' && each !== '')
}

function bindingOf(cnf: unknown): Pick<VerifiedToken, 'jkt' | 'certificate'> {
  if (cnf === undefined) return { jkt: undefined, certificate: undefined }
  const { jkt, 'x5t#S256': certificate, ...others } = isJsonObject(cnf) ? cnf : { none: true }
  // A binding that is not understood cannot be checked, and what cannot be checked is not let pass.
  if (Object.keys(others).length > 0 || (jkt === undefined && certificate === undefined)) {
    throw invalidToken('The token is bound to something that this server cannot check')
  }
  return { jkt: requireText(jkt), certificate: requireText(certificate) }
}

function requireText(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw invalidToken('The token is bound to something that this server cannot check')
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
