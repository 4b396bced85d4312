import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import { SessionStore } from '../../src/sessions/session-store.ts'
import { Storage } from '../../src/storage/storage.ts'
import { testSessionStore } from '../sessions/store-conformance.ts'
import { temporaryFolder } from '../support/folder.ts'

testSessionStore('in the database', async (t, limits, events) => {
  const storage = await Storage.open(temporaryFolder(t), {
    onProblem: (problem) => t.diagnostic(problem.message),
  })
  t.after(() => storage.close())
  const repository = storage.sessions
  return new SessionStore(limits, events, { repository, eventLimits: defaultEventLogLimits })
})
