import type { JWTVerifyGetKey } from 'jose'
import { introspect } from './introspection.ts'
import { defaultKeyAgeMs, issuerKeys } from './issuer-keys.ts'
import { discoverIssuer, type IssuerMetadata, issuerUrl } from './issuer-metadata.ts'
import { type JwtExpectations, requireAlgorithms, signatureAlgorithms, verifyJwt } from './jwt.ts'
import type { IssuerOptions } from './options.ts'
import { invalidToken, unavailable } from './refusals.ts'
import { Remote } from './remote.ts'
import { readToken, type TokenPolicy, type VerifiedToken } from './verified-token.ts'

/** Milliseconds between two attempts to reach an authorization server that does not answer. */
const retryMs = 5000

/** One authorization server, and how its tokens are checked. */
export class TrustedIssuer {
  readonly issuer: string
  readonly introspects: boolean
  readonly #options: IssuerOptions
  readonly #policy: TokenPolicy
  readonly #expected: JwtExpectations
  readonly #metadata: Remote<IssuerMetadata>
  readonly #keys: Remote<JWTVerifyGetKey>

  /** @throws TypeError, RangeError for options that are not allowed */
  constructor(options: IssuerOptions, policy: Omit<TokenPolicy, 'issuer'>) {
    const { issuer, algorithms = signatureAlgorithms, tokenType = 'at+jwt', jwksUri } = options
    const url = issuerUrl(issuer)
    this.issuer = issuer
    this.introspects = options.introspection !== undefined
    this.#options = options
    this.#policy = { ...policy, issuer, audience: options.audience ?? policy.audience }
    const { toleranceSeconds } = policy
    this.#expected = {
      issuer,
      algorithms: requireAlgorithms(algorithms),
      tokenType,
      toleranceSeconds,
    }
    this.#metadata = new Remote(() => discoverIssuer(issuer), retryMs)
    this.#keys = new Remote(async () => {
      const place = jwksUri ?? (await this.#metadata.get()).jwksUri
      if (place === undefined) throw new Error(`the metadata of ${issuer} names no keys`)
      return issuerKeys(place, url, options.keys ?? {})
    }, retryMs)
  }

  /** @throws McpError UNAUTHORIZED for a token that is no good, AUTHORIZATION_UNAVAILABLE when that cannot be found out */
  async checkJwt(token: string): Promise<VerifiedToken> {
    const keys = await this.#keys.get().catch((error: unknown) => {
      throw unavailable(error)
    })
    const claims = await verifyJwt(token, keys, this.#expected)
    // No longer than a key that has been withdrawn stays known.
    const keepMs = this.#options.keys?.maxAgeMs ?? defaultKeyAgeMs
    return readToken(claims, this.#policy, Date.now(), keepMs)
  }

  /** As {@link checkJwt}, by asking the authorization server. */
  async checkOpaque(token: string): Promise<VerifiedToken> {
    const { introspection } = this.#options
    if (introspection === undefined) throw invalidToken('The token is not valid')
    const endpoint = introspection.endpoint ?? (await this.#introspectionEndpoint())
    const claims = await introspect(token, endpoint, this.issuer, introspection)
    return readToken(claims, this.#policy, Date.now(), introspection.cacheMs ?? 60_000)
  }

  async #introspectionEndpoint(): Promise<string> {
    const metadata = await this.#metadata.get().catch((error: unknown) => {
      throw unavailable(error)
    })
    const endpoint = metadata.introspectionEndpoint
    if (endpoint !== undefined) return endpoint
    throw unavailable(new Error(`the metadata of ${this.issuer} names no introspection endpoint`))
  }
}
