import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { TlsOptions } from 'node:tls'
import {
  type Authenticator,
  type CertificateName,
  certificates,
  firstOf,
  loadTls,
  type OAuth,
  oauth,
  type Revocation,
  type TlsFiles,
  watchFiles,
} from '../security.ts'
import type { accessSettings } from './access-settings.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import type { ValuesOf } from './settings.ts'

type AccessValues = ValuesOf<typeof accessSettings>

/** What the settings about who may call come to. */
export interface AccessOptions {
  readonly tls: TlsOptions | undefined
  readonly authenticate: Authenticator | undefined
  /**
   * Reads certificates that are renewed, and lists of what is revoked, when their files change.
   *
   * @param apply - called with new certificates
   * @returns a function that stops it
   */
  watch(apply: (tls: TlsOptions) => void, intervalMs?: number): () => void
}

/**
 * @param clientSecret - belongs to the client id with which issuers are asked
 * @throws CliError for files that cannot be read, a usage error for settings that do not go together
 */
export async function openAccess(
  given: AccessValues,
  clientSecret: string | undefined,
  cwd: string,
): Promise<AccessOptions> {
  const values = withPaths(given, cwd)
  const tlsFiles = tlsFilesOf(values)
  const auth = await oauthOf(values, clientSecret)
  const load = () => orCliError(async () => tlsFiles && loadTls(tlsFiles))
  const tls = await load()
  const { authRevokedFile } = values
  if (authRevokedFile !== '') await readRevocations(auth, authRevokedFile)
  const files = [tlsFiles?.cert, tlsFiles?.key, tlsFiles?.ca, tlsFiles?.crl, authRevokedFile]
  const watched = files.flatMap((file) => file || [])
  return {
    tls,
    authenticate: authenticatorOf(values, auth),
    watch: (apply, intervalMs) => {
      if (watched.length === 0) return () => {}
      const reload = async (): Promise<void> => {
        if (authRevokedFile !== '') await readRevocations(auth, authRevokedFile)
        const renewed = await load()
        if (renewed !== undefined) apply(renewed)
      }
      const watch = watchFiles(watched, reload, sayFailure, intervalMs)
      return () => watch.close()
    },
  }
}

function sayFailure(error: unknown): void {
  console.error(`tsmcp: ${messageOf(error)}: what was loaded before stays`)
}

/** Paths are seen from the folder that the command was given in. */
function withPaths(values: AccessValues, cwd: string): AccessValues {
  const at = (path: string): string => (path === '' ? '' : resolve(cwd, path))
  return {
    ...values,
    authRevokedFile: at(values.authRevokedFile),
    tlsCert: at(values.tlsCert),
    tlsKey: at(values.tlsKey),
    tlsKeyPassphraseFile: at(values.tlsKeyPassphraseFile),
    tlsCa: at(values.tlsCa),
    tlsCrl: at(values.tlsCrl),
  }
}

function tlsFilesOf(values: AccessValues): TlsFiles | undefined {
  const { tlsCert, tlsKey, tlsCa, tlsCrl, tlsKeyPassphraseFile, tlsClient, tlsMin } = values
  if ((tlsCert === '') !== (tlsKey === '')) {
    throw usageError('--tls-cert and --tls-key go together: give both')
  }
  if (tlsCert === '') {
    if (tlsCa !== '' || tlsCrl !== '') throw usageError('--tls-ca and --tls-crl need --tls-cert')
    return undefined
  }
  if (tlsCa === '' && tlsCrl !== '') throw usageError('--tls-crl needs --tls-ca')
  return {
    cert: tlsCert,
    key: tlsKey,
    ...(tlsKeyPassphraseFile !== '' && { passphrase: tlsKeyPassphraseFile }),
    ...(tlsCa !== '' && {
      ca: tlsCa,
      clientCertificate: tlsClient === 'optional' ? 'optional' : 'required',
    }),
    ...(tlsCrl !== '' && { crl: tlsCrl }),
    minVersion: tlsMin === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
  }
}

async function oauthOf(
  values: AccessValues,
  clientSecret: string | undefined,
): Promise<OAuth | undefined> {
  const { authIssuers, authResource, authScopes, authClientId } = values
  if (authIssuers.length === 0) {
    const given = authResource !== '' || authScopes.length > 0 || values.authRevokedFile !== ''
    if (given) throw usageError('the --auth settings need --auth-issuer')
    return undefined
  }
  if (authResource === '') {
    throw usageError(
      '--auth-issuer needs --auth-resource: the URL of this server as clients know it',
    )
  }
  if ((authClientId === '') !== (clientSecret === undefined)) {
    throw usageError(
      '--auth-client-id and its secret (--auth-client-secret-file) go together: give both',
    )
  }
  const introspection = { clientId: authClientId, clientSecret: clientSecret ?? '' }
  return orCliError(async () =>
    oauth({
      resource: authResource,
      issuers: authIssuers.map((issuer) => ({
        issuer,
        ...(authClientId !== '' && { introspection }),
      })),
      requiredScopes: authScopes,
    }),
  )
}

function authenticatorOf(
  { tlsCa, tlsClientName }: AccessValues,
  auth: OAuth | undefined,
): Authenticator | undefined {
  if (tlsClientName !== '' && tlsCa === '') throw usageError('--tls-client-name needs --tls-ca')
  const isByCertificate = tlsClientName !== '' || (tlsCa !== '' && auth === undefined)
  if (!isByCertificate) return auth
  const by = (tlsClientName === '' ? 'subject' : tlsClientName) as CertificateName
  const byCertificate = certificates({ by })
  return auth === undefined ? byCertificate : firstOf(auth, byCertificate)
}

async function readRevocations(auth: OAuth | undefined, path: string): Promise<void> {
  const text = await readText('--auth-revoked-file', path)
  await orCliError(async () => auth?.setRevocations(parseRevocations(text)), `${path}: `)
}

function parseRevocations(text: string): Revocation[] {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new TypeError('must hold an array')
  for (const each of list as (Record<string, unknown> | null)[]) {
    const { token, issuer, tokenId, subject } = each ?? {}
    const isOne =
      typeof token === 'string' ||
      (typeof issuer === 'string' && (typeof tokenId === 'string' || typeof subject === 'string'))
    if (!isOne)
      throw new TypeError('each entry needs token, issuer and tokenId, or issuer and subject')
  }
  return list as Revocation[]
}

async function readText(flag: string, path: string): Promise<string> {
  return orCliError(() => readFile(path, 'utf8'), `${flag}: `)
}

async function orCliError<Value>(attempt: () => Promise<Value>, where = ''): Promise<Value> {
  try {
    return await attempt()
  } catch (error) {
    throw new CliError(where + messageOf(error), { cause: error })
  }
}
