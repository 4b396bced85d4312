/**
 * 1,000 cuts at random bytes while 10,000 events come to one client of 2025-11-25 over real sockets: with
 * `Last-Event-ID` it gets each event once, in order.
 *
 * A cut may hit the head of a response, the framing of a chunk, the middle of a letter or of an id. A run is told by
 * its seed: `CUTS_SEED=… npm test -- test/server/random-cuts.test.ts` cuts at the same bytes.
 */
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { type HttpListener, serveHttp } from '../../src/http.ts'
import { defineServer, type Server } from '../../src/index.ts'
import { BadNetwork } from '../support/bad-network.ts'
import { parseEvents, type SseEvent } from '../support/event-reader.ts'
import { initialize, type Message, notification, request } from '../support/messages.ts'

const seed = Number(process.env.CUTS_SEED ?? Math.floor(Math.random() * 2 ** 31))
const cuts = 1000
const events = 10_000
/** Calls at one time, each with a stream; beside them is the stream of what belongs to no call. */
const callers = 4
/** Reports of a call: more at once would be more than one request may make. */
const reportsPerCall = 95
/** Events that may be on their way: with more, a replay would be as long as all that is left. */
const maxAhead = 40
/** Bytes after which a connection breaks at the latest: about 16 events. */
const maxBytes = 3200

/** Numbers that the seed decides (mulberry32). */
class Dice {
  #state: number

