import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { TaskRecord, TaskStore } from '../../src/index.ts'
import type { McpError } from '../../src/protocol/errors.ts'
import { makeTask } from './make-task.ts'

/** Makes a store of the kind that is under test, with room for so many tasks. */
export type MakeTaskStore = (t: TestContext, max: number) => Promise<TaskStore>

/** What every task store does, wherever it keeps its tasks. */
export function testTaskStore(kind: string, makeStore: MakeTaskStore): void {
  suite(`A task store ${kind}`, () => {
    test('gives back what it was given', async (t) => {
      const store = await makeStore(t, 10)
      const asked = makeTask('a', {
        status: 'input_required',
        statusMessage: 'Asking',
        inputRequests: { name: { method: 'elicitation/create', params: { message: 'Näme? 🙂' } } },
      })
      await store.save(asked)
      assert.deepEqual(await store.get('a'), asked)
      const { inputRequests: _, ...rest } = asked
      const done: TaskRecord = { ...rest, status: 'completed', result: { content: [], n: 1 } }
      await store.save(done)
      assert.deepEqual(await store.get('a'), done)
      assert.equal(await store.get('b'), undefined)
    })

    test("lists and counts an owner's tasks in the order of their creation", async (t) => {
      const store = await makeStore(t, 10)
      const createdAtMs = Date.now()
      for (const [index, id] of ['c', 'a', 'b'].entries()) {
        await store.save(makeTask(id, { createdAtMs: createdAtMs + index }))
      }
      await store.save(makeTask('x', { owner: 'you' }))
      const ids = async (owner: string) => (await store.list(owner)).map(({ taskId }) => taskId)
      assert.deepEqual(await ids('me'), ['c', 'a', 'b'])
      assert.deepEqual(await ids('you'), ['x'])
      assert.deepEqual(await ids('nobody'), [])
      assert.deepEqual([await store.count('me'), await store.count('nobody')], [3, 0])
      await store.delete('a')
      await store.delete('never')
      assert.deepEqual(await ids('me'), ['c', 'b'])
      assert.equal(await store.count('me'), 2)
    })

    test('has room for so many, whose states it still takes', async (t) => {
      const store = await makeStore(t, 2)
      await store.save(makeTask('a'))
      await store.save(makeTask('b'))
      const refused = async () => store.save(makeTask('c'))
      await assert.rejects(refused, (error: McpError) => error.code === 'TOO_MANY_TASKS')
      await store.save(makeTask('a', { status: 'completed', result: {} }))
      assert.equal((await store.get('a'))?.status, 'completed')
      await store.delete('a')
      await store.save(makeTask('c'))
      assert.equal(await store.count('me'), 2)
    })
  })
}
