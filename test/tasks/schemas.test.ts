/** What is sent of tasks, judged by the official schemas of both forms. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  isCreateTaskResultV2,
  isDetailedTaskV2,
  isTaskStatusNotificationV2,
} from '@modelcontextprotocol/ext-tasks/core/v2'
import * as v1 from '@modelcontextprotocol/sdk/types.js'
import { connectStateful, connectStateless } from '../support/peer.ts'
import {
  ableWithTasks,
  beginAugmented,
  beginExtension,
  TaskServer,
  untilStatus,
} from '../support/tasks.ts'

/** Tools, and the status in which their tasks come to rest, in each form. */
const cases = [
  ['quick', 'completed', 'completed'],
  ['fails', 'failed', 'completed'],
  ['breaks', 'failed', 'failed'],
  ['ask', 'input_required', 'input_required'],
  ['work', 'working', 'working'],
] as const

suite('2025-11-25', () => {
  for (const [name, status] of cases) {
    test(`25.tasks.013 25.tasks.034: a task that is ${status} (${name})`, async (t) => {
      const fixture = new TaskServer()
      const peer = await connectStateful(t, fixture.server, '2025-11-25', { elicitation: {} })
      const { taskId, answer } = await beginAugmented(peer, name)
      v1.CreateTaskResultSchema.parse(answer.result)
      v1.GetTaskResultSchema.parse((await untilStatus(peer, taskId, status)).result)
      v1.ListTasksResultSchema.parse((await peer.request('tasks/list')).result)
      v1.ListToolsResultSchema.parse((await peer.request('tools/list')).result)
      if (status === 'working' || status === 'input_required') {
        const cancelled = await peer.request('tasks/cancel', { taskId })
        v1.CancelTaskResultSchema.parse(cancelled.result)
      }
      const told = peer.received.filter(({ method }) => method === 'notifications/tasks/status')
      assert.notEqual(told.length, 0)
      for (const message of told) v1.TaskStatusNotificationSchema.parse(message)
    })
  }
})

suite('2026-07-28', () => {
  for (const [name, , status] of cases) {
    test(`26.tasks.014 26.tasks.062: a task that is ${status} (${name})`, async (t) => {
      const fixture = new TaskServer()
      const peer = await connectStateless(t, fixture.server, ableWithTasks)
      const { taskId, answer } = await beginExtension(peer, name)
      assert.ok(isCreateTaskResultV2(answer.result), JSON.stringify(answer))
      const { result } = await untilStatus(peer, taskId, status)
      assert.ok(isDetailedTaskV2(result), JSON.stringify(result))
      const notifications = { taskIds: [taskId] }
      void peer.request('subscriptions/listen', { notifications }, { id: 'sub' })
      await peer.next()
      if (status === 'working' || status === 'input_required') {
        await peer.request('tasks/cancel', { taskId })
      }
      const told = await peer.next()
      assert.ok(isTaskStatusNotificationV2(told as never), JSON.stringify(told))
    })
  }
})
