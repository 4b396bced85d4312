import { isReadableByOthers } from '../keys/key-file.ts'
import { isWeakSecret } from './secrets.ts'

/** One address that is listened on. */
export interface Bind {
  /** The setting that asks for it, as the operator writes it. */
  readonly setting: string
  readonly host: string
  readonly isEncrypted: boolean
  readonly isAuthenticated: boolean
}

/** What the production profile looks at before anything is served. */
export interface ProductionFacts {
  readonly binds: readonly Bind[]
  /** A proxy is named that speaks TLS in our stead. */
  readonly hasTrustedProxy: boolean
  readonly secrets: readonly { readonly setting: string; readonly value: string }[]
  /** Files that hold keys or secrets. */
  readonly secretFiles: readonly { readonly setting: string; readonly path: string }[]
  /** Settings that are for development alone. */
  readonly developmentSettings: readonly string[]
}

/**
 * What must not be in production, one sentence each, which names the setting.
 *
 * @returns nothing when the server may start
 */
export function productionRefusals(facts: ProductionFacts): string[] {
  const refusals: string[] = []
  for (const { setting, host, isAuthenticated, isEncrypted } of facts.binds) {
    if (!isAuthenticated) {
      refusals.push(
        `${setting}: callers are not authenticated (--auth-issuer, --tls-ca or --api-keys does it)`,
      )
    }
    if (!isEncrypted && !isLoopback(host) && !facts.hasTrustedProxy) {
      refusals.push(
        `${setting}: ${host} is reached from other machines without TLS: give --tls-cert, or name the proxy that has it by --trusted-proxy`,
      )
    }
  }
  for (const { setting, value } of facts.secrets) {
    if (isWeakSecret(value)) {
      refusals.push(`${setting}: this secret can be guessed; openssl rand -base64 32 makes one`)
    }
  }
  for (const { setting, path } of facts.secretFiles) {
    if (isReadableByOthers(path)) {
      refusals.push(`${setting}: others than its owner may read ${path}: chmod 600 it`)
    }
  }
  for (const setting of facts.developmentSettings) {
    refusals.push(`${setting}: this is for development`)
  }
  return refusals
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
