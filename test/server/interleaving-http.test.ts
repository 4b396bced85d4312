/**
 * Whatever clients of Streamable HTTP do in whatever order, over real sockets: when they have gone, no request,
 * session, stream, timer or connection of theirs is left. One server serves all runs.
 */
import assert from 'node:assert/strict'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { AuthRequest } from '../../src/server/authenticator.ts'
import { HttpEndpoint } from '../../src/server/http-endpoint.ts'
import { HttpGate } from '../../src/server/http-gate.ts'
import { BusyServer, busyTools, comesTrue, timers } from '../support/busy-server.ts'
import { startListener, type TestListener } from '../support/direct-http.ts'
import { EventReader } from '../support/event-reader.ts'
import { statelessPost } from '../support/http.ts'
import { ableClient, initialize, type Message, notification, request } from '../support/messages.ts'

const steps = [
  ...['abort', 'abort', 'vanish', 'cancel', 'answer', 'answerNothing', 'ping', 'nonsense'],
  ...['listen', 'resume', 'subscribe', 'batch', 'delete'],
  ...['release', 'change', 'update', 'keepAlive'],
] as const
const revisions = ['2026-07-28', '2025-11-25', '2025-03-26'] as const
/** After a step: nothing, until it is on its way, or until the server has dealt with it. */
const pauses = ['none', 'turn', 'while'] as const
const scenario = fc.array(
  fc.tuple(
    fc.constantFrom(...steps, ...busyTools),
    fc.nat(1),
    fc.nat(9),
    fc.constantFrom(...pauses),
  ),
  { maxLength: 30 },
)
const ends = ['delete', 'idle'] as const
/** A request whose sender is gone when it has been found out who that is. */
const late = { 'x-late': '1' }

/** A client of one session, or of none in 2026-07-28. */
class Client {
  readonly #port: number
  readonly #revision: (typeof revisions)[number]
  readonly #open: ClientRequest[] = []
  readonly #questions: Message[] = []
  #sessionId: string | undefined
  #lastEventId: string | undefined
  #nextId = 0

  constructor(port: number, revision: (typeof revisions)[number]) {
    this.#port = port
    this.#revision = revision
  }

