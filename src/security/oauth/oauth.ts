import { decodeJwt } from 'jose'
import { type Challenge, insufficientScope, McpError } from '../../protocol/errors.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import type { Authenticator, AuthRequest } from '../../server/authenticator.ts'
import { checkScopes } from '../../server/required-scopes.ts'
import type { SharedState } from '../../server/shared-state.ts'
import { type ChallengePolicy, challengeHeaders } from './challenge.ts'
import { type Credentials, readCredentials, requireWellFormed } from './credentials.ts'
import { Dpop } from './dpop.ts'
import { signatureAlgorithms } from './jwt.ts'
import type { OAuthOptions } from './options.ts'
import { invalidToken, unavailable } from './refusals.ts'
import { metadataPaths, metadataUrl, resourceMetadata } from './resource-metadata.ts'
import { canonicalResource } from './resource-uri.ts'
import { type Revocation, Revocations } from './revocations.ts'
import { scopeHierarchy } from './scope-hierarchy.ts'
import { TokenCache, tokenHash } from './token-cache.ts'
import { TrustedIssuer } from './trusted-issuer.ts'
import type { VerifiedToken } from './verified-token.ts'

/** What `authenticate` of `serveHttp` and `createFetchHandler` takes to make a server an OAuth 2.1 resource server. */
export interface OAuth extends Authenticator {
  /** The canonical URI of this server, which its tokens have for their audience. */
  readonly resource: string
  /** Where clients find what they need to know to get a token. */
  readonly metadataUrl: string
  readonly documents: ReadonlyMap<string, string>
  /** Refuses a token, or the tokens of a subject, from now on, also where they have let a connection in. */
  revoke(revocation: Revocation): void
  /** Puts another list in place of all that has been revoked. */
  setRevocations(revocations: readonly Revocation[]): void
}

/** Tokens that may be in the course of being checked at one time. */
const maxPending = 1000

/**
 * Makes the authenticator of an OAuth 2.1 resource server (2026-07-28, basic/authorization): it serves the metadata of
 * the protected resource, accepts the tokens of the named authorization servers that are for this resource alone, and
 * tells clients what to come with.
 *
 * A token that has been checked once is known by its hash until it expires, and lets the next request in at once.
 *
 * @throws TypeError, RangeError for options that are not allowed
 * @example
 * await serveHttp(server, {
 *   authenticate: oauth({
 *     resource: 'https://mcp.example.com/mcp',
 *     issuers: ['https://login.example.com'],
 *     requiredScopes: ['mcp'],
 *   }),
 * })
 */
export function oauth(options: OAuthOptions): OAuth {
  return new ResourceServer(options)
}

class ResourceServer implements OAuth {
  readonly resource: string
  readonly metadataUrl: string
  readonly documents: ReadonlyMap<string, string>
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>
  readonly #requiredScopes: readonly string[]
  readonly #initialScopes: readonly string[]
  readonly #requireBinding: OAuthOptions['requireBinding']
  readonly #challenges: ChallengePolicy
  readonly #dpop: Dpop
  readonly #cache: TokenCache
  readonly #pending = new Map<string, Promise<VerifiedToken>>()
  readonly #revocations = new Revocations()
  /** By what a token said, to find it again when it is asked whether it still holds. */
  readonly #tokens = new WeakMap<AuthInfo, { hash: string; token: VerifiedToken }>()
  readonly #onError: (error: unknown) => void
  #reported: unknown = undefined

  constructor(options: OAuthOptions) {
    const { clockToleranceSeconds = 5, requireBinding, dpop, onError = reportOnStderr } = options
    this.resource = canonicalResource(options.resource)
    this.metadataUrl = metadataUrl(this.resource)
    this.#requireBinding = requireBinding
    this.#onError = onError
    this.#requiredScopes = readScopes(options.requiredScopes)
    this.#initialScopes = unionOf(this.#requiredScopes, readScopes(options.initialScopes))
    const supported =
      options.scopesSupported === undefined
        ? this.#initialScopes
        : readScopes(options.scopesSupported)
    const policy = {
      audience: this.resource,
      toleranceSeconds: clockToleranceSeconds,
      hierarchy: scopeHierarchy(options.impliedScopes),
    }
    const issuers = options.issuers.map(
      (each) => new TrustedIssuer(typeof each === 'string' ? { issuer: each } : each, policy),
    )
    if (issuers.length === 0) throw new TypeError('issuers must name at least one')
    this.#issuers = new Map(issuers.map((each) => [each.issuer, each]))
    this.#dpop = new Dpop(this.resource, clockToleranceSeconds, dpop)
    this.#cache = new TokenCache(options.maxCachedTokens ?? 10_000)
    this.#challenges = {
      metadataUrl: this.metadataUrl,
      schemes:
        requireBinding === 'dpop' ? ['DPoP'] : dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'],
      dpopAlgorithms: signatureAlgorithms,
    }
    const names = [...this.#issuers.keys()]
    const document = resourceMetadata(this.resource, names, supported, options, signatureAlgorithms)
    this.documents = new Map(metadataPaths(this.resource).map((path) => [path, document]))
  }

