import type { TaskStore } from '../../src/index.ts'
import { Storage } from '../../src/storage/storage.ts'
import { temporaryFolder } from '../support/folder.ts'
import { testTaskStore } from '../tasks/store-conformance.ts'

testTaskStore('in the database', async (t, max): Promise<TaskStore> => {
  const storage = await Storage.open(temporaryFolder(t), {
    onProblem: (problem) => t.diagnostic(problem.message),
  })
  t.after(() => storage.close())
  return storage.tasks(max)
})