  async open(): Promise<void> {
    if (this.#sessionId !== undefined || this.#revision === '2026-07-28') return
    this.#sessionId = 'none yet'
    const opening = initialize(this.#revision, ableClient)
    const { headers } = await this.#exchange('POST', {}, opening)
    this.#sessionId = String(headers['mcp-session-id'])
    await this.#exchange('POST', {}, notification('notifications/initialized'))
  }

  async act(
    what: (typeof steps | typeof busyTools)[number],
    index: number,
    busy: BusyServer,
  ): Promise<void> {
    await this.open()
    const { length } = this.#open
    const question = this.#questions.at(-1 - (index % Math.max(1, this.#questions.length)))
    switch (what) {
      case 'abort':
        this.#open[length - 1 - (index % Math.max(1, length))]?.destroy()
        break
      case 'vanish':
        this.#vanish(index)
        break
      case 'cancel': {
        const requestId = `r${Math.max(0, this.#nextId - 1 - index)}`
        this.#post(notification('notifications/cancelled', { requestId }))
        break
      }
      case 'answer': {
        const result = { action: 'decline', roots: [] }
        this.#post({ jsonrpc: '2.0', id: question?.id ?? 1, result })
        break
      }
      case 'answerNothing':
        this.#post({ jsonrpc: '2.0', id: `nobody ${index}`, result: {} })
        break
      case 'ping':
        this.#request('ping')
        break
      case 'nonsense':
        this.#post({ jsonrpc: '2.0', id: {}, method: 1 })
        break
      case 'listen':
        if (this.#revision !== '2026-07-28') this.#start('GET', {})
        else {
          this.#request('subscriptions/listen', {
            notifications: { toolsListChanged: true, resourceSubscriptions: ['docs://a'] },
          })
        }
        break
      case 'resume':
        if (this.#lastEventId !== undefined) {
          this.#start('GET', { 'last-event-id': this.#lastEventId })
        }
        break
      case 'subscribe':
        this.#request('resources/subscribe', { uri: 'docs://a' })
        break
      case 'batch':
        this.#post([
          request('tools/call', { name: busyTools[index] }, `r${this.#nextId++}`),
          request('tools/call', { name: 'holds' }, `r${this.#nextId++}`),
        ])
        break
      case 'delete':
        this.#end()
        break
      case 'release':
        busy.release()
        break
      case 'change':
        busy.changeList()
        break
      case 'update':
        busy.updateResource()
        break
      case 'keepAlive':
        // Silent answers become streams, and streams get a comment.
        busy.engine.sweep.run(Date.now() + 20_000)
        break
      default:
        this.#request('tools/call', { name: what, _meta: { progressToken: this.#nextId } })
    }
  }

  /** Ends the session, as a good client does. */
  #end(): void {
    if (this.#sessionId === undefined) return
    this.#send('DELETE', {}, undefined, (response) => response.resume())
    this.#sessionId = undefined
    this.#lastEventId = undefined
  }

  /** Is gone before it is known who it was. */
  #vanish(index: number): void {
    if (index % 2 === 0 && this.#revision !== '2026-07-28') this.#start('GET', late)
    else if (index % 3 === 0) this.#request('subscriptions/listen', { notifications: {} }, late)
    else this.#request('tools/call', { name: 'obeys' }, late)
    const sending = this.#open.at(-1)
    setTimeout(() => sending?.destroy(), 5)
  }

  /** Goes away: breaks off whatever is open, and ends its session or forgets it. */
  async leave(how: (typeof ends)[number]): Promise<void> {
    for (const each of this.#open) each.destroy()
    if (how === 'delete' && this.#sessionId !== undefined) await this.#exchange('DELETE', {})
  }

  #request(method: string, params: object = {}, further: Record<string, string> = {}): void {
    const id = `r${this.#nextId++}`
    if (this.#revision !== '2026-07-28') {
      this.#start('POST', further, request(method, params, id))
      return
    }
    const { headers, body } = statelessPost(method, params, { id, capabilities: ableClient })
    this.#start('POST', { ...(headers as Record<string, string>), ...further }, body)
  }

  #post(body: object): void {
    this.#start('POST', {}, body)
  }

  /** Sends a request and reads on as long as there is something to read. */
  #start(method: string, headers: Record<string, string>, body?: object): void {
    const sending = this.#send(method, headers, body, (response) => {
      const events = new EventReader()
      response.setEncoding('utf8').on('data', (text: string) => {
        if (response.headers['content-type'] === 'text/event-stream') events.push(text)
      })
      response.on('error', () => {}).on('close', () => events.end())
      void this.#read(events)
    })
    this.#open.push(sending)
  }

  async #read(events: EventReader): Promise<void> {
    for (let event = await events.next(); event !== undefined; event = await events.next()) {
      this.#lastEventId = event.id ?? this.#lastEventId
      const { message } = event
      if (message?.id !== undefined && message.method !== undefined) this.#questions.push(message)
    }
  }

  #exchange(
    method: string,
    headers: Record<string, string>,
    body?: object,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sending = this.#send(method, headers, body, (response) => {
        response.resume().on('close', () => resolve(response))
      })
      sending.on('error', reject)
    })
  }

  #send(
    method: string,
    headers: Record<string, string>,
    body: object | undefined,
    onResponse: (response: IncomingMessage) => void,
  ): ClientRequest {
    const id = this.#sessionId
    const session = id === undefined || id === 'none yet' ? {} : { 'mcp-session-id': id }
    const sending = httpRequest(
      {
        host: '127.0.0.1',
        port: this.#port,
        path: '/mcp',
        agent: false,
        method,
        headers: {
          accept: 'application/json, text/event-stream',
          ...(body && { 'content-type': 'application/json' }),
          'mcp-protocol-version': this.#revision,
          ...session,
          ...headers,
        },
      },
      onResponse,
    )
    sending.on('error', () => {})
    sending.end(body && JSON.stringify(body))
    return sending
  }
}

