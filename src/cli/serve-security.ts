import { resolve } from 'node:path'
import type { TlsOptions } from 'node:tls'
import type { AuthInfo } from '../protocol/types.ts'
import type { AuditRecorder } from '../security/audit/audit-recorder.ts'
import { firstOf } from '../security/first-of.ts'
import { ApiKeys } from '../security/keys/api-keys.ts'
import { quotaFile } from '../security/limits/quota-file.ts'
import { openSecurity, type Security } from '../security/open-security.ts'
import { PolicyError } from '../security/policy/read-policy.ts'
import { type Bind, productionRefusals } from '../security/profile/production.ts'
import { readSecret, type Secret } from '../security/profile/secrets.ts'
import type { Authenticator } from '../server/authenticator.ts'
import type { RequestGuard } from '../server/request-guard.ts'
import type { AccessOptions } from './access-options.ts'
import { accessSettings } from './access-settings.ts'
import { auditKeyPath, auditOptions } from './audit-options.ts'
import { CliError, messageOf } from './cli-error.ts'
import type { ServeValues } from './settings.ts'

/** What stands between the network and the server that a command serves. */
export interface ServeSecurity {
  readonly guard?: RequestGuard
  readonly authenticate?: Authenticator
  readonly tls?: TlsOptions
  /** Renews certificates, and lists of what is revoked, as their files change. @returns a function that stops it */
  watch(apply: (tls: TlsOptions) => void): () => void
  readonly stateSecret?: string
  /** Whether a caller may administrate: by the role `admin` of the policy or, where there is none, by a scope of that name. */
  isAdmin(caller: AuthInfo): boolean
  /** After the listeners have closed. */
  close(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Opens what the settings name: keys, policy, audit log and secrets.
 *
 * @param recorder - records what is to be audited, if another process writes the log
 * @throws CliError that names the setting; for the production profile all that it refuses
 */
export async function openServeSecurity(
  values: ServeValues,
  binds: readonly Bind[],
  env: Environment,
  cwd: string,
  recorder?: AuditRecorder,
): Promise<ServeSecurity> {
  const stateSecret = withName('TSMCP_STATE_SECRET', () => readSecret('STATE_SECRET', env))
  const clientSecret = clientSecretOf(values, env, cwd)
  const auditKey = values.audit === '' ? undefined : auditKeyPath(values, cwd)
  if (/^prod/i.test(values.profile)) {
    const secrets = [stateSecret, clientSecret].filter((secret) => secret !== undefined)
    refuse(values, binds, secrets, auditKey, cwd)
  }
  const keys =
    values.apiKeys === ''
      ? undefined
      : withName('--api-keys', () => new ApiKeys(resolve(cwd, values.apiKeys)))
  const closeKeys = (error: unknown): never => {
    keys?.close()
    throw error
  }
  const opened = await access(values, clientSecret, cwd).catch(closeKeys)
  const { guard, rolesOf, close } = await openGuard(values, recorder, cwd).catch(closeKeys)
  const byKey = keys && { authenticate: keys.authenticate }
  const authenticators = [byKey, opened.authenticate].filter((each) => each !== undefined)
  const [only] = authenticators
  const authenticate = authenticators.length > 1 ? firstOf(...authenticators) : only
  return {
    ...(guard && { guard }),
    ...(authenticate && { authenticate }),
    ...(opened.tls && { tls: opened.tls }),
    watch: opened.watch,
    ...(stateSecret && { stateSecret: stateSecret.value }),
    isAdmin: (caller) => {
      const roles = rolesOf?.(caller)
      return roles === undefined ? caller.scopes?.includes('admin') === true : roles.has('admin')
    },
    close: async () => {
      keys?.close()
      await close()
    },
  }
}

/** What checks tokens takes time to load, and is loaded where it is asked for. */
async function access(
  values: ServeValues,
  clientSecret: Secret | undefined,
  cwd: string,
): Promise<AccessOptions> {
  const isAsked = Object.entries(accessSettings).some(([name, setting]) => {
    const value = values[name as keyof typeof accessSettings]
    return Array.isArray(value) ? value.length > 0 : value !== setting.default
  })
  if (!isAsked) return { tls: undefined, authenticate: undefined, watch: () => () => {} }
  const { openAccess } = await import('./access-options.ts')
  return openAccess(values, clientSecret?.value, cwd)
}

async function openGuard(
  values: ServeValues,
  recorder: AuditRecorder | undefined,
  cwd: string,
): Promise<Partial<Security> & Pick<Security, 'close'>> {
  if (values.policy === '' && values.audit === '') return { close: async () => {} }
  const setting = values.policy === '' ? '--audit' : '--policy'
  const audit = auditOf(values, recorder, cwd)
  try {
    return await openSecurity({
      ...(values.policy !== '' && { policy: resolve(cwd, values.policy) }),
      ...(values.quotas !== '' && { quotas: quotaFile(resolve(cwd, values.quotas)) }),
      ...(audit && { audit }),
    })
  } catch (error) {
    const name = error instanceof PolicyError || values.audit === '' ? setting : '--audit'
    throw new CliError(`${name}: ${messageOf(error)}`, { cause: error })
  }
}

function auditOf(values: ServeValues, recorder: AuditRecorder | undefined, cwd: string) {
  if (values.audit === '') return undefined
  return recorder === undefined ? auditOptions(values, cwd) : { recorder }
}

/** The flag names the same file as the variable does. */
function clientSecretOf(
  { authClientSecretFile: file }: ServeValues,
  env: Environment,
  cwd: string,
): Secret | undefined {
  const path = file === '' ? undefined : resolve(cwd, file)
  return withName(
    path === undefined ? 'TSMCP_AUTH_CLIENT_SECRET' : '--auth-client-secret-file',
    () => readSecret('AUTH_CLIENT_SECRET', { ...env, TSMCP_AUTH_CLIENT_SECRET_FILE: path }),
  )
}

/** @throws CliError with all that must not be in production */
function refuse(
  values: ServeValues,
  binds: readonly Bind[],
  secrets: readonly Secret[],
  auditKey: string | undefined,
  cwd: string,
): void {
  const secretFiles = [
    ...(values.apiKeys === ''
      ? []
      : [{ setting: '--api-keys', path: resolve(cwd, values.apiKeys) }]),
    ...(values.tlsKey === '' ? [] : [{ setting: '--tls-key', path: resolve(cwd, values.tlsKey) }]),
    ...(auditKey === undefined ? [] : [{ setting: '--audit-key', path: auditKey }]),
    ...secrets.flatMap(({ setting, path }) => (path === undefined ? [] : [{ setting, path }])),
  ]
  const refusals = productionRefusals({
    binds,
    hasTrustedProxy: values.trustedProxies.length > 0,
    secrets,
    secretFiles,
    developmentSettings: values.watch ? ['--watch'] : [],
  })
  if (refusals.length > 0) {
    throw new CliError(`the production profile does not start this: ${refusals.join('; ')}`)
  }
}

function withName<Value>(setting: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new CliError(`${setting}: ${messageOf(error)}`, { cause: error })
  }
}
