import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { JsonObject } from '../../protocol/types.ts'
import { KeysUnavailable } from './issuer-keys.ts'
import { invalidToken, unavailable } from './refusals.ts'

/** Symmetric ones are not here: whoever can check such a signature can make one. */
export const signatureAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** @throws RangeError for `none`, symmetric or unknown algorithms */
export function requireAlgorithms(algorithms: readonly string[]): string[] {
  for (const algorithm of algorithms) {
    if (!signatureAlgorithms.includes(algorithm)) {
      throw new RangeError(
        `algorithm ${algorithm} is not allowed: take of ${signatureAlgorithms.join(', ')}`,
      )
    }
  }
  if (algorithms.length === 0) throw new RangeError('algorithms must not be empty')
  return [...algorithms]
}

/** What every token of RFC 9068, 2.2 has. */
const profileClaims = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

export interface JwtExpectations {
  readonly issuer: string
  readonly algorithms: string[]
  readonly tokenType: 'at+jwt' | 'any'
  readonly toleranceSeconds: number
}

/**
 * Checks signature, issuer, profile and times of a JWT, and gives its claims. The audience is for the caller to check.
 *
 * @throws McpError UNAUTHORIZED for a token that is not the issuer's, AUTHORIZATION_UNAVAILABLE without its keys
 */
export async function verifyJwt(
  token: string,
  keys: JWTVerifyGetKey,
  expected: JwtExpectations,
): Promise<JsonObject> {
  const isProfile = expected.tokenType === 'at+jwt'
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: expected.algorithms,
      issuer: expected.issuer,
      requiredClaims: isProfile ? profileClaims : ['iss', 'exp', 'aud', 'sub'],
      ...(isProfile && { typ: 'at+jwt' }),
      clockTolerance: expected.toleranceSeconds,
    })
    return payload
  } catch (error) {
    if (isUnavailable(error)) throw unavailable(error)
    if (error instanceof errors.JWTExpired) throw invalidToken('The token has expired')
    throw invalidToken('The token is not valid', { cause: error })
  }
}

function isUnavailable(error: unknown): boolean {
  return (
    error instanceof KeysUnavailable ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid
  )
}
