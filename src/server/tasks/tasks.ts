import { randomId } from '../../internal/random-id.ts'
import { McpError } from '../../protocol/errors.ts'
import { encodeNotification } from '../../protocol/json-rpc.ts'
import { isTerminal, shapeAugmentedTask, type TaskRecord } from '../../protocol/tasks.ts'
import type { Peer } from '../../sessions/peer.ts'
import type { Session } from '../../sessions/session.ts'
import type { RequestContext } from '../context.ts'
import { isPromise, mapMaybe } from '../maybe-promise.ts'
import { LiveTask } from './live-task.ts'
import { TaskListeners } from './task-listeners.ts'
import { clampTtl, type TaskLimits } from './task-options.ts'
import { ownerOf, ownerOfSession } from './task-owner.ts'
import { MemoryTaskStore, type TaskStore } from './task-store.ts'

/** What a tool or a client wishes of a task that is to begin. */
export interface TaskWishes {
  readonly ttlMs?: number
  readonly pollIntervalMs?: number
}

/** The tasks of one engine: those that run here, and those that are kept. Whatever form their clients speak. */
export class Tasks {
  readonly listeners: TaskListeners
  readonly limits: TaskLimits
  /** Told of failures that no request can be answered with. */
  readonly onError: (error: unknown) => void
  readonly #store: TaskStore
  readonly #live = new Map<string, LiveTask>()
  #isClosed = false

