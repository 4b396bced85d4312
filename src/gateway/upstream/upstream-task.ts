import { McpError } from '../../protocol/errors.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'
import type { Call } from './call.ts'
import type { Connection } from './connection.ts'

const minPollMs = 50
const maxPollMs = 30_000
const defaultPollMs = 1000

/** The id of the task that a result says its request has become, in either form. */
export function taskIdOf(result: JsonObject): string | undefined {
  const task = result.resultType === 'task' ? result : result.task
  return isJsonObject(task) && typeof task.taskId === 'string' ? task.taskId : undefined
}

/**
 * Waits for the end of an upstream's task, and gives what its request would have been answered with. What the task asks
 * meanwhile goes to the client. When the client gives up, the task is cancelled.
 *
 * @throws McpError when the task has failed or was cancelled
 */
export async function taskOutcome(
  connection: Connection,
  call: Call,
  created: JsonObject,
  taskId: string,
): Promise<JsonObject> {
  call.taskId = taskId
  try {
    if (created.resultType !== 'task') {
      // It is answered when the task is over, and what the task asks comes on the same way (2025-11-25, tasks).
      return withoutRelation(await connection.request('tasks/result', { taskId }, call))
    }
    return await polled(connection, call, created, taskId)
  } catch (error) {
    if (call.signal.aborted) {
      // Nobody waits for it any more, nor for the answer to this.
      connection.peer.request('tasks/cancel', { taskId }).catch(() => {})
    }
    throw error
  }
}

async function polled(
  connection: Connection,
  call: Call,
  created: JsonObject,
  taskId: string,
): Promise<JsonObject> {
  const answered = new Set<string>()
  let task = created
  for (;;) {
    switch (task.status) {
      case 'completed':
        return isJsonObject(task.result) ? task.result : {}
      case 'failed':
        throw failureOf(task.error)
      case 'cancelled':
        throw new McpError('REQUEST_CANCELLED', messageOf(task) ?? 'The task was cancelled')
      case 'input_required':
        await answer(connection, call, task, taskId, answered)
        break
    }
    const message = messageOf(task)
    if (message !== undefined) call.context.task?.describe(message)
    await pause(task.pollIntervalMs, call.signal)
    task = await connection.request('tasks/get', { taskId }, call)
  }
}

async function answer(
  connection: Connection,
  call: Call,
  { inputRequests }: JsonObject,
  taskId: string,
  answered: Set<string>,
): Promise<void> {
  const open = Object.entries(isJsonObject(inputRequests) ? inputRequests : {}).filter(
    ([key]) => !answered.has(key),
  )
  if (open.length === 0) return
  const answers = open.map(async ([key, question]) => {
    if (!isJsonObject(question) || typeof question.method !== 'string') {
      throw new McpError('INVALID_RESPONSE', 'A task asks for something that is no request')
    }
    const params = isJsonObject(question.params) ? question.params : {}
    const given = await call.ask(question.method, params)
    answered.add(key)
    return [key, given] as const
  })
  const inputResponses = Object.fromEntries(await Promise.all(answers))
  await connection.request('tasks/update', { taskId, inputResponses }, call)
}

function failureOf(error: unknown): McpError {
  if (!isJsonObject(error) || typeof error.code !== 'number') return new McpError('INTERNAL_ERROR')
  const { code, message, data } = error
  return McpError.received({ code, message: String(message), data })
}

function messageOf({ statusMessage }: JsonObject): string | undefined {
  return typeof statusMessage === 'string' ? statusMessage : undefined
}

async function pause(wantedMs: unknown, signal: AbortSignal): Promise<void> {
  const wanted = typeof wantedMs === 'number' ? wantedMs : defaultPollMs
  const waitMs = Math.min(Math.max(wanted, minPollMs), maxPollMs)
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, waitMs)
    const stop = (): void => {
      clearTimeout(timer)
      reject(new McpError('REQUEST_CANCELLED'))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** The client's own task is another one. */
function withoutRelation(result: JsonObject): JsonObject {
  const { _meta, ...rest } = result
  if (!isJsonObject(_meta)) return result
  const { 'io.modelcontextprotocol/related-task': _, ...meta } = _meta
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
}
