import type { Challenge } from '../../protocol/errors.ts'

/** How clients are told what to come with. */
export interface ChallengePolicy {
  /** The URL of the metadata of the protected resource (RFC 9728, 5.1). */
  readonly metadataUrl: string
  readonly schemes: readonly ('Bearer' | 'DPoP')[]
  readonly dpopAlgorithms: readonly string[]
}

/** Names and values of the headers that ask for credentials (RFC 9110, 11.6.1; RFC 6750, 3; RFC 9449, 7.1). */
export function challengeHeaders(
  { error, description }: Challenge,
  scopes: readonly string[],
  { metadataUrl, schemes, dpopAlgorithms }: ChallengePolicy,
): string[] {
  const isOfDpop = error === 'use_dpop_nonce' || error === 'invalid_dpop_proof'
  const asked = isOfDpop && !schemes.includes('DPoP') ? [...schemes, 'DPoP' as const] : schemes
  return asked.flatMap((scheme) => {
    const says = isOfDpop === (scheme === 'DPoP') || asked.length === 1
    const parameters = {
      ...(says && { error, error_description: description }),
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      resource_metadata: metadataUrl,
      ...(scheme === 'DPoP' && { algs: dpopAlgorithms.join(' ') }),
    }
    const listed = Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : `${name}="${value}"`,
    )
    return ['www-authenticate', `${scheme} ${listed.join(', ')}`]
  })
}