  authenticate = (request: AuthRequest): AuthInfo | undefined | Promise<AuthInfo> => {
    const credentials = readCredentials(request)
    if (credentials === undefined) return undefined
    const hash = tokenHash(credentials.token)
    const known = this.#cache.get(hash, Date.now())
    if (known !== undefined) return this.#admit(known, hash, credentials, request)
    requireWellFormed(credentials.token)
    return this.#check(hash, credentials.token).then((token) =>
      this.#admit(token, hash, credentials, request),
    )
  }

  challenge(refusal: McpError): string[] {
    const { challenge = {} } = refusal
    const headers = challengeHeaders(challenge, this.#scopesToAsk(challenge), this.#challenges)
    const nonce = refusal.code === 'UNAUTHORIZED' ? this.#dpop.nonce() : undefined
    return nonce === undefined ? headers : [...headers, 'dpop-nonce', nonce]
  }

  share(shared: SharedState): void {
    this.#dpop.share(shared)
  }

  isCurrent(authInfo: AuthInfo): boolean {
    const found = this.#tokens.get(authInfo)
    return found === undefined || !this.#revocations.isRevoked(found.hash, found.token)
  }

  revoke(revocation: Revocation): void {
    this.#revocations.add(revocation, Date.now())
  }

  setRevocations(revocations: readonly Revocation[]): void {
    this.#revocations.clear()
    for (const each of revocations) this.revoke(each)
  }

  /** What is asked for does not depend on what the client has: the same operation is always answered the same. */
  #scopesToAsk({ error, scopes = [] }: Challenge): readonly string[] {
    return error === 'insufficient_scope'
      ? unionOf(this.#requiredScopes, scopes)
      : this.#initialScopes
  }

  /** What holds for each request, however well its token is known. */
  #admit(
    token: VerifiedToken,
    hash: string,
    credentials: Credentials,
    request: AuthRequest,
  ): AuthInfo | Promise<AuthInfo> {
    const { authInfo, jkt, certificate } = token
    this.#revocations.require(hash, token)
    if (certificate !== undefined && certificate !== request.certificate?.thumbprint) {
      throw invalidToken('The token is bound to another certificate')
    }
    if (certificate === undefined && this.#requireBinding === 'certificate') {
      throw invalidToken('The token must be bound to the certificate of the client')
    }
    if ((jkt === undefined) !== (credentials.scheme === 'Bearer')) {
      throw invalidToken('The token and its authorization scheme do not go together')
    }
    if (jkt === undefined && this.#requireBinding === 'dpop') {
      throw invalidToken('The token must be bound to a key of the client')
    }
    if (jkt === undefined) return this.#withScopes(authInfo)
    return this.#dpop.check(request, credentials.token, jkt).then(() => this.#withScopes(authInfo))
  }

  #withScopes(authInfo: AuthInfo): AuthInfo {
    const granted = authInfo.scopes
    if (this.#requiredScopes.every((scope) => granted?.includes(scope))) return authInfo
    throw insufficientScope(this.#requiredScopes)
  }

  /** Checks a token that is not known, once for all that come with it at the same time. */
  async #check(hash: string, token: string): Promise<VerifiedToken> {
    const checking = this.#pending.get(hash)
    if (checking !== undefined) return checking
    if (this.#pending.size >= maxPending) throw unavailable(new Error('too many unknown tokens'))
    const started = this.#askIssuers(token).finally(() => this.#pending.delete(hash))
    this.#pending.set(hash, started)
    const verified = await started
    this.#cache.set(hash, verified)
    this.#tokens.set(verified.authInfo, { hash, token: verified })
    return verified
  }

  async #askIssuers(token: string): Promise<VerifiedToken> {
    try {
      const issuer = claimedIssuer(token)
      if (issuer !== undefined) return await this.#issuerOf(issuer).checkJwt(token)
      return await this.#checkOpaque(token)
    } catch (error) {
      if (isUnavailable(error)) this.#report(error.cause)
      throw error
    }
  }

  /** The same failure is thrown until the next attempt, and told once. */
  #report(cause: unknown): void {
    if (cause === this.#reported) return
    this.#reported = cause
    this.#onError(cause)
  }

  #issuerOf(name: string): TrustedIssuer {
    const issuer = this.#issuers.get(name)
    if (issuer === undefined) throw invalidToken('The token is of an issuer unknown here')
    return issuer
  }

  async #checkOpaque(token: string): Promise<VerifiedToken> {
    let refusal: unknown = invalidToken('The token is not valid')
    for (const issuer of this.#issuers.values()) {
      if (!issuer.introspects) continue
      try {
        return await issuer.checkOpaque(token)
      } catch (error) {
        // One who cannot be asked might have known it.
        if (!isUnavailable(refusal)) refusal = error
      }
    }
    throw refusal
  }
}

/** Who a JWT says it is from, to know whose keys to check that with; undefined when it is no JWT. */
function claimedIssuer(token: string): string | undefined {
  if (token.split('.').length !== 3) return undefined
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : ''
  } catch {
    return undefined
  }
}

/** `offline_access` is between client and authorization server (2026-07-28, basic/authorization#refresh-tokens). */
function readScopes(scopes: readonly string[] = []): readonly string[] {
  if (scopes.includes('offline_access')) {
    throw new TypeError(
      'offline_access is no scope of a resource: clients ask for it by themselves',
    )
  }
  return checkScopes(scopes) ?? []
}

function unionOf(one: readonly string[], other: readonly string[]): readonly string[] {
  return [...new Set([...one, ...other])]
}

function isUnavailable(error: unknown): error is McpError {
  return error instanceof McpError && error.code === 'AUTHORIZATION_UNAVAILABLE'
}

function reportOnStderr(error: unknown): void {
  const causes: string[] = []
  for (let each = error; each instanceof Error; each = each.cause) causes.push(each.message)
  console.error(`tsmcp: tokens cannot be checked: ${causes.join(': ')}`)
}
