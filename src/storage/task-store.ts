import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { McpError } from '../protocol/errors.ts'
import { isTerminal, type TaskRecord } from '../protocol/tasks.ts'
import type { WriteQueue } from './write-queue.ts'

/** What the store works on. */
export interface TaskStoreHost {
  readonly reader: DatabaseSync
  readonly queue: WriteQueue
  readonly run: number
  readonly taskCount: number
}

/**
 * Tasks in the database: a `TaskStore`, as server/tasks has it. What it is given is kept when its promise is fulfilled.
 * The state of a task that cannot be kept is refused, and tried again all the same.
 */
export class SqliteTasks {
  readonly #queue: WriteQueue
  readonly #run: number
  readonly #max: number
  readonly #selectOne: StatementSync
  readonly #selectAll: StatementSync
  readonly #selectCount: StatementSync
  readonly #countAll: StatementSync
  #size: number

  /** @param max - tasks at one time, of all owners together */
  constructor({ reader, queue, run, taskCount }: TaskStoreHost, max: number) {
    this.#queue = queue
    this.#run = run
    this.#max = max
    this.#size = taskCount
    this.#selectOne = reader.prepare('SELECT record FROM tasks WHERE id = ?')
    this.#selectAll = reader.prepare('SELECT record FROM tasks WHERE owner = ? ORDER BY created_at')
    this.#selectCount = reader.prepare('SELECT count(*) AS n FROM tasks WHERE owner = ?')
    this.#countAll = reader.prepare('SELECT count(*) AS n FROM tasks')
  }

  async save(task: TaskRecord): Promise<void> {
    const isNew = this.#selectOne.get(task.taskId) === undefined
    if (isNew) this.#requireRoom()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const values = [
      task.taskId,
      task.owner,
      this.#run,
      isTerminal(task.status) ? 1 : 0,
      task.createdAtMs,
      task.createdAtMs + task.ttlMs,
      JSON.stringify(task),
    ]
    const done = (problem: Error | undefined): void => {
      if (problem === undefined) resolve()
      else if (isNew) reject(new McpError('STORAGE_UNAVAILABLE', undefined, { cause: problem }))
      else reject(problem)
    }
    if (isNew) this.#queue.writeOrRefuse('saveTask', values, done)
    else this.#queue.write('saveTask', values, done)
    await promise
    if (isNew) this.#size += 1
  }

  get(taskId: string): TaskRecord | undefined {
    const row = this.#selectOne.get(taskId)
    return row === undefined ? undefined : JSON.parse(String(row.record))
  }

  list(owner: string): readonly TaskRecord[] {
    return this.#selectAll.all(owner).map(({ record }) => JSON.parse(String(record)))
  }

  count(owner: string): number {
    return Number(this.#selectCount.get(owner)?.n)
  }

  delete(taskId: string): Promise<void> {
    return new Promise((resolve) =>
      this.#queue.write('deleteTask', [taskId], () => {
        this.#size = Math.max(this.#size - 1, 0)
        resolve()
      }),
    )
  }

  /** The thread that writes clears tasks away whose time has run out. */
  sweep(): void {}

  #requireRoom(): void {
    if (this.#size < this.#max) return
    // Others add and clear away as well.
    this.#size = Number(this.#countAll.get()?.n)
    if (this.#size < this.#max) return
    throw new McpError('TOO_MANY_TASKS', `Too many tasks: the server keeps ${this.#max} at a time`)
  }
}
