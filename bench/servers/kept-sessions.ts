/** Fills a data folder with sessions, and looks them up; without HTTP around it, which would hide what that costs. */
import { negotiate } from '../../src/protocol/revisions/index.ts'
import { defaultEventLogLimits as eventLimits } from '../../src/sessions/event-log.ts'
import { SessionStore } from '../../src/sessions/session-store.ts'
import { Storage } from '../../src/storage/storage.ts'
import { answerParent } from '../processes/ipc.ts'

// The sources, for what is published has no way to these parts by themselves.
const storage = await Storage.open(process.env.BENCH_DATA ?? '', {
  onProblem: (problem) => {
    throw problem
  },
})
const store = new SessionStore(
  { max: 2_000_000 },
  { ended: () => {} },
  { repository: storage.sessions, eventLimits },
)
const revision = negotiate('2025-11-25')

/** Opens sessions, some of them with subscriptions and streams, and gives their ids. */
async function fill(count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const opened = Array.from({ length: 100 }, (_, index) => {
      const clientInfo = { name: `client-${index}`, version: '1.0.0' }
      return store.open(revision, { clientInfo, clientCapabilities: { roots: {} } }, undefined)
    })
    await Promise.all(opened.map(({ kept }) => kept))
    for (const { session } of opened) {
      ids.push(session.id)
      if (ids.length % 10 !== 0) continue
      const { repository, key } = session.keeping ?? {}
      void repository?.subscribe(key ?? 0, 'docs://readme')
      session.openStream(eventLimits).send('{"jsonrpc":"2.0","method":"notifications/message"}')
    }
  }
  await storage.close()
  return ids
}

/** Looks each session up once, in random order; milliseconds. */
function lookUp(ids: string[]): { p50: number; p95: number; p99: number } {
  const order = ids.map((id) => ({ id, at: Math.random() })).sort((a, b) => a.at - b.at)
  const times = order.map(({ id }) => {
    const started = performance.now()
    store.get(id, undefined)
    return performance.now() - started
  })
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

answerParent({ fill, lookUp, stop: () => setImmediate(() => process.exit(0)) })
