import type { Threshold } from '../observability/logs/log.ts'
import type { ProcessReport } from '../observability/report.ts'
import type { AuditBatch, AuditReceipt } from '../security/audit/forwarded-audit.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Introduction } from './introspect.ts'

/** What the serving process tells the supervising one. */
export type WorkerMessage =
  | { readonly kind: 'files'; readonly files: readonly string[] }
  | {
      readonly kind: 'listening'
      readonly url: string
      readonly others: Readonly<Record<string, string>>
      readonly introduction?: Introduction
    }
  /** It takes no further connections, and has closed those that are idle. */
  | { readonly kind: 'draining' }
  /** How it is, as it was asked for. */
  | { readonly kind: 'report'; readonly report: ProcessReport }
  /** Records for the audit log. */
  | { readonly kind: 'audit'; readonly batch: AuditBatch }
  | {
      readonly kind: 'failed'
      /** A file that does not load may be mended; an address that is taken will not free itself. */
      readonly stage: 'load' | 'listen'
      readonly message: string
      readonly stack: string
      readonly exitCode: ExitCode
    }

/** What the supervising process tells the serving one. */
export type SupervisorMessage =
  | { readonly kind: 'serve'; readonly file: string; readonly cwd: string; readonly values: object }
  | { readonly kind: 'drain' }
  | { readonly kind: 'report' }
  | { readonly kind: 'log-level'; readonly level: Threshold }
  | { readonly kind: 'audited'; readonly receipt: AuditReceipt }
