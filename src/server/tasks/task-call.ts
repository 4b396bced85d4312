import { McpError } from '../../protocol/errors.ts'
import { declaredExtension, extensionId, missingExtension } from '../../protocol/extensions.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import { createTaskResult } from '../../protocol/tasks.ts'
import type { JsonObject } from '../../protocol/types.ts'
import type { RequestContext } from '../context.ts'
import { InputRequired } from '../input-round.ts'
import type { LiveTask } from './live-task.ts'
import type { Tasks, TaskWishes } from './tasks.ts'

/** How the calls of a tool may become tasks. */
export interface TaskConfig {
  /**
   * `optional`: as a task where the client can have one, else as a plain call. `required`: only as a task; a client
   * that cannot have one is refused.
   */
  support: 'optional' | 'required'
  /**
   * `at-once`: before the handler runs. `by-handler`: when it calls `context.beginTask()`; what it asks before that is
   * part of the request, and a handler that never calls it has answered without a task. Default `at-once`.
   */
  begin?: 'at-once' | 'by-handler'
  /** Milliseconds for which such a task is kept after its creation. Default: the server's. */
  ttlMs?: number
  /** Milliseconds between two looks of the client. Default: the server's. */
  pollIntervalMs?: number
  /** What the model is told while the task runs (2025-11-25). */
  immediateResponse?: string
}

/** @throws TypeError for a support or beginning that there is not, RangeError for times that are none */
export function readTaskConfig(
  task: 'forbidden' | 'optional' | 'required' | TaskConfig | undefined,
): TaskConfig | undefined {
  if (task === undefined || task === 'forbidden') return undefined
  const config = typeof task === 'string' ? { support: task } : task
  if (config.support !== 'optional' && config.support !== 'required') {
    throw new TypeError('task must be "forbidden", "optional" or "required"')
  }
  if (config.begin !== undefined && config.begin !== 'at-once' && config.begin !== 'by-handler') {
    throw new TypeError('task.begin must be "at-once" or "by-handler"')
  }
  for (const name of ['ttlMs', 'pollIntervalMs'] as const) {
    const value = config[name]
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      throw new RangeError(`task.${name} must be a positive integer, got ${value}`)
    }
  }
  return config
}

/**
 * What becomes of a call: `plain` never a task, `may` one if the tool begins it, `must` one in any case.
 *
 * @param offersTasks - whether any tool of the server can be a task
 * @throws McpError when tool and client do not agree: METHOD_NOT_FOUND in 2025-11-25, else MISSING_CLIENT_CAPABILITY
 */
export function taskMode(
  { peer, request }: RequestContext,
  tool: string,
  config: TaskConfig | undefined,
  offersTasks: boolean,
): 'plain' | 'may' | 'must' {
  const isRequired = config?.support === 'required'
  switch (peer.revision.tasks) {
    case 'augmented': {
      // A server without tasks does not know the member (2025-11-25, tasks#task-support-and-handling).
      const isWanted = request.params?.task !== undefined && offersTasks
      if (isWanted && config === undefined) {
        throw new McpError('METHOD_NOT_FOUND', `Tool ${tool} cannot be called as a task`)
      }
      if (!isWanted && isRequired) {
        throw new McpError('METHOD_NOT_FOUND', `Tool ${tool} must be called as a task`)
      }
      return isWanted ? 'must' : 'plain'
    }
    case 'extension': {
      if (config === undefined) return 'plain'
      if (declaredExtension(peer.clientCapabilities, extensionId.tasks) !== undefined) return 'may'
      if (isRequired) throw missingExtension(extensionId.tasks, `Tool ${tool}`)
      return 'plain'
    }
    case 'none':
      if (isRequired) {
        throw new McpError(
          'MISSING_CLIENT_CAPABILITY',
          `Tool ${tool} runs as a task only, and ${peer.revision.name} has no tasks`,
        )
      }
      return 'plain'
  }
}

/**
 * Runs a call that may become a task. The request is answered with the task as soon as that begins, and with the
 * call's own outcome if it never does.
 *
 * @param isCertain - the call is answered with a task whatever happens
 */
export function callAsTask(
  tasks: Tasks,
  context: RequestContext,
  config: TaskConfig,
  isCertain: boolean,
  run: () => object | Promise<object>,
): Promise<object> {
  const wishes = wishesOf(context, config)
  const { promise: answer, resolve, reject } = Promise.withResolvers<object>()
  let beginning: Promise<LiveTask> | undefined
  // The answer is on its way before whoever waits for the beginning goes on: nothing of the task comes before it.
  const begin = (): Promise<LiveTask> => {
    beginning ??= tasks.begin(context, wishes).then(
      (task) => {
        context.task = task
        resolve(createTaskResult(task.record, config.immediateResponse))
        return task
      },
      (error: unknown) => {
        beginning = undefined
        throw error
      },
    )
    return beginning
  }
  context.becomeTask = async () => {
    // The task would be answered with what is still to be asked (SEP-2663, task-creation).
    if (context.isWaitingForInput) throw new InputRequired('A question is open')
    await begin()
  }
  const finish = async (): Promise<void> => {
    let end: (task: LiveTask) => void
    try {
      const result = await run()
      if (beginning === undefined && !isCertain) return resolve(result)
      end = (task) => task.complete(result as JsonObject)
    } catch (error) {
      if (beginning === undefined && !isCertain) return reject(error)
      const failure = error instanceof McpError ? error : new McpError('INTERNAL_ERROR')
      if (failure !== error) tasks.onError(error)
      end = (task) => task.fail(failure)
    }
    end(await begin())
  }
  finish().catch(reject)
  return answer
}

function wishesOf({ request, peer }: RequestContext, config: TaskConfig): TaskWishes {
  const ttlMs = peer.revision.tasks === 'augmented' ? readTtl(request.params?.task) : undefined
  return {
    ...(config.ttlMs !== undefined && { ttlMs: config.ttlMs }),
    ...(config.pollIntervalMs !== undefined && { pollIntervalMs: config.pollIntervalMs }),
    ...(ttlMs !== undefined && { ttlMs }),
  }
}

/** The `task` of a request (2025-11-25, tasks#task-parameters). @throws McpError INVALID_PARAMS */
function readTtl(task: unknown): number | undefined {
  if (!isJsonObject(task))
    throw new McpError('INVALID_PARAMS', 'Invalid params: task must be an object')
  const { ttl } = task
  // null asks for no end, which nobody gets.
  if (ttl === undefined || ttl === null) return undefined
  if (typeof ttl !== 'number' || !(ttl >= 0)) {
    throw new McpError(
      'INVALID_PARAMS',
      'Invalid params: task.ttl must be a number of milliseconds',
    )
  }
  return ttl
}