  /** @param makeStore - where tasks are kept, unless the server has a store of its own; default: in memory */
  constructor(
    limits: TaskLimits,
    onError: (error: unknown) => void,
    makeStore: (max: number) => TaskStore = (max) => new MemoryTaskStore(max),
  ) {
    this.limits = limits
    this.#store = limits.store ?? makeStore(limits.max)
    this.onError = onError
    this.listeners = new TaskListeners((taskId) => this.#lookUp(taskId), onError)
  }

  /** Tasks whose handlers run. */
  get running(): number {
    return this.#live.size
  }

  /**
   * Makes a task of a call. Once that is done, the task can be found.
   *
   * @throws McpError TOO_MANY_TASKS when its owner, or all together, have as many as allowed
   */
  async begin(context: RequestContext, wishes: TaskWishes): Promise<LiveTask> {
    this.#requireListener(context)
    const { maxPerPrincipal } = this.limits
    const owner = ownerOf(context.peer)
    if ((await this.#store.count(owner)) >= maxPerPrincipal) {
      throw new McpError(
        'TOO_MANY_TASKS',
        `Too many tasks: a client may have ${maxPerPrincipal} at a time, running or kept`,
      )
    }
    const nowMs = Date.now()
    const record: TaskRecord = {
      taskId: randomId(),
      owner,
      form: context.peer.revision.tasks,
      method: context.method,
      status: 'working',
      createdAtMs: nowMs,
      lastUpdatedAtMs: nowMs,
      ttlMs: clampTtl(wishes.ttlMs ?? this.limits.ttlMs, this.limits),
      pollIntervalMs: wishes.pollIntervalMs ?? this.limits.pollIntervalMs,
    }
    await this.#store.save(record)
    try {
      this.#requireListener(context)
    } catch (error) {
      await this.#store.delete(record.taskId)
      throw error
    }
    const task = new LiveTask(record, context, (changed, isNews) => this.#changed(changed, isNews))
    this.#live.set(record.taskId, task)
    return task
  }

  /** The task of that id, if it is the peer's. @throws McpError INVALID_PARAMS, the same when it is another's */
  async find(taskId: unknown, peer: Peer): Promise<TaskRecord> {
    if (typeof taskId !== 'string') {
      throw new McpError('INVALID_PARAMS', 'Invalid params: taskId must be a string')
    }
    const task = await this.#lookUp(taskId)
    if (task === undefined || task.owner !== ownerOf(peer)) {
      throw new McpError('INVALID_PARAMS', 'Task not found: its id is unknown, or its time is up')
    }
    return task
  }

  /** The task of that id if its handler runs here. */
  live(taskId: string): LiveTask | undefined {
    return this.#live.get(taskId)
  }

  /** All tasks of the peer, in the order in which they were created. */
  async list(peer: Peer): Promise<readonly TaskRecord[]> {
    const kept = await this.#store.list(ownerOf(peer))
    return kept.map((task) => this.#live.get(task.taskId)?.shown ?? task)
  }

  /** Ends a task as cancelled, whether its handler runs here or not. */
  async cancel(task: TaskRecord, reason: string): Promise<TaskRecord> {
    const live = this.#live.get(task.taskId)
    if (live !== undefined) {
      live.cancel(reason)
      await live.kept
      return live.record
    }
    const cancelled: TaskRecord = {
      ...task,
      status: 'cancelled',
      statusMessage: reason,
      lastUpdatedAtMs: Date.now(),
    }
    await this.#store.save(cancelled)
    this.listeners.changed(cancelled)
    return cancelled
  }

  /** Ends what has run for too long, and lets the store forget what is too old. */
  sweep(nowMs: number): void {
    for (const task of this.#live.values()) {
      // Whoever has a task running is not idle, even if it does not ask.
      if (task.session !== undefined) task.session.lastSeenMs = nowMs
      if (nowMs < task.expiresAtMs) continue
      const message = `The task did not end within its time to live of ${task.record.ttlMs} ms`
      task.stop(new McpError('HANDLER_TIMEOUT', message))
      this.#live.delete(task.taskId)
    }
    this.#inStore(() => this.#store.sweep(nowMs))
  }

  /** Nobody can ask for the tasks of a session that has no principal: they end with it. */
  sessionEnded(session: Session): void {
    if (session.authInfo !== undefined) return
    const owner = ownerOfSession(session)
    for (const task of this.#live.values()) {
      if (task.record.owner === owner) task.cancel('The session has ended')
    }
    this.#inStore(async () => {
      for (const { taskId } of await this.#store.list(owner)) await this.#store.delete(taskId)
    })
  }

  /** Stops all that runs. Idempotent. */
  close(): void {
    this.#isClosed = true
    for (const task of this.#live.values()) task.stop(new McpError('SHUTTING_DOWN'))
  }

  /** A task that nobody will ever hear of does not begin. */
  #requireListener({ isSettled }: RequestContext): void {
    if (this.#isClosed) throw new McpError('SHUTTING_DOWN')
    if (isSettled) throw new McpError('REQUEST_CANCELLED')
  }

  #lookUp(taskId: string): TaskRecord | undefined | Promise<TaskRecord | undefined> {
    return this.#live.get(taskId)?.shown ?? this.#store.get(taskId)
  }

  /** Nobody is told of a state before it is kept, or it has turned out that it cannot be. */
  #changed(task: LiveTask, isNews: boolean): void | Promise<void> {
    const { record } = task
    return mapMaybe(this.#save(record), (isKept) => {
      task.shown = record
      // As long as the store does not have its end, the task is served from here.
      if (isKept && isTerminal(record.status)) this.#live.delete(record.taskId)
      if (isNews) this.#tell(task, record)
    })
  }

  /** Whether the store has it now. */
  #save(record: TaskRecord): boolean | Promise<boolean> {
    const fail = (error: unknown): boolean => {
      this.onError(error)
      return false
    }
    try {
      const saving = this.#store.save(record)
      return isPromise(saving) ? (saving as Promise<void>).then(() => true, fail) : true
    } catch (error) {
      return fail(error)
    }
  }

  #tell(task: LiveTask, record: TaskRecord): void {
    this.listeners.changed(record)
    if (record.form === 'augmented') {
      const params = shapeAugmentedTask(record)
      task.session?.outlet?.send(encodeNotification('notifications/tasks/status', params))
    }
  }

  /** What the store does on its own time must not throw where nobody would catch it. */
  #inStore(work: () => void | Promise<void>): void {
    try {
      work()?.catch(this.onError)
    } catch (error) {
      this.onError(error)
    }
  }
}
