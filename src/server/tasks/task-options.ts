import type { TaskStore } from './task-store.ts'

/** Limits of the tasks that tools may become, and where they are kept. */
export interface TaskOptions {
  /** Milliseconds for which a task is kept after its creation, unless tool or client say otherwise. Default 1 hour. */
  ttlMs?: number
  /** The most that a tool or client may ask for. Default 24 hours. */
  maxTtlMs?: number
  /** Milliseconds that clients are asked to wait between two looks at a task. Default 1000. */
  pollIntervalMs?: number
  /** Tasks that one principal may have, running or kept. Default 1000. */
  maxPerPrincipal?: number
  /** Tasks of all together, unless they are kept in a `store` of yours. Default 10,000. */
  max?: number
  /** Where tasks are kept. Default: with the sessions; in memory until the server is closed, or in the data folder. */
  store?: TaskStore
}

export interface TaskLimits {
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly pollIntervalMs: number
  readonly maxPerPrincipal: number
  readonly max: number
  /** Tasks on one page of a list. */
  readonly pageSize: number
  readonly store: TaskStore | undefined
}

/** A task that is gone before its client could ask for it once would be of no use. */
const minTtlMs = 1000

/** @throws RangeError for a limit that is no integer or too small */
export function taskLimits(options: TaskOptions = {}, pageSize = 1000): TaskLimits {
  const limits = {
    ttlMs: options.ttlMs ?? 3_600_000,
    maxTtlMs: options.maxTtlMs ?? Math.max(86_400_000, options.ttlMs ?? 0),
    pollIntervalMs: options.pollIntervalMs ?? 1000,
    maxPerPrincipal: options.maxPerPrincipal ?? 1000,
    max: options.max ?? 10_000,
  }
  for (const [name, value] of Object.entries(limits)) {
    const min = name.toLowerCase().endsWith('ttlms') ? minTtlMs : 1
    if (!Number.isSafeInteger(value) || value < min) {
      throw new RangeError(`tasks.${name} must be an integer of at least ${min}, got ${value}`)
    }
  }
  if (limits.ttlMs > limits.maxTtlMs) {
    throw new RangeError('tasks.ttlMs must not be greater than tasks.maxTtlMs')
  }
  return { ...limits, pageSize, store: options.store }
}

/** The time that a task gets of what was asked for. */
export function clampTtl(wantedMs: number, { maxTtlMs }: TaskLimits): number {
  return Math.round(Math.min(Math.max(wantedMs, minTtlMs), maxTtlMs))
}
