/** Whose a task is, how many there may be and for how long, and what is left of them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { HttpEndpointOptions } from '../../src/server/http-endpoint.ts'
import { type StatelessOptions, startEndpoint, type TestEndpoint } from '../support/http.ts'
import { list } from '../support/messages.ts'
import { connectPeer, connectStateful, connectStateless } from '../support/peer.ts'
import {
  beginAugmented,
  beginExtension,
  TaskServer,
  untilStatus,
  withTasks,
} from '../support/tasks.ts'

/** Whoever says who they are is believed. */
const authenticated: HttpEndpointOptions = {
  authenticate: (request) => {
    const subject = request.getHeader('x-user')
    return subject === undefined ? undefined : { subject }
  },
}

/** A request of the extension by a user. */
function as(
  endpoint: TestEndpoint,
  user: string,
  method: string,
  params: object,
  capabilities = withTasks as object,
) {
  const { taskId } = params as { taskId?: string }
  const options: StatelessOptions = {
    capabilities,
    headers: { 'x-user': user, ...(taskId !== undefined && { 'mcp-name': taskId }) },
  }
  return endpoint.stateless(method, params, options).then(({ message }) => message)
}

suite('Whose a task is', () => {
  test('26.tasks.081 25.tasks.054 26.security.035 26.security.037: for another principal it does not exist', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server, authenticated)
    const begun = await as(endpoint, 'ada', 'tools/call', { name: 'work' })
    const taskId = String(begun.result?.taskId)
    const unknown = await as(endpoint, 'eve', 'tasks/get', { taskId: 'nope' })
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const refused = await as(endpoint, 'eve', method, { taskId, inputResponses: {} })
      assert.deepEqual(refused.error, unknown.error)
    }
    assert.equal((await as(endpoint, 'ada', 'tasks/get', { taskId })).result?.status, 'working')
    fixture.work.finish('done')
  })

  test('26.tasks.060 26.tasks.081: nor can another listen to it', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server, authenticated)
    const begun = await as(endpoint, 'ada', 'tools/call', { name: 'quick' })
    const stream = await endpoint.open({
      headers: {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'subscriptions/listen',
        'x-user': 'eve',
      },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: {
          notifications: { taskIds: [begun.result?.taskId] },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': withTasks,
          },
        },
      },
    })
    const acknowledged = await stream.events.nextMessage()
    assert.deepEqual(acknowledged?.params?.notifications, { taskIds: [] })
    stream.abort()
  })

  test('25.tasks.054 25.tasks.057 25.tasks.046 25.security.005: in 2025-11-25 no method shows it to another, and its own has it in each session', async (t) => {
    const endpoint = await startEndpoint(t, new TaskServer().server, authenticated)
    const ada = await endpoint.session('2025-11-25', {}, { 'x-user': 'ada' })
    const adaAgain = await endpoint.session('2025-11-25', {}, { 'x-user': 'ada' })
    const eve = await endpoint.session('2025-11-25', {}, { 'x-user': 'eve' })
    const begun = await ada.call('tools/call', { name: 'quick', task: {} })
    const taskId = begun.result?.task?.taskId
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      assert.equal((await eve.call(method, { taskId })).error?.code, -32602)
    }
    assert.deepEqual(list((await eve.call('tasks/list')).result?.tasks), [])
    const seen = list((await adaAgain.call('tasks/list')).result?.tasks)
    assert.deepEqual(
      seen.map((task) => task.taskId),
      [taskId],
    )
    assert.equal((await adaAgain.call('tasks/get', { taskId })).error, undefined)
    await ada.end()
    assert.equal((await adaAgain.call('tasks/get', { taskId })).error, undefined)
  })

  test('25.tasks.055 25.tasks.056: without a principal a session has its own tasks, and they end with it', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server)
    const one = await endpoint.session()
    const two = await endpoint.session()
    const begun = await one.call('tools/call', { name: 'work', task: {} })
    const taskId = begun.result?.task?.taskId
    assert.equal((await two.call('tasks/get', { taskId })).error?.code, -32602)
    assert.deepEqual(list((await two.call('tasks/list')).result?.tasks), [])
    await one.end()
    assert.equal(fixture.work.context.signal.aborted, true)
    await turn()
    assert.equal(endpoint.engine.tasks.running, 0)
  })

  test('26.tasks.079: a client of 2026-07-28 looks after tasks that were begun in the older form', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server, authenticated)
    const ada = await endpoint.session('2025-11-25', {}, { 'x-user': 'ada' })
    const begun = await ada.call('tools/call', { name: 'work', task: {} })
    const taskId = String(begun.result?.task?.taskId)
    const older = { tasks: {} }
    const got = await as(endpoint, 'ada', 'tasks/get', { taskId }, older)
    assert.equal(got.result?.ttlMs, 3_600_000)
    assert.equal((await as(endpoint, 'eve', 'tasks/get', { taskId }, older)).error?.code, -32021)
    assert.equal((await as(endpoint, 'ada', 'tasks/cancel', { taskId }, older)).error, undefined)
    assert.equal((await ada.call('tasks/get', { taskId })).result?.status, 'cancelled')
    const newer = await as(endpoint, 'ada', 'tools/call', { name: 'quick' })
    const ofExtension = { taskId: String(newer.result?.taskId) }
    const refused = await as(endpoint, 'ada', 'tasks/get', ofExtension, older)
    assert.equal(refused.error?.code, -32021)
  })
})

