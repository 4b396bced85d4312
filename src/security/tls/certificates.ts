import type { AuthInfo, ClientCertificate } from '../../protocol/types.ts'
import type { Authenticator } from '../../server/authenticator.ts'
import { checkScopes } from '../../server/required-scopes.ts'

/** Which of its names a certificate is known by. */
export type CertificateName = 'subject' | 'common-name' | 'uri' | 'dns' | 'email'

export interface CertificateOptions {
  /** Default `subject`: the whole distinguished name, as in RFC 4514. */
  by?: CertificateName
  /**
   * Who may come, by that name, and as whom. Default: whoever the authority has given a certificate, under its name.
   */
  identities?: Readonly<Record<string, { subject?: string; scopes?: readonly string[] }>>
  /** What those may do of whom nothing else is said. Default: nothing that asks for a scope. */
  scopes?: readonly string[]
}

const prefixes = { uri: 'URI:', dns: 'DNS:', email: 'email:' } as const

/**
 * Lets clients in by the certificates that they show over TLS (mutual TLS): HTTPS, WSS and TCP. Whether a certificate
 * is genuine and not revoked has been decided by then, by `ca` and `crl` of the listener.
 *
 * @throws TypeError for scopes that are none
 */
export function certificates(options: CertificateOptions = {}): Authenticator {
  const { by = 'subject', identities } = options
  const byName = identities && new Map(Object.entries(identities))
  for (const { scopes } of byName?.values() ?? []) checkScopes(scopes)
  const scopes = checkScopes(options.scopes)
  const identify = (certificate: ClientCertificate): AuthInfo | undefined => {
    const names = namesOf(certificate, by)
    const found = byName && names.find((name) => byName.has(name))
    const identity = found === undefined ? undefined : byName?.get(found)
    // Of several names that nobody has listed none is more the client's than another.
    const name = byName === undefined && names.length === 1 ? names[0] : found
    if (name === undefined) return undefined
    const granted = identity?.scopes ?? scopes
    return {
      subject: identity?.subject ?? name,
      issuer: 'x509',
      ...(granted !== undefined && { scopes: granted }),
      expiresAt: certificate.expiresAt,
      certificate,
    }
  }
  // One object for all requests on a connection.
  const known = new WeakMap<ClientCertificate, AuthInfo>()
  return {
    authenticate: ({ certificate }) => {
      if (certificate === undefined) return undefined
      const seen = known.get(certificate)
      if (seen !== undefined) return seen
      const identified = identify(certificate)
      if (identified !== undefined) known.set(certificate, identified)
      return identified
    },
  }
}

function namesOf(certificate: ClientCertificate, by: CertificateName): string[] {
  if (by === 'subject') return certificate.subject === '' ? [] : [certificate.subject]
  if (by === 'common-name') {
    return certificate.commonName === undefined ? [] : [certificate.commonName]
  }
  const prefix = prefixes[by]
  return certificate.altNames.flatMap((name) =>
    name.startsWith(prefix) ? name.slice(prefix.length) : [],
  )
}
