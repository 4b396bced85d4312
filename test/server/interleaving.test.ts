/**
 * Whatever clients on connections do in whatever order: when they have gone, nothing of them is left. One engine serves
 * all runs; in the end no request or session of any of them is in memory.
 */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { ChannelConnection, sameProcess } from '../../src/server/channel-connection.ts'
import { BusyServer, busyTools, comesTrue, timers } from '../support/busy-server.ts'
import { ableClient, initialize, type Message, notification, request } from '../support/messages.ts'
import { Peer } from '../support/peer.ts'

const steps = [
  ...['cancel', 'cancel', 'answer', 'refuse', 'answerNothing', 'progress', 'ping', 'same'],
  ...['subscribe', 'unsubscribe', 'listen', 'batch', 'nonsense'],
  ...['release', 'change', 'update', 'sweep', 'disconnect'],
] as const
const revisions = ['2026-07-28', '2025-11-25', '2025-03-26'] as const
const scenario = fc.array(
  fc.tuple(fc.constantFrom(...steps, ...busyTools), fc.nat(1), fc.nat(9), fc.boolean()),
  { maxLength: 40 },
)

/** One client at a time on a connection, and another when that has gone. */
class Client {
  readonly #busy: BusyServer
  readonly #revision: (typeof revisions)[number]
  #peer: Peer | undefined
  #connection: ChannelConnection | undefined
  #nextId = 0

  constructor(busy: BusyServer, revision: (typeof revisions)[number]) {
    this.#busy = busy
    this.#revision = revision
  }