suite('How many, and for how long', () => {
  test('25.tasks.058: a principal may have so many, running or kept', async (t) => {
    const endpoint = await startEndpoint(
      t,
      new TaskServer({ tasks: { maxPerPrincipal: 2 } }).server,
      authenticated,
    )
    const call = (user: string) => as(endpoint, user, 'tools/call', { name: 'quick' })
    await call('ada')
    await call('ada')
    const refused = await call('ada')
    assert.equal(refused.error?.code, -32603)
    assert.match(String(refused.error?.message), /a client may have 2 at a time/)
    assert.equal((await call('bea')).result?.resultType, 'task')
  })

  test('25.tasks.058: all together may have so many', async (t) => {
    const endpoint = await startEndpoint(
      t,
      new TaskServer({ tasks: { max: 2 } }).server,
      authenticated,
    )
    for (const user of ['ada', 'bea']) await as(endpoint, user, 'tools/call', { name: 'quick' })
    const refused = await as(endpoint, 'eve', 'tools/call', { name: 'quick' })
    assert.match(String(refused.error?.message), /the server keeps 2 at a time/)
  })

  test('25.tasks.058: a handler is told that no task can begin, and may do without', async (t) => {
    const fixture = new TaskServer({ tasks: { maxPerPrincipal: 1 } })
    fixture.server.tool(
      'modest',
      { task: { support: 'optional', begin: 'by-handler' } },
      async (_args, context) => {
        await context.beginTask().catch(() => {})
        return `task: ${context.taskId}`
      },
    )
    const peer = await connectStateless(t, fixture.server, withTasks)
    await beginExtension(peer, 'quick')
    const answer = await peer.request('tools/call', { name: 'modest' })
    assert.equal(list(answer.result?.content)[0]?.text, 'task: undefined')
  })

  test('25.tasks.037 26.tasks.039 26.tasks.067: when its time is up a task is stopped and gone', async (t) => {
    const fixture = new TaskServer({ tasks: { ttlMs: 1000 } })
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const begun = await session.call('tools/call', { name: 'work', task: {} })
    const taskId = begun.result?.task?.taskId
    const result = session.call('tasks/result', { taskId })
    const { tasks } = endpoint.engine
    while (endpoint.engine.running === 0) await turn()
    tasks.sweep(Date.now() + 900)
    assert.equal((await session.call('tasks/get', { taskId })).result?.status, 'working')
    tasks.sweep(Date.now() + 1001)
    assert.equal(fixture.work.context.signal.aborted, true)
    assert.match(String((await result).error?.message), /time to live of 1000 ms/)
    assert.equal((await session.call('tasks/get', { taskId })).error?.code, -32602)
    assert.equal(tasks.running, 0)
    fixture.work.finish('too late')
    await turn()
    assert.deepEqual(fixture.errors, [])
  })

  test('25.tasks.037: a result is kept until then', async (t) => {
    const endpoint = await startEndpoint(t, new TaskServer({ tasks: { ttlMs: 1000 } }).server)
    const session = await endpoint.session()
    const begun = await session.call('tools/call', { name: 'quick', task: {} })
    const taskId = begun.result?.task?.taskId
    endpoint.engine.tasks.sweep(Date.now() + 900)
    assert.equal((await session.call('tasks/result', { taskId })).error, undefined)
    endpoint.engine.tasks.sweep(Date.now() + 1001)
    assert.equal((await session.call('tasks/result', { taskId })).error?.code, -32602)
  })

  test('25.tasks.058: a session whose task runs is not idle', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server, { sessions: { idleTtlMs: 60_000 } })
    const session = await endpoint.session()
    await session.call('tools/call', { name: 'work', task: {} })
    const { engine } = endpoint
    for (let later = 0; later <= 180_000; later += 30_000) {
      engine.sessions.sweep(Date.now() + later)
      engine.tasks.sweep(Date.now() + later)
    }
    assert.equal(engine.sessions.size, 1)
    fixture.work.finish('done')
    await turn()
    engine.sessions.sweep(Date.now() + 300_000)
    assert.equal(engine.sessions.size, 0)
  })

  for (const tasks of [
    { ttlMs: 10 },
    { ttlMs: 2.5 },
    { ttlMs: 5000, maxTtlMs: 4000 },
    { pollIntervalMs: 0 },
    { maxPerPrincipal: 0 },
    { max: Number.NaN },
  ]) {
    test(`25.tasks.058: limits of ${JSON.stringify(tasks)} are none`, () => {
      assert.throws(() => new TaskServer({ tasks }), RangeError)
    })
  }

  for (const task of [
    'always',
    { support: 'sometimes' },
    { support: 'optional', begin: 'later' },
    { support: 'optional', ttlMs: -1 },
    { support: 'required', pollIntervalMs: 0.5 },
  ]) {
    test(`25.tasks.058: a tool cannot have a task of ${JSON.stringify(task)}`, () => {
      const { server } = new TaskServer()
      assert.throws(() => server.tool('x', { task: task as never }, () => ''), /Tool "x": task/)
    })
  }
})

