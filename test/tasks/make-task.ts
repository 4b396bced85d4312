import type { TaskRecord } from '../../src/index.ts'

/** A task of `me` that has just begun, but for the members that are given. */
export function makeTask(taskId: string, members: Partial<TaskRecord> = {}): TaskRecord {
  const nowMs = Date.now()
  return {
    taskId,
    owner: 'me',
    form: 'extension',
    method: 'tools/call',
    status: 'working',
    createdAtMs: nowMs,
    lastUpdatedAtMs: nowMs,
    ttlMs: 60_000,
    pollIntervalMs: 1000,
    ...members,
  }
}
