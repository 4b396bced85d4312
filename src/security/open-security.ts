import { Sweep } from '../internal/sweep.ts'
import type { AuthInfo } from '../protocol/types.ts'
import type { RequestGuard } from '../server/request-guard.ts'
import { AuditLog, type AuditLogOptions } from './audit/audit-log.ts'
import type { AuditRecorder } from './audit/audit-recorder.ts'
import { createRedactor, type RedactionOptions } from './audit/redact.ts'
import { SecurityGuard } from './guard.ts'
import { Limits } from './limits/limits.ts'
import type { QuotaStore } from './limits/quota-file.ts'
import type { LimitsDocument } from './policy/policy-document.ts'
import { type Policy, PolicyFile } from './policy/policy-file.ts'

export interface SecurityOptions {
  /** A policy file (YAML, JSON or `.cedar`); it is followed, and what is saved counts at once. Default: all is allowed. */
  policy?: string
  /** Limits beside those of the policy file. */
  limits?: LimitsDocument
  /** Keeps what was used of quotas over a restart. Default: in memory. */
  quotas?: QuotaStore
  /** The log of all that is done, or who records it elsewhere. Default: none. */
  audit?: (AuditLogOptions | { recorder: AuditRecorder }) & RedactionOptions
  /** Told of what goes wrong beside requests. Default: a warning for each. */
  onError?: (error: unknown) => void
}

export interface Security {
  /** For the `guard` of `serveHttp`, `serveTcp`, `serveStdio` and the others; of all of them together, if you like. */
  readonly guard: RequestGuard
  /** The roles that the policy gives a caller; undefined where no policy decides who may do what. */
  rolesOf(caller: AuthInfo | undefined): ReadonlySet<string> | undefined
  /** After the servers have closed: writes what is to be written, and stops following files. Idempotent. */
  close(): Promise<void>
}

const sweepIntervalMs = 5000

/**
 * Opens policy, limits and audit log.
 *
 * @throws PolicyError for a policy that is none; TypeError or what opening files throws
 * @example
 * const security = await openSecurity({ policy: 'policy.yaml' })
 * await serveHttp(server, { guard: security.guard, authenticate: keys.authenticate })
 */
export async function openSecurity(options: SecurityOptions = {}): Promise<Security> {
  const { limits: own = {}, quotas, onError = warn } = options
  const audit = await recorderOf(options, onError)
  const guard = new SecurityGuard(audit, createRedactor(options.audit))
  const stored = quotas?.load() ?? {}
  guard.limits = new Limits(own, stored)

  const use = ({ authorizer, limits }: Policy): void => {
    guard.authorizer = authorizer
    guard.limits = new Limits(joined(limits, own), { ...stored, ...guard.limits.used() })
    audit?.record({ event: 'policy', atMs: Date.now(), details: { outcome: 'loaded' } })
  }
  let file: PolicyFile | undefined
  try {
    if (options.policy !== undefined) {
      file = await PolicyFile.open(options.policy, {
        onPolicy: use,
        onError: (error) => {
          audit?.record({ event: 'policy', atMs: Date.now(), details: { outcome: 'refused' } })
          onError(error)
        },
      })
    }
  } catch (error) {
    await audit?.close()
    throw error
  }

  let saving: Promise<void> = Promise.resolve()
  const save = (): void => {
    if (quotas === undefined || !guard.limits.hasNews) return
    guard.limits.hasNews = false
    const state = guard.limits.used()
    saving = saving.then(() => quotas.save(state)).catch(onError)
  }
  const sweep = new Sweep(sweepIntervalMs, onError)
  sweep.add((nowMs) => {
    guard.limits.sweep(nowMs)
    save()
  })

  let closing: Promise<void> | undefined
  return {
    guard,
    rolesOf: (caller) => {
      const access = guard.authorizer?.accessOf(caller)
      return access === undefined || access.isOpen ? undefined : access.roles
    },
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    sweep.stop()
    file?.close()
    save()
    await saving
    await audit?.close()
  }
}

async function recorderOf(
  { audit }: SecurityOptions,
  onError: (error: unknown) => void,
): Promise<AuditRecorder | undefined> {
  if (audit === undefined) return undefined
  return 'recorder' in audit ? audit.recorder : AuditLog.open({ onError, ...audit })
}

function joined(a: LimitsDocument, b: LimitsDocument): LimitsDocument {
  return {
    rates: [...(a.rates ?? []), ...(b.rates ?? [])],
    concurrency: [...(a.concurrency ?? []), ...(b.concurrency ?? [])],
    quotas: [...(a.quotas ?? []), ...(b.quotas ?? [])],
  }
}

function warn(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.emitWarning(message, { code: 'TSMCP_SECURITY' })
}
