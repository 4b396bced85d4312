import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryTaskStore } from '../../src/server/tasks/task-store.ts'
import { makeTask } from './make-task.ts'
import { testTaskStore } from './store-conformance.ts'

testTaskStore('in memory', async (_t, max) => new MemoryTaskStore(max))

test('a task is forgotten when its time has run out', () => {
  const store = new MemoryTaskStore(10)
  store.save(makeTask('short', { createdAtMs: 0, ttlMs: 1000 }))
  store.save(makeTask('long', { createdAtMs: 0, ttlMs: 2000 }))
  store.sweep(1000)
  assert.deepEqual([store.get('short'), store.get('long')?.taskId], [undefined, 'long'])
})
