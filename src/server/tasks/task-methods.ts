import { McpError } from '../../protocol/errors.ts'
import { declaredExtension, extensionId, missingExtension } from '../../protocol/extensions.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import {
  isTerminal,
  shapeAugmentedTask,
  shapeDetailedTask,
  type TaskRecord,
  withRelatedTask,
} from '../../protocol/tasks.ts'
import type { JsonObject } from '../../protocol/types.ts'
import { Session } from '../../sessions/session.ts'
import type { RequestContext } from '../context.ts'
import type { MethodHandler, MethodHost } from '../service.ts'

/** The methods of tasks, in both forms; which of them a client may call, its revision says. */
export const taskMethods: ReadonlyMap<string, MethodHandler> = new Map<string, MethodHandler>([
  ['tasks/get', getTask],
  ['tasks/update', updateTask],
  ['tasks/cancel', cancelTask],
  ['tasks/result', taskResult],
  ['tasks/list', listTasks],
])

async function getTask(context: RequestContext, params: JsonObject, host: MethodHost) {
  const { peer } = context
  const task = await findTask(context, params, host)
  if (peer.revision.tasks === 'extension') return shapeDetailedTask(task)
  // It may have opened its stream after the task had asked.
  if (peer instanceof Session) host.tasks.live(task.taskId)?.announce(peer)
  return shapeAugmentedTask(task)
}

async function updateTask(context: RequestContext, params: JsonObject, host: MethodHost) {
  requireExtension(context)
  const { inputResponses } = params
  if (!isJsonObject(inputResponses)) {
    throw new McpError('INVALID_PARAMS', 'Invalid params: inputResponses must be an object')
  }
  const { taskId } = await host.tasks.find(params.taskId, context.peer)
  const live = host.tasks.live(taskId)
  live?.questions.answer(inputResponses)
  // Whoever asks for the task next is shown what is kept, and must not find open what has been answered.
  await live?.kept
  return {}
}

async function cancelTask(context: RequestContext, params: JsonObject, host: MethodHost) {
  const task = await findTask(context, params, host)
  const isExtension = context.peer.revision.tasks === 'extension'
  const reason = 'The client cancelled the task'
  if (!isTerminal(task.status)) {
    const cancelled = await host.tasks.cancel(task, reason)
    return isExtension ? {} : shapeAugmentedTask(cancelled)
  }
  if (isExtension) return {}
  const { status } = shapeAugmentedTask(task)
  throw new McpError('INVALID_PARAMS', `Cannot cancel the task: it is ${status} already`)
}

/** `tasks/result`: answers when the task is over, with what its request would have been answered with. */
async function taskResult(context: RequestContext, params: JsonObject, { tasks }: MethodHost) {
  context.isLongLived = true
  const found = await tasks.find(params.taskId, context.peer)
  const task = await (tasks.live(found.taskId)?.wait(context) ?? found)
  if (task.status === 'completed') return withRelatedTask(task.result ?? {}, task.taskId)
  if (task.status === 'cancelled') {
    throw new McpError('REQUEST_CANCELLED', task.statusMessage ?? 'The task was cancelled')
  }
  if (task.error === undefined) {
    throw new McpError('INTERNAL_ERROR', 'The task does not run here, so its end cannot be awaited')
  }
  const { name, code, message, data } = task.error
  const hasOwnCode = name === 'APPLICATION_ERROR'
  throw new McpError(name, message, { data, ...(hasOwnCode && { rpcCode: code }) })
}

async function listTasks({ peer }: RequestContext, { cursor }: JsonObject, { tasks }: MethodHost) {
  const { pageSize } = tasks.limits
  const all = await tasks.list(peer)
  const rest = cursor === undefined ? all : after(all, readCursor(cursor))
  const page = rest.slice(0, pageSize)
  const last = page.at(-1)
  return {
    tasks: page.map(shapeAugmentedTask),
    ...(last !== undefined && rest.length > pageSize && { nextCursor: writeCursor(last) }),
  }
}

/** The task that a client may look at. @throws McpError */
async function findTask(context: RequestContext, params: JsonObject, { tasks }: MethodHost) {
  const { peer, method } = context
  if (peer.revision.tasks !== 'extension' || declares(peer)) return tasks.find(params.taskId, peer)
  // Who knows the older form only may still look after tasks that were begun in it (SEP-2663, backward-compatibility).
  const knowsOlder = peer.clientCapabilities.tasks !== undefined
  const task = knowsOlder ? await tasks.find(params.taskId, peer).catch(() => undefined) : undefined
  if (task?.form !== 'augmented') throw missingExtension(extensionId.tasks, method)
  return task
}

function requireExtension({ peer, method }: RequestContext): void {
  if (!declares(peer)) throw missingExtension(extensionId.tasks, method)
}

function declares(peer: RequestContext['peer']): boolean {
  return declaredExtension(peer.clientCapabilities, extensionId.tasks) !== undefined
}

// A cursor is the place of the last task that was given, which may be gone when the client comes back.

function writeCursor({ createdAtMs, taskId }: TaskRecord): string {
  return btoa(`${createdAtMs} ${taskId}`)
}

function readCursor(cursor: unknown): { createdAtMs: number; taskId: string } {
  let found: RegExpExecArray | null = null
  if (typeof cursor === 'string' && cursor.length < 200) {
    try {
      found = /^(\d{1,16}) (\S+)$/.exec(atob(cursor))
    } catch {
      // not base64: not ours
    }
  }
  const [, createdAtMs, taskId] = found ?? []
  if (createdAtMs === undefined || taskId === undefined) {
    throw new McpError('INVALID_PARAMS', 'Invalid params: unknown cursor')
  }
  return { createdAtMs: Number(createdAtMs), taskId }
}

function after(
  tasks: readonly TaskRecord[],
  place: { createdAtMs: number; taskId: string },
): readonly TaskRecord[] {
  const index = tasks.findIndex(({ taskId }) => taskId === place.taskId)
  if (index >= 0) return tasks.slice(index + 1)
  return tasks.filter(({ createdAtMs }) => createdAtMs > place.createdAtMs)
}
