/** Whatever happens to tasks in whatever order: none leaves a final status, and nothing is left of them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { isTerminal, type TaskStatus } from '../../src/protocol/tasks.ts'
import { ChannelConnection, sameProcess } from '../../src/server/channel-connection.ts'
import { Engine } from '../../src/server/engine.ts'
import { service } from '../../src/server/service.ts'
import type { Message } from '../support/messages.ts'
import { Peer } from '../support/peer.ts'
import { ableWithTasks, TaskServer } from '../support/tasks.ts'

const steps = ['work', 'ask', 'askTwo', 'quick', 'breaks', 'late', 'get', 'wait', 'answer'] as const
const ends = ['finish', 'cancel', 'cancelWait', 'expire', 'listen', 'stopListening'] as const
const step = fc.tuple(fc.constantFrom(...steps, ...ends), fc.nat(5))

/** One client of an engine of its own, in either era. */
class Fixture {
  readonly tasks = new TaskServer()
  readonly engine = new Engine(this.tasks.server[service])
  readonly peer: Peer
  readonly connection: ChannelConnection
  readonly #isStateful: boolean
  #waits = 0

  constructor(isStateful: boolean) {
    this.#isStateful = isStateful
    const channel = {
      send: (message: string | Uint8Array) => {
        const parsed = JSON.parse(Buffer.from(message as string).toString()) as Message
        queueMicrotask(() => this.peer.receive(parsed))
      },
      close: () => {},
    }
    this.connection = new ChannelConnection(this.engine, channel, sameProcess, () => {})
    this.peer = new Peer((message) => this.connection.message(JSON.stringify(message)))
  }

  async open(): Promise<void> {
    if (this.#isStateful) await this.peer.open('2025-11-25', { elicitation: {} })
    else this.peer.goStateless(ableWithTasks)
  }

  get taskIds(): string[] {
    const ids = this.peer.received.flatMap(
      ({ result }) => result?.task?.taskId ?? result?.taskId ?? [],
    )
    return [...new Set(ids.map(String))]
  }

  act(what: (typeof steps | typeof ends)[number], index: number): void {
    const taskId = this.taskIds.at(index % Math.max(this.taskIds.length, 1)) ?? 'none'
    const send = (method: string, params: object, id?: string) =>
      void this.peer.request(method, params, id === undefined ? {} : { id })
    switch (what) {
      case 'get':
        send('tasks/get', { taskId })
        break
      case 'wait':
        this.#waits += 1
        send('tasks/result', { taskId }, `wait ${this.#waits}`)
        break
      case 'cancelWait':
        this.peer.notify('notifications/cancelled', { requestId: `wait ${index}` })
        break
      case 'cancel':
        send('tasks/cancel', { taskId })
        break
      case 'finish':
        this.tasks.works.at(index)?.finish('done')
        break
      case 'expire':
        this.engine.tasks.sweep(Date.now() + (index === 0 ? 4_000_000 : 1000))
        break
      case 'listen':
        send('subscriptions/listen', { notifications: { taskIds: [taskId] } }, `sub ${index}`)
        break
      case 'stopListening':
        this.peer.notify('notifications/cancelled', { requestId: `sub ${index}` })
        break
      case 'answer':
        this.#answer(taskId)
        break
      default:
        send('tools/call', { name: what, ...(this.#isStateful && { task: {} }) })
    }
  }

  #answer(taskId: string): void {
    const result = { action: 'accept', content: { name: 'Ada' } }
    if (this.#isStateful) {
      const asked = this.peer.received.filter(({ method }) => method === 'elicitation/create')
      for (const { id } of asked) this.peer.send({ jsonrpc: '2.0', id, result })
      return
    }
    const inputResponses = { name: result, a: result, b: result, who: result }
    void this.peer.request('tasks/update', { taskId, inputResponses })
  }
}

/** The statuses of each task in the order in which the client saw them. */
function histories(received: readonly Message[]): Map<string, TaskStatus[]> {
  const seen = new Map<string, TaskStatus[]>()
  for (const { result, params } of received) {
    const task = result?.task ?? (result?.taskId === undefined ? params : result)
    if (task?.taskId === undefined || task.status === undefined) continue
    const id = String(task.taskId)
    seen.set(id, [...(seen.get(id) ?? []), String(task.status) as TaskStatus])
  }
  return seen
}

for (const isStateful of [true, false]) {
  const ids = isStateful ? '25.tasks.026 25.tasks.027' : '26.tasks.018 26.tasks.017'
  suite(isStateful ? '2025-11-25' : '2026-07-28', () => {
    test(`${ids}: any order of events is survived, and nothing is left`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (all, settles) => {
          const fixture = new Fixture(isStateful)
          await fixture.open()
          for (const [what, index] of all) {
            fixture.act(what, index)
            if (settles) await turn()
          }
          await turn()
          for (const [id, statuses] of histories(fixture.peer.received)) {
            const end = statuses.findIndex(isTerminal)
            if (end < 0) continue
            const after = new Set(statuses.slice(end))
            assert.equal(after.size, 1, `${id}: ${statuses.join(' ')}`)
          }
          fixture.connection.closed()
          await fixture.engine.close(0)
          for (const work of fixture.tasks.works) work.finish('late')
          await turn()
          assert.equal(fixture.engine.tasks.running, 0)
          assert.equal(fixture.engine.tasks.listeners.size, 0)
          assert.equal(fixture.engine.running, 0)
          assert.deepEqual(fixture.tasks.errors, [])
        }),
        { numRuns: 300 },
      )
    })
  })
}