  constructor(start: number) {
    this.#state = start
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** What a stream is to bring, and has brought: its sender stays only so far ahead of its reader. */
class Course {
  readonly sent: string[] = []
  readonly received: string[] = []
  /** Resolved when the reader has an id to come back with. */
  readonly opened = Promise.withResolvers<void>()
  #goOn: (() => void) | undefined

  /** Resolves when there is room for more. */
  async room(ahead: number): Promise<void> {
    while (this.sent.length - this.received.length > ahead) {
      await new Promise<void>((resolve) => {
        this.#goOn = resolve
      })
    }
  }

  receive(what: string): void {
    assert.equal(what, this.sent[this.received.length], 'one is lost, or out of order')
    this.received.push(what)
    this.#goOn?.()
  }
}

/** What is told of a message that is enough to tell it from all others. */
function nameOf({ method, params, result }: Message): string {
  switch (method) {
    case 'notifications/progress':
      return `progress ${params?.progress} ${params?.message}`
    case 'notifications/message':
      return `log ${params?.data}`
    case 'notifications/resources/updated':
      return `updated ${params?.uri}`
    default:
      return result === undefined ? JSON.stringify({ method, params }) : 'result'
  }
}

const resources = Array.from({ length: 97 }, (_, index) => `docs://größe/漢/😀/${index}`)

/** Calls of the tool `speak` say what their course says; resources change when told. */
function makeServer(courses: Map<string, Course>, dice: Dice): Server {
  const server = defineServer({ name: 'cuts', version: '1' })
  server.tool('speak', {}, async (_args, { meta, progress, log }) => {
    const course = courses.get(String(meta.progressToken))
    if (course === undefined) throw new Error('No such course')
    for (let number = 1; number <= reportsPerCall; number += 1) {
      await course.room(dice.below(maxAhead))
      course.sent.push(`progress ${number} Schritt ${number}: é漢😀`)
      progress(number, reportsPerCall, `Schritt ${number}: é漢😀`)
      course.sent.push(`log größe ${number}`)
      log('info', `größe ${number}`)
    }
    course.sent.push('result')
    return 'gesagt: é漢😀'
  })
  for (const uri of resources) server.resource(uri, {}, () => uri)
  return server
}

/** The session of the one client. */
class Client {
  /** All event ids ever seen. */
  readonly ids = new Map<string, string>()
  /** Comes back no more: something has gone wrong. */
  hasGivenUp = false
  readonly #headers: Record<string, string>

  constructor(sessionId: string) {
    this.#headers = { 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' }
  }

  static async open(url: string): Promise<Client> {
    const response = await post(url, {}, initialize('2025-11-25'))
    const client = new Client(response.headers.get('mcp-session-id') ?? '')
    await post(url, client.#headers, notification('notifications/initialized'))
    for (const uri of resources) {
      await post(url, client.#headers, request('resources/subscribe', { uri }))
    }
    return client
  }

  /**
   * Reads a stream to its end, or until it has brought all that `isDone` asks for, and comes back as often as it breaks.
   *
   * @param first - the request that opens the stream
   */
  async follow(port: number, course: Course, first: object, isDone: () => boolean): Promise<void> {
    let lastId: string | undefined
    const take = ({ id, message }: SseEvent): void => {
      lastId = id ?? lastId
      course.opened.resolve()
      if (message === undefined) return
      const name = nameOf(message)
      const known = this.ids.get(String(id))
      assert.equal(known, undefined, `${id} comes again: ${name}`)
      this.ids.set(String(id), name)
      course.receive(name)
    }
    do {
      const opening = lastId === undefined ? first : { method: 'GET' }
      const resumed = lastId === undefined ? {} : { 'last-event-id': lastId }
      const status = await this.#read(port, { ...opening, headers: resumed }, take)
      // Without a status the response broke off in its head; and nothing is left of a session that has ended.
      if (status !== undefined && !isDone()) assert.equal(status, 200, lastId)
      assert.notEqual(lastId, undefined, 'the first connection brings an id')
    } while (!isDone() && !this.hasGivenUp)
  }

  async end(url: string): Promise<void> {
    await fetch(url, { method: 'DELETE', headers: this.#headers })
  }

  /** Reads one response, as much of it as arrives. @returns its status */
  #read(
    port: number,
    { method, headers, body }: { method?: string; headers: object; body?: object },
    take: (event: SseEvent) => void,
  ): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      let status: number | undefined
      let rest = ''
      const accept = 'application/json, text/event-stream'
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      const all = { ...this.#headers, accept, ...type, ...headers }
      const options = { host: '127.0.0.1', port, path: '/mcp', method, headers: all, agent: false }
      const sending = httpRequest(options, (response) => {
        status = response.statusCode
        response.setEncoding('utf8').on('data', (part: string) => {
          const text = rest + part
          const end = text.lastIndexOf('\n\n')
          const whole = end < 0 ? '' : text.slice(0, end + 2)
          rest = text.slice(whole.length)
          try {
            parseEvents(whole).forEach(take)
          } catch (error) {
            reject(error)
          }
        })
        response.on('error', () => {}).on('close', () => resolve(status))
      })
      sending.on('error', () => resolve(status))
      sending.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

function post(url: string, headers: Record<string, string>, body: object): Promise<Response> {
  const accept = 'application/json, text/event-stream'
  return fetch(url, {
    method: 'POST',
    headers: { ...headers, accept, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

test('25.http.042 25.http.043: 1,000 cuts at any byte during 10,000 events: none is lost, none comes twice', async (t) => {
  t.diagnostic(`CUTS_SEED=${seed}`)
  const dice = new Dice(seed)
  const courses = new Map<string, Course>()
  const server = makeServer(courses, dice)
  // The bounds hold what may be on its way on all streams.
  const limits = { maxEvents: 20_000, maxLength: 20_000_000 }
  const listener: HttpListener = await serveHttp(server, { port: 0, drainMs: 0, events: limits })
  t.after(() => listener.close())
  const client = await Client.open(listener.url)
  t.after(() => {
    client.hasGivenUp = true
  })

  const networks: BadNetwork[] = []
  const done = () => networks.reduce((sum, each) => sum + each.cuts, 0)
  const received = () => client.ids.size
  const goesOn = () => done() < cuts || received() < events

  /** A network of its own for each stream, so that each is cut by its own dice. */
  const openNetwork = async (own: Dice): Promise<{ port: number; isNew(): void }> => {
    const network = new BadNetwork(listener.port)
    let isFirst = true
    network.nextBudget = () => {
      const fromFirstEvent = isFirst
      isFirst = false
      return { bytes: 1 + own.below(maxBytes), fromFirstEvent }
    }
    networks.push(network)
    return {
      port: await network.open(t),
      isNew: () => {
        isFirst = true
      },
    }
  }

  const call = async (caller: number): Promise<void> => {
    const { port, isNew } = await openNetwork(new Dice(seed + caller + 1))
    for (let round = 0; goesOn(); round += 1) {
      const token = `${caller}/${round}`
      const course = new Course()
      courses.set(token, course)
      const body = request('tools/call', { name: 'speak', _meta: { progressToken: token } }, token)
      isNew()
      const isDone = () => course.received.at(-1) === 'result'
      await client.follow(port, course, { method: 'POST', body }, isDone)
    }
  }

  const listening = new Course()
  courses.set('listening', listening)
  const change = async (): Promise<void> => {
    // What changes before there is a stream, nobody hears.
    await listening.opened.promise
    for (let number = 0; goesOn(); number += 1) {
      await listening.room(dice.below(maxAhead))
      const uri = resources[number % resources.length] ?? ''
      listening.sent.push(`updated ${uri}`)
      server.resourceUpdated(uri)
    }
    await listening.room(0)
  }

  let isOver = false
  const { port } = await openNetwork(new Dice(seed))
  const following = client.follow(port, listening, { method: 'GET' }, () => isOver)
  await Promise.all([change(), ...Array.from({ length: callers }, (_, index) => call(index))])
  isOver = true
  await client.end(listener.url)
  await following

  for (const [name, { sent, received }] of courses) assert.deepEqual(received, sent, name)
  const total = [...courses.values()].reduce((sum, { sent }) => sum + sent.length, 0)
  assert.equal(client.ids.size, total)
  assert.ok(total >= events && networks.reduce((sum, each) => sum + each.cuts, 0) >= cuts)
  t.diagnostic(`${total} events, ${done()} cuts, ${courses.size} streams`)
})
