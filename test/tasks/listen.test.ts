/** Status notifications of the extension on `subscriptions/listen` (SEP-2663, task-status-notifications). */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { startEndpoint, statelessPost } from '../support/http.ts'
import { key } from '../support/messages.ts'
import { connectStateless, type Peer } from '../support/peer.ts'
import {
  ableWithTasks,
  beginExtension,
  TaskServer,
  tasksId,
  untilStatus,
  withTasks,
} from '../support/tasks.ts'

async function listen(peer: Peer, taskIds: unknown) {
  const closed = peer.request('subscriptions/listen', { notifications: { taskIds } }, { id: 'sub' })
  const acknowledged = await Promise.race([peer.next(), closed])
  return { closed, acknowledged }
}

suite('Listening to tasks', () => {
  test('26.tasks.059 26.tasks.060: the acknowledgement names the tasks that will be told of', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { taskId } = await beginExtension(peer, 'work')
    const { acknowledged } = await listen(peer, [taskId, 'nope', taskId])
    assert.equal(acknowledged.method, 'notifications/subscriptions/acknowledged')
    assert.deepEqual(acknowledged.params?.notifications, { taskIds: [taskId] })
    fixture.work.finish('done')
  })

  test('26.tasks.058 26.tasks.062: each change comes as tasks/get would give it', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'work')
    await listen(peer, [taskId])
    const question = fixture.work.context.elicit({
      key: 'q',
      message: 'Name?',
      schema: { type: 'object', properties: { name: { type: 'string' } } },
    })
    const asked = await peer.next()
    assert.equal(asked.method, 'notifications/tasks')
    const { _meta, ...told } = asked.params ?? {}
    assert.deepEqual(_meta, { [key.subscriptionId]: 'sub' })
    const got = await peer.request('tasks/get', { taskId })
    const { resultType, _meta: __, ...task } = got.result ?? {}
    assert.deepEqual(told, task)
    assert.equal(told.status, 'input_required')

    await peer.request('tasks/update', { taskId, inputResponses: { q: { action: 'decline' } } })
    assert.equal((await peer.next()).params?.status, 'working')
    await question
    fixture.work.finish('done')
    const done = await peer.next()
    assert.equal(done.params?.status, 'completed')
    assert.deepEqual(done.params?.result, {
      resultType: 'complete',
      content: [{ type: 'text', text: 'done' }],
    })
  })

  test('26.tasks.058: what happened before is told at once', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const { taskId } = await beginExtension(peer, 'quick')
    await untilStatus(peer, taskId, 'completed')
    await listen(peer, [taskId])
    const told = await peer.next()
    assert.equal(told.params?.status, 'completed')
  })

  test('26.tasks.061: a client that does not declare the extension is refused', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server)
    const { acknowledged } = await listen(peer, ['x'])
    assert.equal(acknowledged.error?.code, -32021)
    assert.deepEqual(acknowledged.error?.data, {
      requiredCapabilities: { extensions: { [tasksId]: {} } },
    })
  })

  for (const [what, taskIds] of [
    ['text', 'x'],
    ['numbers', [1]],
    ['more than a thousand', Array.from({ length: 1001 }, String)],
  ] as const) {
    test(`26.tasks.059: ${what} cannot be listened to`, async (t) => {
      const peer = await connectStateless(t, new TaskServer().server, withTasks)
      const { acknowledged } = await listen(peer, taskIds)
      assert.equal(acknowledged.error?.code, -32602)
    })
  }

  test('26.tasks.060: a server without tasks agrees to none', async (t) => {
    const server = defineServer({ name: 'plain', version: '1' })
    server.tool('plain', {}, () => 'x')
    const peer = await connectStateless(t, server)
    const { acknowledged } = await listen(peer, ['x'])
    assert.deepEqual(acknowledged.params?.notifications, {})
  })

  test('26.tasks.064: progress and log messages are not among what is told', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks, {
      progressToken: 'p',
      [key.logLevel]: 'debug',
    })
    const { taskId } = await beginExtension(peer, 'work')
    await listen(peer, [taskId])
    fixture.work.context.progress(1, 2, 'half')
    fixture.work.context.log('error', 'half')
    fixture.work.finish('done')
    assert.equal((await peer.next()).params?.status, 'completed')
  })

  test('26.tasks.058: who goes away leaves nothing behind', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server)
    const begun = await endpoint.stateless(
      'tools/call',
      { name: 'work' },
      { capabilities: withTasks },
    )
    const taskIds = [begun.message.result?.taskId]
    const stream = await endpoint.open(
      statelessPost(
        'subscriptions/listen',
        { notifications: { taskIds } },
        { capabilities: withTasks },
      ),
    )
    await stream.events.nextMessage()
    assert.equal(endpoint.engine.tasks.listeners.size, 1)
    stream.abort()
    while (endpoint.engine.running > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(endpoint.engine.tasks.listeners.size, 0)
    fixture.work.finish('done')
  })
})