  async connect(isInitialized = true): Promise<Peer> {
    if (this.#peer !== undefined) return this.#peer
    const channel = {
      send: (message: string | Uint8Array) => {
        const parsed = JSON.parse(Buffer.from(message as string).toString()) as Message
        queueMicrotask(() => peer.receive(parsed))
      },
      close: () => {},
    }
    const connection = new ChannelConnection(this.#busy.engine, channel, sameProcess, () => {})
    const peer = new Peer((message) => connection.message(JSON.stringify(message)))
    this.#connection = connection
    this.#peer = peer
    if (this.#revision === '2026-07-28') peer.goStateless(ableClient)
    else if (isInitialized) await peer.open(this.#revision, ableClient)
    else peer.send(initialize(this.#revision, ableClient))
    return peer
  }

  disconnect(): void {
    this.#connection?.closed()
    // The map itself may be there, but nothing in it.
    assert.equal(this.#connection?.inFlight?.size ?? 0, 0)
    this.#connection = undefined
    this.#peer = undefined
  }

  async act(what: (typeof steps | typeof busyTools)[number], index: number): Promise<void> {
    const peer = await this.connect()
    const send = (method: string, params: object = {}) =>
      void peer.request(method, params, { id: `r${this.#nextId++}`, meta: { progressToken: 1 } })
    const recent = `r${Math.max(0, this.#nextId - 1 - index)}`
    const questions = peer.received.filter(({ id, method }) => id !== undefined && method)
    const question = questions.at(-1 - (index % Math.max(1, questions.length)))?.id
    switch (what) {
      case 'cancel':
        peer.notify('notifications/cancelled', { requestId: recent })
        break
      case 'answer':
        peer.send({ jsonrpc: '2.0', id: question ?? 1, result: { action: 'decline', roots: [] } })
        break
      case 'refuse':
        peer.send({ jsonrpc: '2.0', id: question ?? 1, error: { code: -1, message: 'No' } })
        break
      case 'answerNothing':
        peer.send({ jsonrpc: '2.0', id: `nobody ${index}`, result: {} })
        break
      case 'progress':
        peer.notify('notifications/progress', { progressToken: index, progress: 1 })
        break
      case 'ping':
        send('ping')
        break
      case 'same':
        peer.send(request('tools/call', { name: 'holds' }, recent))
        break
      case 'subscribe':
      case 'unsubscribe':
        send(`resources/${what}`, { uri: `docs://${index % 2 === 0 ? 'a' : 'b'}` })
        break
      case 'listen':
        send('subscriptions/listen', {
          notifications: { toolsListChanged: true, resourceSubscriptions: ['docs://a'] },
        })
        break
      case 'batch':
        peer.send([
          request('tools/call', { name: busyTools[index] }, `r${this.#nextId++}`),
          request('tools/call', { name: 'asks' }, `r${this.#nextId++}`),
          notification('notifications/cancelled', { requestId: recent }),
        ])
        break
      case 'nonsense':
        peer.send({ jsonrpc: '2.0', id: {}, method: 1 })
        break
      case 'release':
        this.#busy.release()
        break
      case 'change':
        this.#busy.changeList()
        break
      case 'update':
        this.#busy.updateResource()
        break
      case 'sweep':
        this.#busy.engine.sweep.run(Date.now() + index * 60_000)
        break
      case 'disconnect':
        this.disconnect()
        break
      default:
        send('tools/call', { name: what })
    }
  }
}

suite('connections', () => {
  const busy = new BusyServer()
  after(() => busy.engine.close(0))
  const before = timers()

  test('25.cancel.001 26.cancel.016: any order of what clients do leaves nothing behind', async () => {
    const property = fc.asyncProperty(
      fc.tuple(fc.constantFrom(...revisions), fc.constantFrom(...revisions)),
      scenario,
      async (spoken, acts) => {
        const clients = spoken.map((revision) => new Client(busy, revision))
        for (const [what, client, index, settles] of acts) {
          await clients[client]?.act(what, index)
          busy.seeSessions()
          if (settles) await turn()
        }
        for (const client of clients) client.disconnect()
        const none = { admitted: 0, running: 0, sessions: 0, subscriptions: 0, watched: 0 }
        assert.deepEqual(busy.left, none)
        // What handlers still do when nobody listens has no effect.
        busy.release()
        await turn()
        assert.deepEqual(busy.left, none)
      },
    )
    await fc.assert(property, { numRuns: 1000 })
    assert.ok(await comesTrue(() => timers() <= before))
  })

  test('and nothing of it is in memory', async () => {
    assert.equal(await busy.inMemory(), 0)
  })

  test('handlers have failed in no other way than they meant to', () => {
    const others = busy.errors.filter((error) => String(error) !== 'Error: thrown')
    assert.deepEqual(others, [])
  })
})

suite('a connection that stays', () => {
  /** Ways for a request to end, each many times on one connection. */
  const ends: Record<string, (peer: Peer, id: string) => Promise<unknown>> = {
    'is answered': (peer, id) => peer.request('tools/call', { name: 'later' }, { id }),
    fails: (peer, id) => peer.request('tools/call', { name: 'throws' }, { id }),
    'is cancelled': async (peer, id) => {
      void peer.request('tools/call', { name: 'obeys' }, { id })
      peer.notify('notifications/cancelled', { requestId: id })
    },
    'is cancelled while it asks': async (peer, id) => {
      void peer.request('tools/call', { name: 'asks' }, { id })
      peer.notify('notifications/cancelled', { requestId: id })
    },
    'asks, and the question is refused': async (peer, id) => {
      const answer = peer.request('tools/call', { name: 'asks' }, { id })
      const question = await peer.next()
      peer.send({ jsonrpc: '2.0', id: question.id, error: { code: -1, message: 'No' } })
      await answer
    },
  }
  for (const [how, end] of Object.entries(ends)) {
    for (const isInitialized of [true, false]) {
      // A question is only sent when the handshake is over.
      if (how.includes('refused') && !isInitialized) continue
      const when = isInitialized ? '' : ', before the handshake is over'
      test(`forgets a request that ${how}${when}`, async () => {
        const busy = new BusyServer()
        const client = new Client(busy, '2025-11-25')
        const peer = await client.connect(isInitialized)
        for (let number = 0; number < 100; number += 1) await end(peer, `n${number}`)
        assert.ok(await comesTrue(() => busy.engine.running === 0))
        assert.equal(await busy.inMemory(), 0)
        const own = { sessions: 1, subscriptions: 1 }
        assert.deepEqual(busy.left, { admitted: 0, running: 0, watched: 0, ...own })
        client.disconnect()
        await busy.engine.close(0)
      })
    }
  }
})
