import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { builtin } from '../internal/builtin.ts'
import type { ClientCertificate } from '../protocol/types.ts'

/** Many requests come on one connection, and its certificate is read once. */
const known = new WeakMap<Duplex, ClientCertificate>()

/** The certificate that the other side of a connection has shown, if it is one that the listener trusts. */
export function clientCertificate(socket: Duplex): ClientCertificate | undefined {
  if (!(socket as Partial<TLSSocket>).authorized) return undefined
  const seen = known.get(socket)
  if (seen !== undefined) return seen
  const certificate = (socket as TLSSocket).getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const read = readCertificate(certificate)
  known.set(socket, read)
  return read
}

function readCertificate(certificate: X509Certificate): ClientCertificate {
  const parts = certificate.subject.split('\n')
  return {
    // Node lists the parts from the root of the directory; RFC 4514, 2.1 begins at the other end.
    subject: parts.toReversed().join(','),
    commonName: parts.findLast((part) => part.startsWith('CN='))?.slice(3),
    altNames: altNames(certificate.subjectAltName ?? ''),
    thumbprint: builtin.crypto.hash('sha256', certificate.raw, 'base64url'),
    expiresAt: Math.floor(certificate.validToDate.getTime() / 1000),
  }
}

/** Node separates names by commas and puts one that has a comma or quote of its own into a JSON string. */
function altNames(text: string): string[] {
  const names: string[] = []
  for (const [, kind, quoted, plain] of text.matchAll(
    /(?:^|, )([^:"]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?=, |$)/g,
  )) {
    names.push(`${kind}:${quoted === undefined ? plain : String(JSON.parse(quoted))}`)
  }
  return names
}
