/**
 * How an upstream is. `stopped`: nobody has needed it yet, or for a while. `resting`: it has failed and will be started
 * again. `quarantined`: it has failed too often; only much later it is tried once more.
 */
export type UpstreamState = 'stopped' | 'starting' | 'ready' | 'resting' | 'quarantined' | 'closed'

/** What an operator sees of an upstream. */
export interface UpstreamStatus {
  readonly name: string
  readonly state: UpstreamState
  /** Why it is not ready. */
  readonly reason: string | undefined
  /** Starts after failures, since the gateway runs. */
  readonly restarts: number
  readonly connections: number
  readonly running: number
  readonly pids: readonly number[]
  readonly tools: number
}
