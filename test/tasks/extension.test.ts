/** The extension io.modelcontextprotocol/tasks of 2026-07-28 (SEP-2663). */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { MemoryTaskStore } from '../../src/server/tasks/task-store.ts'
import { startEndpoint } from '../support/http.ts'
import { list } from '../support/messages.ts'
import { connectStateful, connectStateless, type Peer } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'
import {
  ableWithTasks,
  beginExtension,
  nameForm,
  TaskServer,
  tasksId,
  untilStatus,
  withTasks,
} from '../support/tasks.ts'

const missing = { requiredCapabilities: { extensions: { [tasksId]: {} } } }
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** Gives the answer to one of a task's questions. */
function update(peer: Peer, taskId: string, inputResponses: object) {
  return peer.request('tasks/update', { taskId, inputResponses })
}

suite('Negotiation', () => {
  test('26.tasks.001 26.tasks.076: discovery names the extension, and no capability of the older form', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server)
    const { capabilities } = (await peer.request('server/discover')).result ?? {}
    assert.deepEqual(capabilities?.extensions, { [tasksId]: {} })
    assert.equal(capabilities?.tasks, undefined)
  })

  test('26.tasks.001: a server without such tools does not name it', async (t) => {
    const server = defineServer({ name: 'plain', version: '1' })
    server.tool('plain', {}, () => 'x')
    const peer = await connectStateless(t, server, withTasks)
    const { capabilities } = (await peer.request('server/discover')).result ?? {}
    assert.equal(capabilities?.extensions, undefined)
    assert.equal((await peer.request('tasks/get', { taskId: 'x' })).error?.code, -32601)
  })

  test('26.tasks.002 26.tasks.003: a call becomes a task without a word of the client', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks)
    await beginExtension(peer, 'work')
    fixture.work.finish('done')
  })

  test('26.tasks.004: only the request that declares it gets a task', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    await beginExtension(peer, 'quick')
    peer.goStateless({})
    const answer = await peer.request('tools/call', { name: 'quick' })
    assert.equal(answer.result?.resultType, 'complete')
    assert.equal(list(answer.result?.content)[0]?.text, 'quick result')
  })

  test('26.tasks.007 26.tasks.008 26.tasks.077: a tool that must be a task refuses other clients, those of the older form too', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server)
    for (const capabilities of [{}, { tasks: { list: {} } }, { extensions: {} }]) {
      peer.goStateless(capabilities)
      const { error } = await peer.request('tools/call', { name: 'only' })
      assert.equal(error?.code, -32021)
      assert.deepEqual(error?.data, missing)
    }
  })

  test('26.tasks.070 26.tasks.077: so do the methods, whether the task exists or not', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const { taskId } = await beginExtension(peer, 'quick')
    for (const capabilities of [{}, { tasks: {} }]) {
      peer.goStateless(capabilities)
      for (const id of [taskId, 'nope']) {
        for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
          const { error } = await peer.request(method, { taskId: id, inputResponses: {} })
          assert.equal(error?.code, -32021, `${method} ${JSON.stringify(capabilities)}`)
          assert.deepEqual(error?.data, missing)
        }
      }
    }
  })

  test('26.tasks.078: a client of 2025-11-25 that declares the extension has no tasks by it', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', withTasks)
    const answer = await peer.request('tools/call', { name: 'quick' })
    assert.equal(list(answer.result?.content)[0]?.text, 'quick result')
  })

  test('26.tasks.009: nothing but a tool becomes a task', async (t) => {
    const fixture = new TaskServer()
    fixture.server.prompt('ask', {}, async (_args, context) => {
      await context.beginTask()
      return `task ${context.taskId}`
    })
    fixture.server.resource('test://x', {}, async (_request, context) => {
      await context.beginTask()
      return `task ${context.taskId}`
    })
    const peer = await connectStateless(t, fixture.server, withTasks)
    const prompt = await peer.request('prompts/get', { name: 'ask' })
    assert.equal(prompt.result?.resultType, 'complete')
    assert.equal(list(prompt.result?.messages)[0]?.content?.text, 'task undefined')
    const read = await peer.request('resources/read', { uri: 'test://x' })
    assert.equal(list(read.result?.contents)[0]?.text, 'task undefined')
  })

  test('26.tasks.074: tasks/result and tasks/list are gone', async (t) => {
    const endpoint = await startEndpoint(t, new TaskServer().server)
    for (const method of ['tasks/result', 'tasks/list']) {
      const answer = await endpoint.stateless(method, { taskId: 'x' }, { capabilities: withTasks })
      assert.equal(answer.status, 404)
      assert.equal(answer.message.error?.code, -32601)
    }
  })

  test('26.tasks.075: the older task parameter is as good as unknown', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const plain = await peer.request('tools/call', { name: 'plain', task: { ttl: 5 } })
    assert.equal(list(plain.result?.content)[0]?.text, 'plain result')
    const task = await peer.request('tools/call', { name: 'quick', task: { ttl: 'nonsense' } })
    assert.equal(task.result?.ttlMs, 3_600_000)
  })
})

