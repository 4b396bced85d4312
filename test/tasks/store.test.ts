/** Tasks that are kept elsewhere: every call of the store takes its time, or fails. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskRecord, TaskStore } from '../../src/index.ts'
import { MemoryTaskStore } from '../../src/server/tasks/task-store.ts'
import { list } from '../support/messages.ts'
import { connectStateful, connectStateless } from '../support/peer.ts'
import {
  ableWithTasks,
  beginAugmented,
  beginExtension,
  TaskServer,
  untilStatus,
  withTasks,
} from '../support/tasks.ts'

/** A store behind a wire: what it has is JSON, and there is a way to go. */
class DistantStore implements TaskStore {
  readonly #near = new MemoryTaskStore(1000)
  /** Fails the calls that it matches. */
  broken: ((call: string, task?: TaskRecord) => boolean) | undefined = undefined
  readonly calls: string[] = []

  save(task: TaskRecord): Promise<void> {
    return this.#go('save', () => this.#near.save(JSON.parse(JSON.stringify(task))), task)
  }
  get(taskId: string): Promise<TaskRecord | undefined> {
    return this.#go('get', () => this.#near.get(taskId))
  }
  list(owner: string): Promise<readonly TaskRecord[]> {
    return this.#go('list', () => this.#near.list(owner))
  }
  count(owner: string): Promise<number> {
    return this.#go('count', () => this.#near.count(owner))
  }
  delete(taskId: string): Promise<void> {
    return this.#go('delete', () => this.#near.delete(taskId))
  }
  sweep(nowMs: number): Promise<void> {
    return this.#go('sweep', () => this.#near.sweep(nowMs))
  }
  async #go<Value>(call: string, act: () => Value, task?: TaskRecord): Promise<Value> {
    this.calls.push(call)
    await sleep(2)
    if (this.broken?.(call, task)) throw new Error(`The store is out of reach: ${call}`)
    return act()
  }
}

suite('A store that takes its time', () => {
  test('26.tasks.022 26.tasks.023: a task is answered with when it is kept, not before', async (t) => {
    const store = new DistantStore()
    const peer = await connectStateless(t, new TaskServer({ tasks: { store } }).server, withTasks)
    const { taskId } = await beginExtension(peer, 'quick')
    assert.deepEqual(store.calls.slice(0, 2), ['count', 'save'])
    assert.ok((await store.get(taskId)) !== undefined)
    const { result } = await untilStatus(peer, taskId, 'completed')
    assert.deepEqual(list(result?.result?.content)[0]?.text, 'quick result')
  })

  test('26.tasks.010: a task of another process can be seen, listed and cancelled', async (t) => {
    const store = new DistantStore()
    const peer = await connectStateless(t, new TaskServer({ tasks: { store } }).server, withTasks)
    const nowMs = Date.now()
    await store.save({
      taskId: 'elsewhere',
      owner: 'anonymous',
      form: 'extension',
      method: 'tools/call',
      status: 'working',
      createdAtMs: nowMs,
      lastUpdatedAtMs: nowMs,
      ttlMs: 60_000,
      pollIntervalMs: 1000,
    })
    const taskId = 'elsewhere'
    assert.equal((await peer.request('tasks/get', { taskId })).result?.status, 'working')
    assert.equal(
      (await peer.request('tasks/update', { taskId, inputResponses: {} })).error,
      undefined,
    )
    await peer.request('tasks/cancel', { taskId })
    assert.equal((await peer.request('tasks/get', { taskId })).result?.status, 'cancelled')
  })

  test('a question that has been answered is not open for whoever asks next', async (t) => {
    const store = new DistantStore()
    const fixture = new TaskServer({ tasks: { store } })
    const peer = await connectStateless(t, fixture.server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'askTwo')
    const open = async () => {
      const { result } = await peer.request('tasks/get', { taskId })
      return Object.keys(result?.inputRequests ?? {})
    }
    while ((await open()).length < 2) await sleep(1)
    await peer.request('tasks/update', {
      taskId,
      inputResponses: { a: { action: 'accept', content: { name: 'Ada' } } },
    })
    assert.deepEqual(await open(), ['b'])
  })

  test('25.tasks.045 25.tasks.039: the older form works with it as well', async (t) => {
    const store = new DistantStore()
    const peer = await connectStateful(
      t,
      new TaskServer({ tasks: { store } }).server,
      '2025-11-25',
      { elicitation: {} },
    )
    const { taskId } = await beginAugmented(peer, 'quick')
    const { result } = await peer.request('tasks/result', { taskId })
    assert.equal(list(result?.content)[0]?.text, 'quick result')
    assert.equal(list((await peer.request('tasks/list')).result?.tasks).length, 1)
  })
})

