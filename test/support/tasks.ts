import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import {
  type Context,
  defineServer,
  McpError,
  type Server,
  type ServerOptions,
  toolError,
} from '../../src/index.ts'
import type { Message } from './messages.ts'
import type { Peer } from './peer.ts'

export const tasksId = 'io.modelcontextprotocol/tasks'
export const relatedTask = 'io.modelcontextprotocol/related-task'
/** A client of the extension. */
export const withTasks = { extensions: { [tasksId]: {} } }
/** A client of the extension that can be asked things. */
export const ableWithTasks = { ...withTasks, elicitation: {}, sampling: {}, roots: {} }

export const nameForm = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
} as const

/** Work that goes on until the test ends it. */
export interface Work {
  readonly context: Context
  finish(result: string): void
  fail(error: Error): void
}

/** A server whose tools become tasks, and the works that are in progress in it. */
export class TaskServer {
  readonly server: Server
  readonly works: Work[] = []
  readonly errors: unknown[] = []

  constructor(options: Partial<ServerOptions> = {}) {
    const server = defineServer({
      name: 'tasks',
      version: '1',
      onError: (error) => this.errors.push(error),
      ...options,
    })
    this.server = server
    const work = (_args: object, context: Context): Promise<string> => {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      this.works.push({ context, finish: resolve, fail: reject })
      return promise
    }
    server.tool('plain', {}, () => 'plain result')
    server.tool('work', { task: 'optional' }, work)
    server.tool('only', { task: 'required' }, work)
    server.tool('quick', { task: 'optional' }, () => 'quick result')
    server.tool('fails', { task: 'optional' }, () => toolError('It went wrong'))
    server.tool('breaks', { task: 'optional' }, () => {
      throw new McpError('INVALID_PARAMS', 'The request is no good', { data: { why: 'test' } })
    })
    server.tool('ask', { task: 'optional' }, async (_args, context) => {
      const { action, content } = await context.elicit({
        key: 'name',
        message: 'Your name?',
        schema: nameForm,
      })
      return `${action} ${content?.name}`
    })
    server.tool('askTwo', { task: 'optional' }, async (_args, context) => {
      const [first, second] = await Promise.all([
        context.elicit({ key: 'a', message: 'A?', schema: nameForm }),
        context.elicit({ key: 'b', message: 'B?', schema: nameForm }),
      ])
      return `${first.content?.name} ${second.content?.name}`
    })
    const args = {
      type: 'object',
      properties: { count: { type: 'integer' } },
      required: ['count'],
    }
    server.tool('strict', { task: 'optional', input: args }, ({ count }) => `${count}`)
    server.tool(
      'late',
      { task: { support: 'optional', begin: 'by-handler' } },
      async (_args, context) => {
        const { content } = await context.elicit({
          key: 'who',
          message: 'Who?',
          schema: nameForm,
        })
        if (content?.name === 'nobody') return 'no task for nobody'
        await context.beginTask()
        const { content: more } = await context.elicit({
          key: 'who',
          message: 'Who else?',
          schema: nameForm,
        })
        return `${content?.name} and ${more?.name}, task ${context.taskId}`
      },
    )
  }

  /** The newest work. */
  get work(): Work {
    const work = this.works.at(-1)
    if (work === undefined) throw new Error('Nothing is in progress')
    return work
  }
}

/** Calls a tool as a task in the words of 2025-11-25, and gives the task. */
export async function beginAugmented(peer: Peer, name: string, task: object = {}) {
  const answer = await peer.request('tools/call', { name, task })
  const begun = answer.result?.task
  if (begun === undefined) throw new Error(`No task: ${JSON.stringify(answer)}`)
  return { taskId: String(begun.taskId), task: begun, answer }
}

/** Calls a tool of a client that knows the extension, and gives the task. */
export async function beginExtension(peer: Peer, name: string, args: object = {}) {
  const answer = await peer.request('tools/call', { name, arguments: args })
  if (answer.result?.resultType !== ('task' as never)) {
    throw new Error(`No task: ${JSON.stringify(answer)}`)
  }
  return { taskId: String(answer.result.taskId), task: answer.result, answer }
}

/** Looks at a task until it has a status, which it must soon have. */
export async function untilStatus(peer: Peer, taskId: string, status: string): Promise<Message> {
  for (let tries = 0; tries < 2000; tries += 1) {
    const answer = await peer.request('tasks/get', { taskId })
    if (String(answer.result?.status) === status) return answer
    // On a busy machine the work itself may need its time.
    await (tries < 100 ? turn() : sleep(5))
  }
  throw new Error(`The task has not become ${status}`)
}