suite('The life of a task', () => {
  test('26.tasks.011 26.tasks.014 26.tasks.015 26.tasks.016 26.tasks.017 26.tasks.026: the task is the result, flat', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { task } = await beginExtension(peer, 'work')
    const { _meta, ...members } = task
    assert.deepEqual(Object.keys(members).toSorted(), [
      'createdAt',
      'lastUpdatedAt',
      'pollIntervalMs',
      'resultType',
      'status',
      'taskId',
      'ttlMs',
    ])
    assert.equal(task.resultType, 'task')
    assert.equal(task.status, 'working')
    assert.equal(task.ttlMs, 3_600_000)
    assert.equal(task.pollIntervalMs, 1000)
    assert.match(String(task.createdAt), isoTime)
    assert.match(String(task.lastUpdatedAt), isoTime)
    fixture.work.finish('done')
  })

  test('26.tasks.022 26.tasks.031 26.tasks.037 26.tasks.012: it can be got at once, as a complete result', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { taskId } = await beginExtension(peer, 'work')
    const { result } = await peer.request('tasks/get', { taskId })
    assert.equal(result?.resultType, 'complete')
    assert.equal(result?.taskId, taskId)
    assert.equal(result?.status, 'working')
    for (const member of ['inputRequests', 'result', 'error', 'requestState']) {
      assert.equal(Object.hasOwn(result ?? {}, member), false, member)
    }
    fixture.work.finish('done')
  })

  test('26.tasks.034 26.tasks.084: a completed task holds what the call would have given', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { taskId } = await beginExtension(peer, 'work')
    fixture.work.finish('done')
    const { result } = await untilStatus(peer, taskId, 'completed')
    assert.deepEqual(result?.result, {
      resultType: 'complete',
      content: [{ type: 'text', text: 'done' }],
    })
  })

  test('26.tasks.073 26.tasks.021: an error of the tool is a result like others', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const { taskId } = await beginExtension(peer, 'fails')
    const { result } = await untilStatus(peer, taskId, 'completed')
    assert.equal(result?.result?.isError, true)
    assert.equal(result?.error, undefined)
  })

  test('26.tasks.036 26.tasks.072 26.tasks.021: an error of the protocol fails the task and stands in it', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const { taskId } = await beginExtension(peer, 'breaks')
    const { result } = await untilStatus(peer, taskId, 'failed')
    assert.deepEqual(result?.error, {
      code: -32602,
      message: 'The request is no good',
      data: { why: 'test' },
    })
    assert.equal(result?.statusMessage, 'The request is no good')
    assert.equal(result?.result, undefined)
  })

  test('26.tasks.069: what goes wrong inside is an internal error', async (t) => {
    const fixture = new TaskServer()
    fixture.server.tool('odd', { task: 'optional' }, () => 5 as never)
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { taskId } = await beginExtension(peer, 'odd')
    const { result } = await untilStatus(peer, taskId, 'failed')
    assert.equal(result?.error?.code, -32603)
  })

  test('26.tasks.054 26.tasks.035 26.tasks.018 26.tasks.047: cancelling is acknowledged, again and again, and is final', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { taskId } = await beginExtension(peer, 'work')
    for (let times = 0; times < 2; times += 1) {
      const { result } = await peer.request('tasks/cancel', { taskId })
      const { _meta, ...members } = result ?? {}
      assert.deepEqual(members, { resultType: 'complete' })
    }
    assert.equal(fixture.work.context.signal.aborted, true)
    fixture.work.finish('too late')
    const { result } = await untilStatus(peer, taskId, 'cancelled')
    assert.equal(result?.result, undefined)
    assert.match(String(result?.statusMessage), /The client cancelled the task/)
    assert.deepEqual(fixture.errors, [])
  })

  test('26.tasks.054: a task that is over acknowledges too, and stays what it is', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const { taskId } = await beginExtension(peer, 'quick')
    await untilStatus(peer, taskId, 'completed')
    assert.equal((await peer.request('tasks/cancel', { taskId })).error, undefined)
    await untilStatus(peer, taskId, 'completed')
  })

  test('26.tasks.067 26.tasks.068 26.tasks.049 26.tasks.055 26.tasks.071: an unknown id is refused by all methods', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      for (const taskId of ['nope', 5, null]) {
        const answer = await peer.request(method, { taskId, inputResponses: {} })
        assertError(answer, {
          code: -32602,
          id: answer.id!,
          message: /Task not found|taskId must be/,
        })
      }
    }
  })

  test('26.tasks.080: ids have 128 random bits', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, withTasks)
    const ids = new Set<string>()
    for (let index = 0; index < 50; index += 1) {
      ids.add((await beginExtension(peer, 'quick')).taskId)
    }
    assert.equal(ids.size, 50)
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22}$/)
  })

  test('26.tasks.064: progress and log messages of a task are not sent', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateless(t, fixture.server, withTasks, {
      progressToken: 'p',
      'io.modelcontextprotocol/logLevel': 'debug',
    })
    const { taskId } = await beginExtension(peer, 'work')
    fixture.work.context.progress(1, 2, 'Half way')
    fixture.work.context.log('info', 'half way')
    const got = await peer.request('tasks/get', { taskId })
    assert.equal(got.result?.statusMessage, 'Half way')
    assert.ok(peer.received.every(({ method }) => method === undefined))
    fixture.work.finish('done')
  })

  test('26.tasks.065 26.tasks.066: Mcp-Name is the id of the task', async (t) => {
    const endpoint = await startEndpoint(t, new TaskServer().server)
    const begun = await endpoint.stateless(
      'tools/call',
      { name: 'quick' },
      { capabilities: withTasks },
    )
    const taskId = String(begun.message.result?.taskId)
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const send = (name: string | undefined) =>
        endpoint.stateless(
          method,
          { taskId, inputResponses: {} },
          { capabilities: withTasks, headers: { 'mcp-name': name } },
        )
      assert.equal((await send(taskId)).status, 200)
      for (const wrong of [undefined, 'another']) {
        const refused = await send(wrong)
        assert.equal(refused.status, 400)
        assert.equal(refused.message.error?.code, -32020)
      }
    }
  })

  test('26.tasks.004: a client that goes away after its task has begun has cancelled nothing', async (t) => {
    const fixture = new TaskServer()
    const endpoint = await startEndpoint(t, fixture.server)
    const begun = await endpoint.stateless(
      'tools/call',
      { name: 'work' },
      { capabilities: withTasks },
    )
    assert.equal(begun.message.result?.resultType, 'task')
    assert.equal(endpoint.engine.running, 0)
    assert.equal(fixture.work.context.signal.aborted, false)
    fixture.work.finish('done')
  })
})