suite('What is left', () => {
  test('25.tasks.058: a closed server has stopped all tasks, and begins none', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server)
    const session = await endpoint.session()
    const begun = await session.call('tools/call', { name: 'work', task: {} })
    const result = session.call('tasks/result', { taskId: begun.result?.task?.taskId })
    while (endpoint.engine.running === 0) await turn()
    await endpoint.engine.close(0)
    assert.equal(fixture.work.context.signal.aborted, true)
    assert.equal((await result).error?.code, -32603)
    await turn()
    assert.equal(endpoint.engine.tasks.running, 0)
  })

  test('25.tasks.058: so it has those that belong to no session', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server)
    await endpoint.stateless('tools/call', { name: 'work' }, { capabilities: withTasks })
    await endpoint.engine.close(0)
    assert.equal(fixture.work.context.signal.aborted, true)
    await turn()
    assert.equal(endpoint.engine.tasks.running, 0)
  })

  test('25.tasks.058: a connection that closes takes its tasks along', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    await beginAugmented(peer, 'work')
    const other = await connectPeer(t, fixture.server)
    await other.open('2025-11-25')
    const { taskId } = await beginAugmented(other, 'quick')
    assert.equal((await peer.request('tasks/get', { taskId })).error?.code, -32602)
    await untilStatus(other, taskId, 'completed')
    fixture.work.finish('done')
  })

  test('26.tasks.004: a request that is cancelled before its task begins has none', async (t) => {
    const fixture = new TaskServer()
    fixture.server.tool(
      'slowStart',
      { task: { support: 'optional', begin: 'by-handler' } },
      async (_args, context) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        fixture.works.push({ context, finish: () => resolve(), fail: () => {} })
        await promise
        await context.beginTask()
        return 'done'
      },
    )
    const peer = await connectStateful(t, fixture.server)
    void peer.request('tools/call', { name: 'slowStart', task: {} }, { id: 'x' })
    await peer.request('ping')
    peer.notify('notifications/cancelled', { requestId: 'x' })
    fixture.work.finish('')
    await peer.request('ping')
    assert.deepEqual(list((await peer.request('tasks/list')).result?.tasks), [])
  })
})
