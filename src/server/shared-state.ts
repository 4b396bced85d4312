import type { UsedOnce } from '../internal/used-once.ts'

/** What all processes that serve the same data know together, now and after a restart. */
export interface SharedState {
  /** At least 32 random bytes that nobody else knows. */
  readonly secret: Uint8Array
  readonly used: UsedOnce
}