suite('A task that asks', () => {
  test('26.tasks.032 26.tasks.033 26.tasks.041 26.tasks.047 26.tasks.048: has its questions in it until they are answered', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'ask')
    const first = await untilStatus(peer, taskId, 'input_required')
    const second = await peer.request('tasks/get', { taskId })
    assert.deepEqual(second.result?.inputRequests, {
      name: {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'Your name?', requestedSchema: nameForm },
      },
    })
    assert.deepEqual(first.result?.inputRequests, second.result?.inputRequests)
    const { result } = await update(peer, taskId, {
      name: { action: 'accept', content: { name: 'Ada' } },
    })
    const { _meta, ...members } = result ?? {}
    assert.deepEqual(members, { resultType: 'complete' })
    const done = await untilStatus(peer, taskId, 'completed')
    assert.equal(list(done.result?.result?.content)[0]?.text, 'accept Ada')
    assert.equal(done.result?.inputRequests, undefined)
  })

  test('26.tasks.052 26.tasks.051: takes answers one by one, and ignores those to nothing', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'askTwo')
    await untilStatus(peer, taskId, 'input_required')
    await update(peer, taskId, { a: { action: 'accept', content: { name: 'Ada' } }, zzz: {} })
    const half = await peer.request('tasks/get', { taskId })
    assert.equal(half.result?.status, 'input_required')
    assert.deepEqual(Object.keys(half.result?.inputRequests ?? {}), ['b'])
    await update(peer, taskId, { a: { action: 'cancel' } })
    await update(peer, taskId, { b: { action: 'accept', content: { name: 'Bea' } } })
    const done = await untilStatus(peer, taskId, 'completed')
    assert.equal(list(done.result?.result?.content)[0]?.text, 'Ada Bea')
    assert.equal((await update(peer, taskId, { a: {} })).error, undefined)
  })

  test('26.tasks.044 26.tasks.045: never uses a key twice', async (t) => {
    const fixture = new TaskServer()
    fixture.server.tool('askOften', { task: 'optional' }, async (_args, context) => {
      const names: unknown[] = []
      for (const key of ['k', 'k', 'k_1', undefined, undefined]) {
        const { content } = await context.elicit({
          ...(key !== undefined && { key }),
          message: 'Name?',
          schema: nameForm,
        })
        names.push(content?.name)
      }
      return names.join()
    })
    const peer = await connectStateless(t, fixture.server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'askOften')
    const seen: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const { result } = await untilStatus(peer, taskId, 'input_required')
      const [key = ''] = Object.keys(result?.inputRequests ?? {})
      seen.push(key)
      await update(peer, taskId, { [key]: { action: 'accept', content: { name: `n${round}` } } })
    }
    assert.equal(new Set(seen).size, 5)
    const done = await untilStatus(peer, taskId, 'completed')
    assert.equal(list(done.result?.result?.content)[0]?.text, 'n0,n1,n2,n3,n4')
  })

  for (const [what, answer, message] of [
    ['no object', 5, /inputResponses.name must be an object/],
    ['no action', { content: {} }, /inputResponses.name must have an action/],
    ['a value of another type', { action: 'accept', content: { name: 5 } }, /does not fit/],
  ] as const) {
    test(`26.tasks.046: an answer with ${what} is refused, and the question stays`, async (t) => {
      const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
      const { taskId } = await beginExtension(peer, 'askTwo')
      await untilStatus(peer, taskId, 'input_required')
      const single = await beginExtension(peer, 'ask')
      await untilStatus(peer, single.taskId, 'input_required')
      const refused = await update(peer, single.taskId, { name: answer })
      assertError(refused, { code: -32602, id: refused.id!, message })
      await untilStatus(peer, single.taskId, 'input_required')
    })
  }

  for (const inputResponses of [undefined, null, [], 'x']) {
    test(`26.tasks.046: ${JSON.stringify(inputResponses)} are no answers`, async (t) => {
      const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
      const { taskId } = await beginExtension(peer, 'ask')
      const refused = await peer.request('tasks/update', { taskId, inputResponses })
      assertError(refused, { code: -32602, id: refused.id!, message: /must be an object/ })
    })
  }

  test('26.tasks.054: is left alone when it is cancelled', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'ask')
    await untilStatus(peer, taskId, 'input_required')
    await peer.request('tasks/cancel', { taskId })
    const { result } = await untilStatus(peer, taskId, 'cancelled')
    assert.equal(result?.inputRequests, undefined)
  })

  test('26.tasks.025 26.tasks.026: what is to be known before comes first, in rounds of the request', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
    const round = await peer.request('tools/call', { name: 'late' })
    assert.equal(round.result?.resultType, 'input_required')
    assert.equal(round.result?.taskId, undefined)
    const begun = await peer.request('tools/call', {
      name: 'late',
      requestState: round.result?.requestState,
      inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } },
    })
    assert.equal(begun.result?.resultType, 'task')
    for (const member of ['requestState', 'inputRequests']) {
      assert.equal(Object.hasOwn(begun.result ?? {}, member), false)
    }
    const taskId = String(begun.result?.taskId)
    const asks = await untilStatus(peer, taskId, 'input_required')
    // The keys of a task are its own: the one of the round before may come again.
    assert.deepEqual(Object.keys(asks.result?.inputRequests ?? {}), ['who'])
    await update(peer, taskId, { who: { action: 'accept', content: { name: 'Bea' } } })
    const done = await untilStatus(peer, taskId, 'completed')
    assert.equal(list(done.result?.result?.content)[0]?.text, `Ada and Bea, task ${taskId}`)
  })

  test('26.tasks.002: a tool that ends without a task has answered without one', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, ableWithTasks)
    const round = await peer.request('tools/call', { name: 'late' })
    const answer = await peer.request('tools/call', {
      name: 'late',
      requestState: round.result?.requestState,
      inputResponses: { who: { action: 'accept', content: { name: 'nobody' } } },
    })
    assert.equal(answer.result?.resultType, 'complete')
    assert.equal(list(answer.result?.content)[0]?.text, 'no task for nobody')
  })

  test('26.tasks.025: no task begins while a question of the request is open', async (t) => {
    const store = new MemoryTaskStore(10)
    const fixture = new TaskServer({ tasks: { store } })
    fixture.server.tool(
      'hasty',
      { task: { support: 'required', begin: 'by-handler' } },
      async (_args, context) => {
        const name = context.elicit({ key: 'n', message: 'Name?', schema: nameForm })
        await context.beginTask()
        return JSON.stringify(await name)
      },
    )
    const peer = await connectStateless(t, fixture.server, ableWithTasks)
    const answer = await peer.request('tools/call', { name: 'hasty' })
    assert.equal(answer.result?.resultType, 'input_required')
    assert.equal(answer.result?.taskId, undefined)
    assert.equal(store.count('anonymous'), 0)
  })

  test('26.tasks.013: where there are no tasks, the same tool is a plain call', async (t) => {
    const peer = await connectStateless(t, new TaskServer().server, { elicitation: {} })
    const round = await peer.request('tools/call', { name: 'ask' })
    assert.equal(round.result?.resultType, 'input_required')
    const answer = await peer.request('tools/call', {
      name: 'ask',
      requestState: round.result?.requestState,
      inputResponses: { name: { action: 'accept', content: { name: 'Ada' } } },
    })
    assert.equal(list(answer.result?.content)[0]?.text, 'accept Ada')
  })
})