suite('Nobody is told of a task before it is kept:', () => {
  /** Keeps the ends of tasks when the test says so. */
  class SlowStore extends MemoryTaskStore {
    readonly gate = Promise.withResolvers<void>()
    readonly isSaving = Promise.withResolvers<void>()
    constructor() {
      super(100)
    }
    override async save(task: TaskRecord): Promise<void> {
      if (task.status !== 'working') {
        this.isSaving.resolve()
        await this.gate.promise
      }
      super.save(task)
    }
  }

  test('not of its end, whichever way the client asks', async (t) => {
    const store = new SlowStore()
    const fixture = new TaskServer({ tasks: { store } })
    const peer = await connectStateful(t, fixture.server, '2025-11-25', {})
    const { taskId } = await beginAugmented(peer, 'work')
    const waiting = peer.request('tasks/result', { taskId })
    fixture.work.finish('done')
    await store.isSaving.promise
    const late = peer.request('tasks/result', { taskId })
    const status = async () => (await peer.request('tasks/get', { taskId })).result?.status
    assert.equal(await status(), 'working')
    const [listed] = list((await peer.request('tasks/list')).result?.tasks)
    assert.equal(listed?.status, 'working')
    const first = await Promise.race([waiting, late, status()])
    assert.equal(first, 'working')
    store.gate.resolve()
    for (const { result } of [await waiting, await late]) {
      assert.equal(list(result?.content)[0]?.text, 'done')
    }
    assert.equal(await status(), 'completed')
  })

  test('and a cancellation is answered when it is kept', async (t) => {
    const store = new SlowStore()
    const peer = await connectStateful(
      t,
      new TaskServer({ tasks: { store } }).server,
      '2025-11-25',
      {},
    )
    const { taskId } = await beginAugmented(peer, 'work')
    const cancelling = peer.request('tasks/cancel', { taskId })
    await store.isSaving.promise
    assert.equal((await peer.request('tasks/get', { taskId })).result?.status, 'working')
    store.gate.resolve()
    assert.equal((await cancelling).result?.status, 'cancelled')
  })
})

suite('A store that fails', () => {
  test('26.tasks.069 25.tasks.051: a task that cannot be kept does not begin', async (t) => {
    const store = new DistantStore()
    store.broken = (call) => call === 'save'
    const fixture = new TaskServer({ tasks: { store } })
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { error } = await peer.request('tools/call', { name: 'quick' })
    assert.equal(error?.code, -32603)
    assert.equal(error?.message, 'Internal error')
    assert.match(String(fixture.errors[0]), /out of reach: save/)
  })

  test('26.tasks.069: what cannot be looked up is an internal error', async (t) => {
    const store = new DistantStore()
    store.broken = (call) => call === 'get'
    const peer = await connectStateless(t, new TaskServer({ tasks: { store } }).server, withTasks)
    assert.equal((await peer.request('tasks/get', { taskId: 'x' })).error?.code, -32603)
  })

  test('26.tasks.034: an end that cannot be kept is served from memory', async (t) => {
    const store = new DistantStore()
    store.broken = (call, task) => call === 'save' && task?.status === 'completed'
    const fixture = new TaskServer({ tasks: { store } })
    const peer = await connectStateless(t, fixture.server, withTasks)
    const { taskId } = await beginExtension(peer, 'quick')
    await untilStatus(peer, taskId, 'completed')
    await sleep(10)
    await untilStatus(peer, taskId, 'completed')
    assert.match(String(fixture.errors[0]), /out of reach: save/)
  })

  test('26.tasks.052: questions need no store', async (t) => {
    const store = new DistantStore()
    const fixture = new TaskServer({ tasks: { store } })
    const peer = await connectStateless(t, fixture.server, ableWithTasks)
    const { taskId } = await beginExtension(peer, 'ask')
    store.broken = (call) => call === 'save'
    await untilStatus(peer, taskId, 'input_required')
    await peer.request('tasks/update', {
      taskId,
      inputResponses: { name: { action: 'accept', content: { name: 'Ada' } } },
    })
    await untilStatus(peer, taskId, 'completed')
  })
})
