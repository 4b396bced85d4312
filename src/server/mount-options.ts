import type { ErrorHook } from './report-error.ts'

export interface MountOptions {
  /** For how long, and by whom, lists and resources may be cached. Default: not at all, and privately. */
  cache?: { ttlMs?: number; scope?: 'public' | 'private' }
  requestState?: { secret?: string | Uint8Array; ttlMs?: number }
  /** Default 300,000. */
  handlerTimeoutMs?: number
  /** Told of what goes wrong inside. Default: one line on stderr. */
  onError?: ErrorHook
}
