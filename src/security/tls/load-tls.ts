import { readFile } from 'node:fs/promises'
import { createSecureContext, type TlsOptions } from 'node:tls'

/** Where certificates and keys are, in PEM. */
export interface TlsFiles {
  /** The certificate of the server, followed by those between it and its authority. */
  cert: string
  key: string
  /** Holds the passphrase of the key. */
  passphrase?: string
  /** The authorities whose certificates clients may show. Needed to ask for any. */
  ca?: string
  /** Certificates of clients that have been revoked; one list for each authority, none of them out of date. */
  crl?: string
  /** Whether clients must show a certificate. Default: they must where there is a `ca`. */
  clientCertificate?: 'required' | 'optional'
  /** Default TLS 1.3. */
  minVersion?: 'TLSv1.3' | 'TLSv1.2'
}

/**
 * Reads what `tls` of `serveHttp` and `serveTcp` takes.
 *
 * @throws Error that names the file, for one that cannot be read or does not hold what it should
 */
export async function loadTls(files: TlsFiles): Promise<TlsOptions> {
  const { clientCertificate = 'required', minVersion = 'TLSv1.3' } = files
  const [cert, key, passphrase, ca, crl] = await Promise.all([
    read('cert', files.cert),
    read('key', files.key),
    read('passphrase', files.passphrase),
    read('ca', files.ca),
    read('crl', files.crl),
  ])
  if (ca === undefined && (crl !== undefined || files.clientCertificate !== undefined)) {
    throw new TypeError('tls: without ca there are no certificates of clients to check')
  }
  const options: TlsOptions = {
    cert,
    key,
    minVersion,
    ...(passphrase !== undefined && { passphrase: passphrase.trim() }),
    ...(ca !== undefined && {
      ca,
      requestCert: true,
      rejectUnauthorized: clientCertificate === 'required',
    }),
    ...(crl !== undefined && { crl }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    const names = Object.entries(files).flatMap(([name, path]) =>
      ['cert', 'key', 'ca', 'crl'].includes(name) ? path : [],
    )
    throw new Error(`tls: ${reasonOf(error)} (${names.join(', ')})`, { cause: error })
  }
  return options
}

async function read(name: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    const text = await readFile(path, 'utf8')
    // Node would take an empty text for none at all.
    if (text.trim() === '') throw new Error(`${path} is empty`)
    return text
  } catch (error) {
    throw new Error(`tls.${name}: ${reasonOf(error)}`, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
