import type { OAuthOptions } from './options.ts'

const wellKnown = '/.well-known/oauth-protected-resource'

/** Where the metadata of a resource is: the well-known path goes between its host and its path (RFC 9728, 3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource)
  return `${origin}${wellKnown}${pathname === '/' ? '' : pathname}`
}

/** The paths at which it is served: the one for the endpoint, and the root, where some clients look, too. */
export function metadataPaths(resource: string): string[] {
  return [...new Set([new URL(metadataUrl(resource)).pathname, wellKnown])]
}

/** The metadata of the protected resource (RFC 9728, 2). */
export function resourceMetadata(
  resource: string,
  issuers: readonly string[],
  scopes: readonly string[],
  options: OAuthOptions,
  dpopAlgorithms: readonly string[],
): string {
  const { requireBinding, dpop, resourceName, resourceDocumentation } = options
  const usesDpop = dpop !== undefined || requireBinding === 'dpop'
  return JSON.stringify({
    resource,
    authorization_servers: issuers,
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(usesDpop && { dpop_signing_alg_values_supported: dpopAlgorithms }),
    ...(requireBinding === 'dpop' && { dpop_bound_access_tokens_required: true }),
    ...(requireBinding === 'certificate' && { tls_client_certificate_bound_access_tokens: true }),
    ...(resourceName !== undefined && { resource_name: resourceName }),
    ...(resourceDocumentation !== undefined && { resource_documentation: resourceDocumentation }),
  })
}
