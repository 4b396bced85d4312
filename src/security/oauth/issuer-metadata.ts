import { isJsonObject } from '../../protocol/json-rpc.ts'
import { isSecureOrLoopback } from './resource-uri.ts'
import { fetchJson } from './safe-fetch.ts'

/** What we need to know of an authorization server. */
export interface IssuerMetadata {
  readonly jwksUri: string | undefined
  readonly introspectionEndpoint: string | undefined
}

/** @throws TypeError for an issuer that is no `https` URL (or loopback `http`) without query and fragment (RFC 8414, 2) */
export function issuerUrl(issuer: string): URL {
  if (!URL.canParse(issuer)) throw new TypeError(`issuer is no URL: ${issuer}`)
  const url = new URL(issuer)
  if (!isSecureOrLoopback(url)) {
    throw new TypeError(`issuer must be https, or http on a loopback host: ${issuer}`)
  }
  if (url.username !== '' || url.search !== '' || issuer.includes('#')) {
    throw new TypeError(`issuer must have no user, query or fragment: ${issuer}`)
  }
  return url
}

/** Where metadata may be, in the order to be tried (RFC 8414, 3.1 and 5; OpenID Connect Discovery, 4). */
export function metadataUrls(issuer: URL): string[] {
  const path = issuer.pathname.replace(/\/$/, '')
  const urls = [
    `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.origin}/.well-known/openid-configuration${path}`,
    `${issuer.origin}${path}/.well-known/openid-configuration`,
  ]
  return [...new Set(urls)]
}

/**
 * Finds the metadata of an authorization server.
 *
 * @throws Error when none of the places has any, or it is another issuer's
 */
export async function discoverIssuer(issuer: string): Promise<IssuerMetadata> {
  const url = issuerUrl(issuer)
  let failure: unknown
  for (const place of metadataUrls(url)) {
    let document: unknown
    try {
      document = await fetchJson({ url: place, issuer: url })
    } catch (error) {
      failure ??= error
      continue
    }
    return readMetadata(document, issuer)
  }
  throw new Error(`no metadata of ${issuer}`, { cause: failure })
}

function readMetadata(document: unknown, issuer: string): IssuerMetadata {
  if (!isJsonObject(document)) throw new Error(`the metadata of ${issuer} is no object`)
  // RFC 8414, 3.3: identical, or it is somebody else's.
  if (document.issuer !== issuer) throw new Error(`the metadata of ${issuer} names another issuer`)
  return {
    jwksUri: textOf(document.jwks_uri),
    introspectionEndpoint: textOf(document.introspection_endpoint),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
