import { dirname, join, resolve } from 'node:path'
import type { AuditLogOptions } from '../security/audit/audit-log.ts'
import { auditSignerOf } from '../security/audit/signing-key.ts'
import { CliError, messageOf } from './cli-error.ts'
import type { ServeValues } from './settings.ts'

/** Beside the folder and not in it: whoever may write to the log must not be able to sign it. */
export function auditKeyPath({ audit, auditKey }: ServeValues, cwd: string): string {
  if (auditKey !== '') return resolve(cwd, auditKey)
  return join(dirname(resolve(cwd, audit)), 'audit-key.pem')
}

/** What the log is opened with; makes the key where there is none. @throws CliError that names the setting */
export function auditOptions(values: ServeValues, cwd: string): AuditLogOptions {
  try {
    return {
      directory: resolve(cwd, values.audit),
      signer: auditSignerOf(auditKeyPath(values, cwd)),
      retentionDays: values.auditRetentionDays,
      onFull: onFullOf(values),
    }
  } catch (error) {
    throw new CliError(`--audit: ${messageOf(error)}`, { cause: error })
  }
}

export function onFullOf({ auditOnFull }: ServeValues): 'refuse' | 'continue' {
  return auditOnFull === 'continue' ? 'continue' : 'refuse'
}
