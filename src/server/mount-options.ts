import type { ErrorHook } from './report-error.ts'
import type { RequestStateOptions } from './request-state.ts'

export interface MountOptions {
  /** For how long, and by whom, lists and resources may be cached. Default: not at all, and privately. */
  cache?: { ttlMs?: number; scope?: 'public' | 'private' }
  requestState?: RequestStateOptions
  /** Default 300,000. */
  handlerTimeoutMs?: number
  /** Told of what goes wrong inside. Default: one line on stderr. */
  onError?: ErrorHook
}
