import assert from 'node:assert/strict'
import type { HttpClient, HttpSession } from '../support/http.ts'
import { HttpSession as Session } from '../support/http.ts'
import { initialize, type Message, notification, request } from '../support/messages.ts'

/** What a server has acknowledged, and must not forget. */
export class Acknowledged {
  readonly sessions: HttpSession[] = []
  readonly streams: SeenStream[] = []
  readonly tasks: SeenTask[] = []

  get count(): number {
    const events = this.streams.reduce((sum, { events }) => sum + events.length, 0)
    return this.sessions.length + events + this.tasks.length
  }
}

/** The events of one response, as far as they have arrived. */
interface SeenStream {
  readonly session: HttpSession
  readonly requestId: string
  readonly events: { readonly id: string; readonly data: string }[]
}

/** A task, and the last that its client was told of it. */
interface SeenTask {
  readonly session: HttpSession
  readonly taskId: string
  status: string
  result?: unknown
}

const version = '2025-11-25'

/** Opens a session; it counts from the moment in which its id is here. */
async function open(client: HttpClient, acknowledged: Acknowledged): Promise<HttpSession> {
  const { status, headers } = await client.send({ body: initialize(version) })
  const id = headers['mcp-session-id']
  assert.equal(status, 200)
  const session = new Session(client, String(id), version, {})
  acknowledged.sessions.push(session)
  assert.equal((await session.send(notification('notifications/initialized'))).status, 202)
  return session
}

/** Keeps a server busy until it dies: opens sessions, lets tools talk, and lets them work as tasks. */
export async function loadUntilDeath(client: HttpClient, acknowledged: Acknowledged) {
  let isOver = false
  const untilDeath = async (act: () => Promise<void>): Promise<void> => {
    try {
      while (!isOver) await act()
    } catch (error) {
      // The server has been killed: connections break. What it says wrongly is another matter.
      if (error instanceof assert.AssertionError) throw error
    }
  }
  const loops = [
    ...Array.from({ length: 4 }, () => () => open(client, acknowledged).then(() => {})),
    ...Array.from({ length: 3 }, () => () => talk(client, acknowledged)),
    ...Array.from({ length: 2 }, () => () => work(client, acknowledged)),
  ].map(untilDeath)
  return {
    ended: async (): Promise<void> => {
      isOver = true
      await Promise.all(loops)
    },
  }
}

async function talk(client: HttpClient, acknowledged: Acknowledged): Promise<void> {
  const session = await open(client, acknowledged)
  const params = { name: 'talk', arguments: { count: 20 } }
  const { events } = await session.open(request('tools/call', params, 'talk'))
  const seen: SeenStream = { session, requestId: 'talk', events: [] }
  acknowledged.streams.push(seen)
  for (let event = await events.next(); event !== undefined; event = await events.next()) {
    const { id, data } = event
    if (id !== undefined && data !== undefined) seen.events.push({ id, data })
  }
}

async function work(client: HttpClient, acknowledged: Acknowledged): Promise<void> {
  const session = await open(client, acknowledged)
  for (const name of ['work', 'hang']) {
    const { result } = await session.call('tools/call', { name, task: {} })
    const taskId = String(result?.task?.taskId)
    const seen: SeenTask = { session, taskId, status: 'working' }
    acknowledged.tasks.push(seen)
    if (name === 'hang') continue
    seen.result = (await session.call('tasks/result', { taskId })).result
    seen.status = 'completed'
  }
}

/** Asks the server for everything that it has acknowledged; gives what is lost. */
export async function findLost(acknowledged: Acknowledged): Promise<string[]> {
  const lost: string[] = []
  for (const session of acknowledged.sessions) {
    const { error } = await session.call('ping').catch((cause: Error) => {
      throw new Error('The server does not answer', { cause })
    })
    if (error !== undefined) lost.push(`session ${session.id}: ${error.message}`)
  }
  for (const stream of acknowledged.streams) lost.push(...(await lostEvents(stream)))
  for (const task of acknowledged.tasks) lost.push(...(await lostTask(task)))
  return lost
}

async function lostEvents({ session, requestId, events }: SeenStream): Promise<string[]> {
  const [first, ...others] = events
  if (first === undefined) return []
  const { status, events: reader } = await session.listen(first.id)
  if (status !== 200) return [`stream of ${first.id}: status ${status}`]
  const replayed = new Map<string | undefined, string | undefined>()
  let last: Message | undefined
  for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
    replayed.set(event.id, event.data)
    last = event.message
  }
  const lost = others.filter(({ id, data }) => replayed.get(id) !== data)
  // The stream ends with an answer in any case: the tool's, or that there will be none.
  const isAnswered =
    last?.id === requestId &&
    (last.result !== undefined ||
      /restarted while the request ran/.test(String(last.error?.message)))
  return [
    ...lost.map(({ id }) => `event ${id}`),
    ...(isAnswered ? [] : [`answer on the stream of ${first.id}: ${JSON.stringify(last)}`]),
  ]
}

async function lostTask({ session, taskId, status, result }: SeenTask): Promise<string[]> {
  const found = (await session.call('tasks/get', { taskId })).result
  const answer = await session.call('tasks/result', { taskId })
  const now = String(found?.status)
  if (status === 'completed') {
    assert.deepEqual(answer.result, result)
    return now === 'completed' ? [] : [`task ${taskId}: completed, now ${now}`]
  }
  const hasFailed = now === 'failed' && /restarted/.test(String(answer.error?.message))
  return now === 'completed' || hasFailed ? [] : [`task ${taskId}: working, now ${now}`]
}
