import { type ExitCode, exitCodeOf } from './exit-codes.ts'
import type { Io } from './io.ts'

/** What is done at the first signal, and what else ends the wait. */
export interface StopPlan {
  /** Ends gracefully: resolves when everything in flight is over or the deadline has passed. */
  close(): Promise<unknown>
  /** Called at the first signal, before `close`. */
  onStopping(): void
  /** Resolves when there is nothing left to wait for, without any signal. */
  readonly ended?: Promise<unknown>
}

/** Waits for a signal, then for the graceful end; a second signal ends the wait at once. */
export function untilStopped(io: Io, plan: StopPlan): Promise<ExitCode> {
  const { promise, resolve, reject } = Promise.withResolvers<ExitCode>()
  let isStopping = false
  const unsubscribe = io.onSignal((signal) => {
    if (isStopping) {
      resolve(exitCodeOf(signal))
      return
    }
    isStopping = true
    plan.onStopping()
    plan.close().then(() => resolve(0), reject)
  })
  plan.ended?.then(() => {
    if (!isStopping) resolve(0)
  }, reject)
  return promise.finally(unsubscribe)
}
