/** Tasks of 2025-11-25, as their clients see them: basic/utilities/tasks. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectAs, connectStateful } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'
import { beginAugmented, relatedTask, TaskServer, untilStatus } from '../support/tasks.ts'

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

suite('What is advertised', () => {
  test('25.tasks.001 25.tasks.005: a server with such tools says which requests may be tasks', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const { capabilities } = peer.received[0]?.result ?? {}
    assert.deepEqual(capabilities?.tasks, {
      list: {},
      cancel: {},
      requests: { tools: { call: {} } },
    })
    assert.equal(capabilities?.extensions, undefined, 'the extension is no part of 2025-11-25')
  })

  test('25.tasks.004: a server without such tools says nothing of tasks', async (t) => {
    const server = defineServer({ name: 'plain', version: '1' })
    server.tool('plain', {}, () => 'x')
    const peer = await connectStateful(t, server)
    assert.equal(peer.received[0]?.result?.capabilities?.tasks, undefined)
  })

  test('0618.tasks.001: revisions before it know no tasks', async (t) => {
    for (const version of ['2025-06-18', '2025-03-26', '2024-11-05']) {
      const peer = await connectAs(t, new TaskServer().server, version)
      assert.equal(peer.received[0]?.result?.capabilities?.tasks, undefined)
      const get = await peer.request('tasks/get', { taskId: 'x' })
      assert.equal(get.error?.code, -32601)
      const call = await peer.request('tools/call', { name: 'quick', task: {} })
      assert.equal(list(call.result?.content)[0]?.text, 'quick result')
      const tools = list((await peer.request('tools/list')).result?.tools)
      assert.ok(tools.every((tool) => tool.execution === undefined))
    }
  })

  test('25.tasks.007 25.tasks.009 25.tasks.010: each tool says whether it may, or must, be a task', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const tools = list((await peer.request('tools/list')).result?.tools)
    const support = Object.fromEntries(
      tools.map((tool) => [tool.name, tool.execution?.taskSupport]),
    )
    assert.equal(support.plain, undefined)
    assert.equal(support.work, 'optional')
    assert.equal(support.only, 'required')
  })
})

suite('What a tool says of tasks', () => {
  test('25.tools.018: is forbidden, optional or required, and nothing else', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    for (const task of ['forbidden', 'optional', 'required'] as const) {
      server.tool(task, { task }, () => 'x')
    }
    server.tool('long', { task: { support: 'required', ttlMs: 5000 } }, () => 'x')
    for (const task of ['always', '', true, 1, {}, { support: 'forbidden' }, { support: 'no' }]) {
      assert.throws(() => server.tool('wrong', { task: task as never }, () => 'x'), TypeError)
    }
    const peer = await connectStateful(t, server)
    const tools = list((await peer.request('tools/list')).result?.tools)
    assert.deepEqual(
      tools.map(({ name, execution }) => [name, execution?.taskSupport]),
      [
        ['forbidden', undefined],
        ['optional', 'optional'],
        ['required', 'required'],
        ['long', 'required'],
      ],
    )
    const modern = await connectAs(t, server, '2026-07-28')
    const shown = list((await modern.request('tools/list')).result?.tools)
    assert.ok(shown.every((tool) => !('execution' in tool)))
  })
})

suite('Who may begin a task', () => {
  test('25.tasks.002: a server without tasks answers as if nothing had been asked', async (t) => {
    const server = defineServer({ name: 'plain', version: '1' })
    server.tool('plain', {}, () => 'x')
    const peer = await connectStateful(t, server)
    const answer = await peer.request('tools/call', { name: 'plain', task: { ttl: 1000 } })
    assert.equal(list(answer.result?.content)[0]?.text, 'x')
    const get = await peer.request('tasks/get', { taskId: 'x' })
    assertError(get, { code: -32601, id: get.id!, message: /Method not found: tasks\/get/ })
  })

  test('25.tasks.008: a tool that cannot be a task is not called as one', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const answer = await peer.request('tools/call', { name: 'plain', task: {} })
    assertError(answer, { code: -32601, id: answer.id!, message: /Tool plain cannot be called as/ })
  })

  test('25.tasks.011 25.tasks.023: a tool that must be a task is not called plainly', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const answer = await peer.request('tools/call', { name: 'only' })
    assertError(answer, { code: -32601, id: answer.id!, message: /Tool only must be called as/ })
  })

  test('25.tasks.009: a tool that may be a task also answers plainly', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const answer = await peer.request('tools/call', { name: 'quick' })
    assert.equal(list(answer.result?.content)[0]?.text, 'quick result')
  })

  for (const [what, task] of [
    ['no object', 'yes'],
    ['an array', []],
    ['a ttl that is text', { ttl: '60000' }],
    ['a ttl below zero', { ttl: -1 }],
  ] as const) {
    test(`25.tasks.012: a task wish with ${what} is refused`, async (t) => {
      const peer = await connectStateful(t, new TaskServer().server)
      const answer = await peer.request('tools/call', { name: 'quick', task })
      assertError(answer, { code: -32602, id: answer.id!, message: /Invalid params: task/ })
    })
  }
})

suite('The life of a task', () => {
  test('25.tasks.013 25.tasks.024 25.tasks.025 25.tasks.034 25.tasks.036 25.tasks.038: it begins as working, and its request is answered with it', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const { task, answer } = await beginAugmented(peer, 'work')
    assert.deepEqual(Object.keys(answer.result ?? {}), ['task'])
    assert.match(String(task.taskId), /^[\w-]{22}$/)
    assert.equal(task.status, 'working')
    assert.match(String(task.createdAt), isoTime)
    assert.match(String(task.lastUpdatedAt), isoTime)
    assert.equal(task.ttl, 3_600_000)
    assert.equal(task.pollInterval, 1000)
    const got = await peer.request('tasks/get', { taskId: task.taskId })
    assert.deepEqual(got.result, task)
    fixture.work.finish('done')
  })

  test('25.tasks.014: the answer does not wait for the work', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const { taskId } = await beginAugmented(peer, 'work')
    assert.equal(fixture.works.length, 1)
    assert.equal(fixture.work.context.taskId, taskId)
    fixture.work.finish('done')
  })

  test('25.tasks.012 25.tasks.035: the client has its wish for a time to live, within bounds', async (t) => {
    const fixture = new TaskServer({ tasks: { ttlMs: 5000, maxTtlMs: 10_000 } })
    const peer = await connectStateful(t, fixture.server)
    const ttlOf = async (task: object) => (await beginAugmented(peer, 'quick', task)).task.ttl
    assert.equal(await ttlOf({}), 5000)
    assert.equal(await ttlOf({ ttl: 7000 }), 7000)
    assert.equal(await ttlOf({ ttl: 1_000_000 }), 10_000)
    assert.equal(await ttlOf({ ttl: 0 }), 1000)
    assert.equal(await ttlOf({ ttl: null }), 5000)
  })

  test('25.tasks.015: a tool may say what the model hears meanwhile', async (t) => {
    const fixture = new TaskServer()
    fixture.server.tool(
      'patient',
      {
        task: {
          support: 'optional',
          immediateResponse: 'Working on it',
          ttlMs: 2000,
          pollIntervalMs: 50,
        },
      },
      () => 'x',
    )
    const peer = await connectStateful(t, fixture.server)
    const { answer, task } = await beginAugmented(peer, 'patient')
    assert.deepEqual(answer.result?._meta, {
      'io.modelcontextprotocol/model-immediate-response': 'Working on it',
    })
    assert.equal(task.ttl, 2000)
    assert.equal(task.pollInterval, 50)
  })

  test('25.tasks.040 25.tasks.041 25.tasks.039: tasks/result waits, and gives what the call would have given', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const { taskId } = await beginAugmented(peer, 'work')
    let isAnswered = false
    const result = peer.request('tasks/result', { taskId }).finally(() => {
      isAnswered = true
    })
    await untilStatus(peer, taskId, 'working')
    assert.equal(isAnswered, false)
    fixture.work.finish('done')
    assert.deepEqual((await result).result, {
      content: [{ type: 'text', text: 'done' }],
      _meta: { [relatedTask]: { taskId } },
    })
    const again = await peer.request('tasks/result', { taskId })
    assert.deepEqual(again.result, (await result).result)
    assert.equal((await untilStatus(peer, taskId, 'completed')).result?.statusMessage, undefined)
  })

  test('25.tasks.039 25.tasks.053: an error of the protocol fails the task, and is what tasks/result gives', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const { taskId } = await beginAugmented(peer, 'breaks')
    const got = await untilStatus(peer, taskId, 'failed')
    assert.equal(got.result?.statusMessage, 'The request is no good')
    const { error } = await peer.request('tasks/result', { taskId })
    assert.deepEqual(error, {
      code: -32602,
      message: 'The request is no good',
      data: { why: 'test' },
    })
  })

  test('25.tasks.052 25.tasks.053: an error of the tool fails the task, and is its result', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const { taskId } = await beginAugmented(peer, 'fails')
    const got = await untilStatus(peer, taskId, 'failed')
    assert.equal(got.result?.statusMessage, 'It went wrong')
    const { result } = await peer.request('tasks/result', { taskId })
    assert.equal(result?.isError, true)
    assert.equal(list(result?.content)[0]?.text, 'It went wrong')
  })

  test('25.tasks.013: arguments that do not fit are the result of the task', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const { taskId, task } = await beginAugmented(peer, 'strict')
    assert.equal(task.status, 'working')
    const { result } = await peer.request('tasks/result', { taskId })
    assert.match(String(list(result?.content)[0]?.text), /Invalid arguments for tool strict/)
  })

  test('25.tasks.048 25.tasks.049 25.tasks.027: a cancelled task is so at once, stays so, and its work is told', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const { taskId } = await beginAugmented(peer, 'work')
    const waiting = peer.request('tasks/result', { taskId })
    const cancelled = await peer.request('tasks/cancel', { taskId })
    assert.equal(cancelled.result?.status, 'cancelled')
    assert.equal(cancelled.result?.taskId, taskId)
    assert.equal(fixture.work.context.signal.aborted, true)
    assert.equal((await waiting).error?.code, -32603)
    fixture.work.finish('too late')
    await untilStatus(peer, taskId, 'cancelled')
    const { error } = await peer.request('tasks/result', { taskId })
    assert.match(String(error?.message), /cancelled the task/)
  })

  test('25.cancel.003: a task is cancelled by tasks/cancel, and not by cancelling the request that began it', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const begun = peer.request('tools/call', { name: 'work', task: {} }, { id: 'call' })
    const taskId = String((await begun).result?.task?.taskId)
    peer.notify('notifications/cancelled', { requestId: 'call' })
    const status = async () => String((await peer.request('tasks/get', { taskId })).result?.status)
    assert.equal(await status(), 'working')
    assert.equal(fixture.work.context.signal.aborted, false)
    await peer.request('tasks/cancel', { taskId })
    assert.equal(await status(), 'cancelled')
    assert.equal(fixture.work.context.signal.aborted, true)
  })

  test('25.tasks.047: a task that is over cannot be cancelled', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    for (const [name, status] of [
      ['quick', 'completed'],
      ['fails', 'failed'],
    ] as const) {
      const { taskId } = await beginAugmented(peer, name)
      await untilStatus(peer, taskId, status)
      const answer = await peer.request('tasks/cancel', { taskId })
      assertError(answer, {
        code: -32602,
        id: answer.id!,
        message: new RegExp(`is ${status} already`),
      })
    }
  })

  test('25.tasks.051 25.tasks.055: an id that is none of the client’s is unknown to all methods', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      for (const params of [{ taskId: 'nope' }, { taskId: 5 }, {}]) {
        const answer = await peer.request(method, params)
        assertError(answer, {
          code: -32602,
          id: answer.id!,
          message: /Task not found|taskId must be/,
        })
      }
    }
  })

  test('25.tasks.043 25.tasks.044: the parameter is what counts, and answers do not repeat it in _meta', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const first = await beginAugmented(peer, 'quick')
    const second = await beginAugmented(peer, 'quick')
    const got = await peer.request(
      'tasks/get',
      { taskId: first.taskId },
      { meta: { [relatedTask]: { taskId: second.taskId } } },
    )
    assert.equal(got.result?.taskId, first.taskId)
    assert.equal(got.result?._meta, undefined)
    const listed = await peer.request('tasks/list')
    assert.equal(listed.result?._meta, undefined)
  })

  test('25.tasks.045 25.tasks.046: all tasks are listed, page by page', async (t) => {
    const peer = await connectStateful(t, new TaskServer({ pageSize: 2 }).server)
    const begun: string[] = []
    for (let index = 0; index < 5; index += 1) {
      begun.push((await beginAugmented(peer, 'quick')).taskId)
    }
    const listed: string[] = []
    let cursor: unknown
    let pages = 0
    do {
      const { result } = await peer.request('tasks/list', cursor === undefined ? {} : { cursor })
      listed.push(...list(result?.tasks).map(({ taskId }) => String(taskId)))
      cursor = result?.nextCursor
      pages += 1
    } while (cursor !== undefined)
    assert.deepEqual(listed, begun)
    assert.equal(pages, 3)
  })

  for (const cursor of ['', 'nonsense', btoa('tasks 5'), 7]) {
    test(`25.tasks.051: ${JSON.stringify(cursor)} is no cursor of the list`, async (t) => {
      const peer = await connectStateful(t, new TaskServer().server)
      const answer = await peer.request('tasks/list', { cursor })
      assertError(answer, { code: -32602, id: answer.id!, message: /unknown cursor/ })
    })
  }

  test('25.tasks.020 25.tasks.022 25.tasks.026: its client is told of each status, without related-task', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const { taskId } = await beginAugmented(peer, 'work')
    fixture.work.finish('done')
    const told = await peer.next()
    assert.equal(told.method, 'notifications/tasks/status')
    assert.equal(told.params?.taskId, taskId)
    assert.equal(told.params?.status, 'completed')
    assert.equal(told.params?._meta, undefined)
    assert.match(String(told.params?.lastUpdatedAt), isoTime)
  })

  test('25.tasks.060: methods of the extension do not exist here', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const answer = await peer.request('tasks/update', { taskId: 'x', inputResponses: {} })
    assert.equal(answer.error?.code, -32601)
  })
})
