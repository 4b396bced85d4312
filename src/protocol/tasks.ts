import type { ErrorCode } from './errors.ts'
import { taskMetaKey } from './meta.ts'
import type { Revision } from './revisions/revision.ts'
import type { ContentBlock, JsonObject } from './types.ts'

export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled'

/** A question of a task that waits for the client's answer. */
export interface TaskInputRequest {
  readonly method: string
  readonly params: JsonObject
}

/** The JSON-RPC error that a call ended with, and its stable name. */
export interface TaskError {
  readonly name: ErrorCode
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** All that is known of a task, as plain JSON: what a store keeps. */
export interface TaskRecord {
  readonly taskId: string
  /** Whose it is: for anybody else it does not exist. */
  readonly owner: string
  /** The form of tasks that the client spoke who began it. */
  readonly form: Revision['tasks']
  /** The request that became a task. */
  readonly method: string
  readonly status: TaskStatus
  readonly statusMessage?: string
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  readonly lastUpdatedAtMs: number
  /** Milliseconds after its creation for which the task is kept. */
  readonly ttlMs: number
  readonly pollIntervalMs: number
  /** While `input_required`: the questions, by their keys. */
  readonly inputRequests?: { readonly [key: string]: TaskInputRequest }
  /** Once `completed`: what the request would have been answered with. */
  readonly result?: JsonObject
  /** Once `failed`. */
  readonly error?: TaskError
}

/** A status that is never left. */
export function isTerminal(status: TaskStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/**
 * A task as 2025-11-25 has it (basic/utilities/tasks#task). There a tool that reports an error has failed, which in
 * the extension it has not: what a record says is the extension's view.
 */
export function shapeAugmentedTask(task: TaskRecord): JsonObject {
  const isToolError = task.status === 'completed' && task.result?.isError === true
  const message = task.statusMessage ?? (isToolError ? errorText(task.result) : undefined)
  return {
    taskId: task.taskId,
    status: isToolError ? 'failed' : task.status,
    ...(message !== undefined && { statusMessage: message }),
    createdAt: new Date(task.createdAtMs).toISOString(),
    lastUpdatedAt: new Date(task.lastUpdatedAtMs).toISOString(),
    ttl: task.ttlMs,
    pollInterval: task.pollIntervalMs,
  }
}

/** What all messages of the extension say of a task (SEP-2663, tasks). */
function shapeExtensionTask(task: TaskRecord): JsonObject {
  return {
    taskId: task.taskId,
    status: task.status,
    ...(task.statusMessage !== undefined && { statusMessage: task.statusMessage }),
    createdAt: new Date(task.createdAtMs).toISOString(),
    lastUpdatedAt: new Date(task.lastUpdatedAtMs).toISOString(),
    ttlMs: task.ttlMs,
    pollIntervalMs: task.pollIntervalMs,
  }
}

/** A task with what its status brings: the questions, the result or the error (SEP-2663, task-status). */
export function shapeDetailedTask(task: TaskRecord): JsonObject {
  const shaped = shapeExtensionTask(task)
  if (task.status === 'input_required') shaped.inputRequests = task.inputRequests ?? {}
  // As the request itself would have been answered, with the `resultType` that all results have there.
  if (task.status === 'completed') shaped.result = { resultType: 'complete', ...task.result }
  if (task.status === 'failed' && task.error !== undefined) {
    const { name: _, ...error } = task.error
    shaped.error = error
  }
  return shaped
}

/**
 * The answer to a request that has become a task.
 *
 * @param immediateResponse - what the model is told meanwhile; only 2025-11-25 has a place for it
 */
export function createTaskResult(task: TaskRecord, immediateResponse?: string): JsonObject {
  if (task.form === 'extension') return { resultType: 'task', ...shapeExtensionTask(task) }
  const result: JsonObject = { task: shapeAugmentedTask(task) }
  if (immediateResponse !== undefined) {
    result._meta = { [taskMetaKey.immediateResponse]: immediateResponse }
  }
  return result
}

/** Marks a message as one of a task (2025-11-25, tasks#related-task-metadata). */
export function withRelatedTask(message: JsonObject, taskId: string): JsonObject {
  const meta = message._meta as JsonObject | undefined
  return { ...message, _meta: { ...meta, [taskMetaKey.relatedTask]: { taskId } } }
}

const maxErrorText = 500

/** The text by which a tool reported its error. */
function errorText(result: JsonObject | undefined): string {
  const content = (result?.content ?? []) as ContentBlock[]
  const block = content.find((each) => each.type === 'text')
  return block?.type === 'text' ? block.text.slice(0, maxErrorText) : 'The tool reported an error'
}
