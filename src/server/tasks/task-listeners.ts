import { McpError } from '../../protocol/errors.ts'
import { declaredExtension, extensionId, missingExtension } from '../../protocol/extensions.ts'
import { shapeDetailedTask, type TaskRecord } from '../../protocol/tasks.ts'
import type { JsonObject } from '../../protocol/types.ts'
import type { RequestContext } from '../context.ts'
import type { ListenTopic, OpenTopic, Tell } from '../listen-topic.ts'
import { ownerOf } from './task-owner.ts'

/** Tasks that one listener may ask to hear of. */
const maxTaskIds = 1000

type FindTask = (taskId: string) => TaskRecord | undefined | Promise<TaskRecord | undefined>

/** Who wants to hear of which tasks on a `subscriptions/listen` stream (SEP-2663, task-status-notifications). */
export class TaskListeners implements ListenTopic {
  readonly #byTask = new Map<string, Set<Tell>>()
  readonly #find: FindTask
  readonly #onError: (error: unknown) => void

  constructor(find: FindTask, onError: (error: unknown) => void) {
    this.#find = find
    this.#onError = onError
  }

  /** Tasks that somebody listens to. */
  get size(): number {
    return this.#byTask.size
  }

  open(
    { peer }: RequestContext,
    { taskIds }: JsonObject,
  ): undefined | OpenTopic | Promise<OpenTopic> {
    if (taskIds === undefined) return undefined
    if (declaredExtension(peer.clientCapabilities, extensionId.tasks) === undefined) {
      throw missingExtension(extensionId.tasks, 'notifications.taskIds')
    }
    if (!Array.isArray(taskIds) || !taskIds.every((id) => typeof id === 'string')) {
      throw new McpError(
        'INVALID_PARAMS',
        'Invalid params: notifications.taskIds must be an array of strings',
      )
    }
    if (taskIds.length > maxTaskIds) {
      throw new McpError('INVALID_PARAMS', `Invalid params: at most ${maxTaskIds} taskIds`)
    }
    return this.#open(ownerOf(peer), [...new Set<string>(taskIds)])
  }

  /** Tells all who listen to it what has become of a task. */
  changed(task: TaskRecord): void {
    const listeners = this.#byTask.get(task.taskId)
    if (listeners === undefined) return
    const params = shapeDetailedTask(task)
    for (const tell of listeners) tell('notifications/tasks', params)
  }

  async #open(owner: string, taskIds: readonly string[]): Promise<OpenTopic> {
    const found = await Promise.all(taskIds.map((id) => this.#find(id)))
    const tasks = found.filter((task) => task?.owner === owner)
    const agreed = tasks.flatMap((task) => task?.taskId ?? [])
    return { agreed: { taskIds: agreed }, start: (tell) => this.#start(agreed, tell) }
  }

  /** What has happened before somebody began to listen is told at once: it may be all that there is to tell. */
  async #catchUp(taskId: string, tell: Tell): Promise<void> {
    const task = await this.#find(taskId)
    const isListening = this.#byTask.get(taskId)?.has(tell) === true
    if (task === undefined || task.status === 'working' || !isListening) return
    tell('notifications/tasks', shapeDetailedTask(task))
  }

  #start(taskIds: readonly string[], tell: Tell): () => void {
    for (const id of taskIds) {
      const listeners = this.#byTask.get(id)
      if (listeners === undefined) this.#byTask.set(id, new Set([tell]))
      else listeners.add(tell)
      this.#catchUp(id, tell).catch(this.#onError)
    }
    return () => {
      for (const id of taskIds) {
        const listeners = this.#byTask.get(id)
        listeners?.delete(tell)
        if (listeners?.size === 0) this.#byTask.delete(id)
      }
    }
  }
}
