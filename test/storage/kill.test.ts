/** `tsmcp serve --data` is killed (SIGKILL) under load, again and again, and has lost nothing that it acknowledged. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CliProcess, freePort } from '../cli/workspace.ts'
import { connectClient, officialClients, textOf } from '../support/clients.ts'
import { temporaryFolder } from '../support/folder.ts'
import { HttpClient } from '../support/http.ts'
import { request } from '../support/messages.ts'
import { Acknowledged, findLost, loadUntilDeath } from './load.ts'

const isSlow = process.env.SLOW_TESTS === '1'
const rounds = isSlow ? 20 : 3
/** Acknowledgements after which a server may die. */
const enough = isSlow ? 2000 : 200
const serverFile = fileURLToPath(new URL('./fixtures/server.ts', import.meta.url))

/** A server with a data folder that can be killed and started again at the same address. */
class MortalServer {
  readonly port: number
  readonly #args: string[]
  #process: CliProcess | undefined

  constructor(port: number, folder: string) {
    this.port = port
    this.#args = ['serve', serverFile, '--port', `${port}`, '--data', folder]
  }

  static async make(t: TestContext): Promise<MortalServer> {
    const server = new MortalServer(await freePort(), temporaryFolder(t))
    t.after(() => server.kill())
    await server.start()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`
  }

  async start(): Promise<void> {
    this.#process = new CliProcess(this.#args, { cwd: process.cwd() })
    await this.#process.until(/\/mcp/, 50_000)
  }

  /** What it has printed as errors. */
  get errors(): string {
    return this.#process?.err ?? ''
  }

  async kill(): Promise<void> {
    this.#process?.child.kill('SIGKILL')
    await this.#process?.exited
  }

  async stop(): Promise<void> {
    this.#process?.child.kill('SIGTERM')
    assert.equal(await this.#process?.exited, 0)
  }
}

suite('A server that is killed', () => {
  test(`loses no acknowledged session, event or task, ${rounds} times`, async (t) => {
    const server = await MortalServer.make(t)
    let total = 0
    for (let round = 1; round <= rounds; round += 1) {
      const acknowledged = new Acknowledged()
      const load = await loadUntilDeath(new HttpClient(t, server.port), acknowledged)
      while (acknowledged.count < enough) await sleep(10)
      await sleep(randomInt(100))
      await server.kill()
      await load.ended()
      await server.start()
      assert.deepEqual(await findLost(acknowledged), [])
      assert.equal(server.errors, '')
      total += acknowledged.count
      const { sessions, streams, tasks } = acknowledged
      t.diagnostic(
        `round ${round}: ${sessions.length} sessions, ${streams.length} streams, ${tasks.length} tasks`,
      )
    }
    t.diagnostic(`${total} acknowledged, none lost`)
  })

  for (const kind of officialClients.filter(({ revision }) => revision === '2025-11-25')) {
    test(`is met again by the official ${kind.client} with the same session`, async (t) => {
      const server = await MortalServer.make(t)
      const client = await connectClient(kind, server.url, { isPatient: true })
      t.after(() => client.close())
      const updated: unknown[] = []
      let heard = Promise.withResolvers<void>()
      client.onNotification('notifications/resources/updated', ({ uri }) => {
        updated.push(uri)
        heard.resolve()
      })
      await client.watch('docs://a')
      await client.callTool('touch')
      await heard.promise
      const { sessionId } = client
      assert.match(String(sessionId), /\./)

      for (const end of ['kill', 'stop'] as const) {
        await server[end]()
        heard = Promise.withResolvers<void>()
        await server.start()
        assert.equal(textOf(await client.callTool('talk', { count: 3 })), 'said 3')
        assert.equal(client.sessionId, sessionId)
        // Its stream comes back by itself, and it is told to look again at what it watches.
        await heard.promise
        heard = Promise.withResolvers<void>()
        await client.callTool('touch')
        await heard.promise
      }
      assert.deepEqual(new Set(updated), new Set(['docs://a']))
    })
  }

  test('keeps subscriptions and the level of log messages', async (t) => {
    const server = await MortalServer.make(t)
    const client = new HttpClient(t, server.port)
    const acknowledged = new Acknowledged()
    const load = await loadUntilDeath(client, acknowledged)
    while (acknowledged.sessions.length === 0) await sleep(5)
    const [session] = acknowledged.sessions
    if (session === undefined) return assert.fail()
    await session.call('resources/subscribe', { uri: 'docs://a' })
    await session.call('logging/setLevel', { level: 'error' })
    await server.kill()
    await load.ended()
    await server.start()
    const listening = await session.listen()
    await session.call('tools/call', { name: 'touch' })
    const message = await listening.events.nextMessage()
    assert.equal(message?.method, 'notifications/resources/updated')
    const talk = request('tools/call', { name: 'talk', arguments: { count: 1 } })
    const { messages } = await session.send(talk)
    assert.deepEqual(
      messages.map(({ id }) => id),
      [1],
    )
    listening.abort()
  })
})
