import { McpError } from '../../protocol/errors.ts'
import type { TaskRecord } from '../../protocol/tasks.ts'

/**
 * Where tasks are kept. A store that keeps them elsewhere answers with promises; calls for one task come in the order
 * in which they must take effect.
 */
export interface TaskStore {
  /**
   * Keeps a new task, or the new state of one. Once that is done, `get` finds it.
   *
   * @throws McpError TOO_MANY_TASKS for a new task when the store is full
   */
  save(task: TaskRecord): void | Promise<void>
  get(taskId: string): TaskRecord | undefined | Promise<TaskRecord | undefined>
  /** The tasks of one owner, in the order in which they were created. */
  list(owner: string): readonly TaskRecord[] | Promise<readonly TaskRecord[]>
  count(owner: string): number | Promise<number>
  delete(taskId: string): void | Promise<void>
  /** Forgets tasks whose time has run out. Called once a second. */
  sweep(nowMs: number): void | Promise<void>
}

/** Tasks in the memory of the process. */
export class MemoryTaskStore implements TaskStore {
  readonly #tasks = new Map<string, TaskRecord>()
  /** Ids by owner: the lists of others are not looked through. */
  readonly #byOwner = new Map<string, Set<string>>()
  readonly #max: number

  /** @param max - tasks at one time, of all owners together */
  constructor(max: number) {
    this.#max = max
  }

  save(task: TaskRecord): void {
    const isNew = !this.#tasks.has(task.taskId)
    if (isNew && this.#tasks.size >= this.#max) {
      throw new McpError(
        'TOO_MANY_TASKS',
        `Too many tasks: the server keeps ${this.#max} at a time`,
      )
    }
    this.#tasks.set(task.taskId, task)
    if (!isNew) return
    const ids = this.#byOwner.get(task.owner)
    if (ids === undefined) this.#byOwner.set(task.owner, new Set([task.taskId]))
    else ids.add(task.taskId)
  }

  get(taskId: string): TaskRecord | undefined {
    return this.#tasks.get(taskId)
  }

  list(owner: string): readonly TaskRecord[] {
    return [...(this.#byOwner.get(owner) ?? [])].flatMap((id) => this.#tasks.get(id) ?? [])
  }

  count(owner: string): number {
    return this.#byOwner.get(owner)?.size ?? 0
  }

  delete(taskId: string): void {
    const task = this.#tasks.get(taskId)
    if (task === undefined) return
    this.#tasks.delete(taskId)
    const ids = this.#byOwner.get(task.owner)
    ids?.delete(taskId)
    if (ids?.size === 0) this.#byOwner.delete(task.owner)
  }

  sweep(nowMs: number): void {
    for (const { taskId, createdAtMs, ttlMs } of this.#tasks.values()) {
      if (nowMs >= createdAtMs + ttlMs) this.delete(taskId)
    }
  }
}