for (const direct of [true, false]) {
  suite(direct ? 'HTTP, read from the sockets' : 'HTTP, read by Node', () => {
    const busy = new BusyServer()
    // It takes its time, in which a client may go away.
    let unknown = 0
    const authenticate = async ({ getHeader }: AuthRequest) => {
      unknown += 1
      await (getHeader('x-late') === undefined ? turn() : delay(15))
      unknown -= 1
      return { subject: 'ada' }
    }
    const gate = new HttpGate({ authenticate }, (error) => busy.errors.push(error))
    const endpoint = new HttpEndpoint(busy.engine, gate)
    let listener: TestListener
    let timersBefore = 0
    const cleanUps: (() => unknown)[] = []
    before(async () => {
      const t = { after: (cleanUp: () => unknown) => cleanUps.push(cleanUp) } as never
      listener = await startListener(t, (exchange) => endpoint.handle(exchange), { direct })
      timersBefore = timers()
    })
    after(async () => {
      await busy.engine.close(0)
      for (const cleanUp of cleanUps) cleanUp()
    })

    const left = () => ({
      ...busy.left,
      openBodies: endpoint.openBodies.size,
      silentReplies: endpoint.silentReplies.size,
      sockets: listener.sockets.filter((socket) => !socket.destroyed).length,
    })
    const nothing = {
      admitted: 0,
      running: 0,
      sessions: 0,
      subscriptions: 0,
      watched: 0,
      openBodies: 0,
      silentReplies: 0,
      sockets: 0,
    }
    /** What a session may keep that has not ended. */
    const kept = {
      admitted: 0,
      running: 0,
      sessions: 0,
      subscriptions: 0,
      watched: 0,
      silentReplies: 0,
    }
    let clockMs = Date.now()
    const isDisconnected = () => left().sockets === 0 && endpoint.openBodies.size === 0
    const isNothing = () => Object.values(left()).every((count) => count === 0)

    test('25.http.042 26.http.025: any order of what clients do leaves nothing behind', async () => {
      const property = fc.asyncProperty(
        fc.tuple(fc.constantFrom(...revisions), fc.constantFrom(...revisions)),
        scenario,
        fc.constantFrom(...ends),
        async (spoken, acts, how) => {
          const clients = spoken.map((revision) => new Client(listener.port, revision))
          for (const [what, client, index, pause] of acts) {
            await clients[client]?.act(what, index, busy)
            busy.seeSessions()
            if (pause === 'turn') await turn()
            else if (pause === 'while') await comesTrue(() => false, 5)
          }
          for (const client of clients) await client.leave(how)
          busy.release()
          await comesTrue(() => unknown === 0)
          await comesTrue(how === 'delete' ? isNothing : isDisconnected)
          if (how === 'idle') {
            assert.deepEqual({ ...left(), ...kept }, { ...nothing, ...kept })
            // A client of the stateful era may come back: what it has left ends when its time is over.
            await comesTrue(() => {
              clockMs += 3_600_000
              busy.engine.sweep.run(clockMs)
              return isNothing()
            })
          }
          assert.deepEqual(left(), nothing)
        },
      )
      await fc.assert(property, { numRuns: 150, endOnFailure: true })
      assert.ok(await comesTrue(() => timers() <= timersBefore))
    })

    test('and nothing of it is in memory', async () => {
      // A connection may have been broken off before the listener had taken it.
      await delay(50)
      assert.ok(await comesTrue(isNothing))
      // Node's HTTP keeps one or two of its own objects for reuse, with what hangs on them; a leak would be hundreds.
      const alive = await busy.inMemory()
      assert.ok(busy.seen > 300, String(busy.seen))
      assert.ok(alive < busy.seen / 100, `${alive} of ${busy.seen}`)
    })

    test('handlers have failed in no other way than they meant to', () => {
      assert.deepEqual(
        busy.errors.filter((error) => String(error) !== 'Error: thrown'),
        [],
      )
    })
  })
}
