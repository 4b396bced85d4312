import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { defaultEventLogLimits } from '../../src/sessions/event-log.ts'
import type { Session } from '../../src/sessions/session.ts'
import { type SessionLimits, SessionStore } from '../../src/sessions/session-store.ts'
import { Storage } from '../../src/storage/storage.ts'

/** A storage that is closed at the end of the test, and fails it when it has a problem. */
export async function openStorage(t: TestContext, folder: string): Promise<Storage> {
  const problems: Error[] = []
  const storage = await Storage.open(folder, { onProblem: (problem) => problems.push(problem) })
  t.after(async () => {
    await storage.close()
    t.assert.deepEqual(problems, [])
  })
  return storage
}

/** The sessions of a storage, as an engine has them. */
export function storeOf(storage: Storage, limits: Partial<SessionLimits> = {}) {
  const ended: Session[] = []
  const restored: Session[] = []
  const store = new SessionStore(
    limits,
    {
      ended: (session) => void ended.push(session),
      restored: (session) => void restored.push(session),
    },
    { repository: storage.sessions, eventLimits: defaultEventLogLimits },
  )
  return { store, ended, restored }
}

/** Resolves when all that the session has logged is kept. */
export function logged(session: Session): Promise<void> {
  const { keeping } = session
  return new Promise((resolve) => {
    if (keeping === undefined) resolve()
    else keeping.repository.events(keeping.key).whenKept(resolve)
  })
}

/** A response that notes what is written to it, and is over when it is closed. */
export function makeSink() {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const events: string[] = []
  return {
    events,
    closed,
    event: (data: string) => void events.push(data),
    replay: (missed: readonly { data: string }[]) =>
      void events.push(...missed.map(({ data }) => data)),
    close: () => resolve(),
  }
}

/** What the process of fixtures/process.ts says of itself. */
export interface Told {
  readonly id: string
  readonly key: number
  readonly streams: {
    readonly [Name in 'answered' | 'unanswered' | 'batch' | 'listening']: number
  }
}

/** A process that works with a folder, and has got so far that it can be killed. */
export async function startProcess(
  t: TestContext,
  folder: string,
): Promise<{ told: Told; kill: () => Promise<void> }> {
  const file = fileURLToPath(new URL('./fixtures/process.ts', import.meta.url))
  const child: ChildProcess = fork(file, [folder], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  t.after(kill)
  const ended = once(child, 'exit').then(() => {
    throw new Error('The process has ended before it told anything')
  })
  const [told] = (await Promise.race([once(child, 'message'), ended])) as [Told]
  ended.catch(() => {})
  return { told, kill }
}
