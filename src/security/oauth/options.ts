import type { DpopOptions } from './dpop.ts'
import type { KeyOptions } from './issuer-keys.ts'

/** An authorization server whose tokens are accepted. */
export interface IssuerOptions {
  /** The issuer identifier, exactly as its metadata and its tokens write it. */
  issuer: string
  /** Signature algorithms that are accepted; never symmetric ones. Default: RS, PS and ES of all sizes, EdDSA. */
  algorithms?: readonly string[]
  /**
   * `at+jwt`: tokens follow RFC 9068, as authorization servers of today write them. `any` takes others, too, for older
   * ones. Default `at+jwt`.
   */
  tokenType?: 'at+jwt' | 'any'
  /** What tokens have for their audience, where the issuer cannot put the URI of the resource there. */
  audience?: string
  /** Where the keys are. Default: as the issuer's metadata says. */
  jwksUri?: string
  keys?: KeyOptions
  /** Asks the issuer about tokens that are no JWT (RFC 7662). Default: they are refused. */
  introspection?: IntrospectionOptions
}

export interface IntrospectionOptions {
  /** Default: as the issuer's metadata says. */
  endpoint?: string
  clientId: string
  /** Sent as HTTP Basic credentials. */
  clientSecret: string
  /** Milliseconds for which an answer is good: revoked tokens live on for that long. Default 60,000. */
  cacheMs?: number
}

export interface OAuthOptions {
  /**
   * The URI of this server as clients know it, for instance `https://mcp.example.com/mcp`: the only audience that tokens
   * may have.
   */
  resource: string
  /** The authorization servers, by their issuer identifiers; at least one. */
  issuers: readonly (string | IssuerOptions)[]
  /** Scopes that every request needs. Default: none. */
  requiredScopes?: readonly string[]
  /**
   * Scopes that clients are told to ask for at first, so that users are not asked again for what they will surely
   * need. Default: the required ones.
   */
  initialScopes?: readonly string[]
  /** Scopes that the metadata lists. Default: the initial ones. */
  scopesSupported?: readonly string[]
  /** Scopes that come with another, by its name: `{ 'files:write': ['files:read'] }`. */
  impliedScopes?: Readonly<Record<string, readonly string[]>>
  /** What tokens must be bound to, so that a stolen one is of no use. Default: those that are bound are checked. */
  requireBinding?: 'dpop' | 'certificate'
  dpop?: DpopOptions
  /** Name of the server, for people who are asked to authorize it. */
  resourceName?: string
  /** A page for developers. */
  resourceDocumentation?: string
  /** Seconds by which clocks may differ. Default 5. */
  clockToleranceSeconds?: number
  /** Tokens that are remembered; older ones are checked anew. Default 10,000. */
  maxCachedTokens?: number
  /** Told when an authorization server cannot be reached or answers nonsense. Default: a line on stderr. */
  onError?: (error: unknown) => void
}
