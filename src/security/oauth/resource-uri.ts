import { loopbackHosts } from '../../transports/http/origin-guard.ts'

/**
 * The one form in which the URI of a protected resource is written (2026-07-28, basic/authorization, canonical server
 * URI): scheme and host in lower case, no default port, no slash where it is all there is of a path.
 *
 * @throws TypeError for what cannot name a server: no `https` (but for loopback hosts), user, query or fragment
 */
export function canonicalResource(text: string): string {
  if (!URL.canParse(text)) throw new TypeError(`resource is no absolute URI: ${text}`)
  const url = new URL(text)
  if (!isSecureOrLoopback(url)) {
    throw new TypeError(`resource must be https, or http on a loopback host: ${text}`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || text.includes('#')) {
    throw new TypeError(`resource must have no user, query or fragment: ${text}`)
  }
  return comparableUri(url.href)
}

/** A URI with what RFC 3986, 6.2.2 and 6.2.3 say is the same written the same; nothing else is touched. */
export function comparableUri(text: string): string {
  const parts = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)(.*)$/is.exec(text)
  if (parts === null) return text
  const [, scheme = '', authority = '', rest = ''] = parts
  return `${scheme.toLowerCase()}://${authority.toLowerCase()}${rest === '/' ? '' : rest}`
}

/**
 * Whether a token is for one audience and no other. One that names others beside it could be used here by those whom
 * it was given to (RFC 8707, 3; RFC 9068, 5): to be among the audiences is not enough.
 */
export function isOnlyAudience(audience: unknown, expected: string): boolean {
  const all: unknown[] = Array.isArray(audience) ? audience : [audience]
  const [only] = all
  return all.length === 1 && typeof only === 'string' && comparableUri(only) === expected
}

export function isSecureOrLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && loopbackHosts.includes(hostname))
}
