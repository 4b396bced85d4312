import type { Server as NetServer } from 'node:net'
import type { SecureContextOptions, TLSSocket, TlsOptions, Server as TlsServer } from 'node:tls'

/** TLS 1.3 unless the operator has explicitly chosen an older version. */
export function tlsDefaults(tls: TlsOptions): TlsOptions {
  return { minVersion: 'TLSv1.3', ...tls }
}

/**
 * Where certificates of clients are asked for but not required, Node lets those in that it does not trust. A client
 * that shows one that is forged, void or revoked is cut off; one that shows none goes on without.
 */
export function refuseUntrusted(listener: NetServer): void {
  listener.prependListener('secureConnection', (socket: TLSSocket) => {
    if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) socket.destroy()
  })
}

/** Changes certificates and revocation lists for connections to come. */
export function setTls(listener: NetServer, tls: SecureContextOptions): void {
  if (!('setSecureContext' in listener))
    throw new TypeError('The listener does not speak TLS')
    // What the new options leave out would otherwise fall back to what Node allows.
  ;(listener as TlsServer).setSecureContext(tlsDefaults(tls))
}
