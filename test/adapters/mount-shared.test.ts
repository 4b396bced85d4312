/** One server of the official SDK, mounted once, with many clients at the same time; or one for each session. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type HttpListener, type ServeHttpOptions, serveHttp } from '../../src/http.ts'
import { mount, type SdkServer } from '../../src/index.ts'
import {
  type AnyClient,
  atEnd,
  type ConnectOptions,
  connectClient,
  type OfficialClient,
  officialClients,
  textOf,
} from '../support/clients.ts'
import { serverV1, serverV2 } from './sdk-servers.ts'

const servers = [
  { sdk: 'McpServer 1.32', make: serverV1 },
  { sdk: 'McpServer 2.4', make: serverV2 },
]
const [oldest, , modern] = officialClients

async function serving(
  t: TestContext,
  server: SdkServer | (() => SdkServer),
  options: ServeHttpOptions = {},
): Promise<HttpListener> {
  const mounted = await mount(server, { onError: () => {} })
  const listener = await serveHttp(mounted, { port: 0, drainMs: 0, ...options })
  atEnd(t, () => listener.close())
  return listener
}

async function connected(
  t: TestContext,
  kind: OfficialClient,
  url: string,
  options?: ConnectOptions,
): Promise<AnyClient> {
  const client = await connectClient(kind, url, options)
  atEnd(t, async () => {
    await client.close()
    assert.deepEqual(client.wire.problems, [])
  })
  return client
}

for (const { sdk, make } of servers) {
  suite(`one ${sdk} for all clients`, () => {
    for (const isPlain of [false, true]) {
      const how = isPlain ? 'even what names no request' : 'each by its request'
      test(`progress, logs and questions of nine calls at once go to their callers only: ${how}`, async (t) => {
        const { url } = await serving(t, make())
        const meeting = `nine ${isPlain}`
        const outcomes = Array.from({ length: 9 }, async (_, index) => {
          const kind = officialClients[index % officialClients.length]!
          const me = `client ${index}`
          const client = await connected(t, kind, url, { name: me })
          const heard = new Set<unknown>()
          client.onNotification('notifications/message', ({ data }) => heard.add(data))
          client.onRequest('elicitation/create', ({ message }) => {
            heard.add(message)
            return { action: 'accept', content: { name: `answer of ${me}` } }
          })
          const isStateful = kind.revision === '2025-11-25'
          if (isStateful) await client.setLoggingLevel('debug')
          const result = await client.callTool(
            'ask_in_company',
            { me, meeting, calls: 9, isPlain },
            {
              timeout: 10_000,
              onprogress: ({ message }) => {
                // Client 2.4 reports its own rounds there, too.
                if (!message?.startsWith('Fulfilling')) heard.add(message)
              },
              ...(!isStateful && { meta: { 'io.modelcontextprotocol/logLevel': 'debug' } }),
            },
          )
          return { me, text: textOf(result), heard: [...heard] }
        })
        for (const { me, text, heard } of await Promise.all(outcomes)) {
          assert.equal(text, `${me}: answer of ${me}`)
          assert.deepEqual(heard, [me])
        }
      })
    }

    test('cancelling one call leaves the others alone', async (t) => {
      const { url } = await serving(t, make())
      const clients = await Promise.all(officialClients.map((kind) => connected(t, kind, url)))
      const cancelled = new AbortController()
      const waits = clients.map((client, index) =>
        client.callTool(
          'wait',
          { name: `wait ${index}` },
          index === 1 ? { signal: cancelled.signal } : {},
        ),
      )
      for (const wait of waits) wait.catch(() => {})
      for (const [index, client] of clients.entries()) {
        await client.callTool('wait_started', { name: `wait ${index}` })
      }
      cancelled.abort()
      await assert.rejects(waits[1]!)
      await clients[0]?.callTool('why_cancelled', { name: 'wait 1' })
      const named = { name: 'meanwhile', calls: 2, me: 'here' }
      const both = await Promise.all(
        [clients[0], clients[2]].map((client) => client?.callTool('meet', named)),
      )
      assert.deepEqual(
        both.map((result) => result && textOf(result)),
        ['here', 'here'],
      )
      const others = Promise.race([waits[0], waits[2]])
      const isOver = Symbol('none of them has ended')
      assert.equal(await Promise.race([others, Promise.resolve(isOver)]), isOver)
    })

    test('a resource that one client watches is told to that one', async (t) => {
      const { url } = await serving(t, make())
      const watching = await connected(t, oldest, url)
      const other = await connected(t, oldest, url)
      const heard: string[] = []
      other.onNotification('notifications/resources/updated', () => heard.push('other'))
      const updated = new Promise((resolve) =>
        watching.onNotification('notifications/resources/updated', resolve),
      )
      await watching.watch('docs://text')
      await other.callTool('touch', { uri: 'docs://text' })
      await updated
      assert.deepEqual(heard, [])
    })

    test('a client that cannot be asked is told what it lacks, and the tool is not', async (t) => {
      const { url } = await serving(t, make())
      for (const kind of officialClients) {
        const client = await connected(t, kind, url, { capabilities: {} })
        await assert.rejects(client.callTool('ask_form'), /elicitation/)
        await assert.rejects(client.callTool('ask_model'), /sampling/)
        assert.equal(textOf(await client.callTool('echo', { text: 'fine' })), 'fine')
      }
    })

    test('the tool knows who is calling when there is authentication', async (t) => {
      const { url } = await serving(t, make(), {
        authenticate: (request) => ({
          subject: request.getHeader('authorization') ?? '',
          scopes: ['read'],
        }),
      })
      for (const kind of officialClients) {
        const client = await connected(t, kind, url, { headers: { authorization: 'ada' } })
        const { user } = JSON.parse(textOf(await client.callTool('who_am_i')))
        assert.match(user, /"ada"/)
        assert.deepEqual(JSON.parse(user).scopes, ['read'])
      }
    })
  })

  suite(`a ${sdk} for each session`, () => {
    test('each session has a server of its own, which knows its client', async (t) => {
      const { url } = await serving(t, make)
      const kinds = officialClients.filter(({ revision }) => revision === '2025-11-25')
      for (const [index, kind] of kinds.entries()) {
        const client = await connected(t, kind, url, { name: `client ${index}` })
        assert.equal(textOf(await client.callTool('count_calls')), '1')
        assert.equal(textOf(await client.callTool('count_calls')), '2')
        assert.equal(
          JSON.parse(textOf(await client.callTool('who_am_i'))).client,
          `client ${index}`,
        )
      }
      const stateless = await connected(t, modern, url)
      assert.equal(textOf(await stateless.callTool('count_calls')), '1')
    })

    test('what changes in one session is told in that session only', async (t) => {
      const { url } = await serving(t, make)
      const here = await connected(t, oldest, url)
      const there = await connected(t, oldest, url)
      const heard: string[] = []
      const changed = new Promise((resolve) =>
        here.onNotification('notifications/tools/list_changed', resolve),
      )
      there.onNotification('notifications/tools/list_changed', () => heard.push('list_changed'))
      there.onNotification('notifications/resources/updated', () => heard.push('updated'))
      // Both have a server of their own by now.
      for (const client of [here, there]) await client.callTool('echo', { text: 'hello' })
      await there.watch('docs://text')
      await here.callTool('toggle', { what: 'tool' })
      await changed
      await here.callTool('touch', { uri: 'docs://text' })
      assert.ok((await here.listTools()).some(({ name }) => name === 'extra'))
      assert.ok(!(await there.listTools()).some(({ name }) => name === 'extra'))
      assert.deepEqual(heard, [])
    })

    test('a resource watched in a session is told there', { timeout: 5000 }, async (t) => {
      const { url } = await serving(t, make)
      const client = await connected(t, oldest, url)
      const updated = new Promise((resolve) =>
        client.onNotification('notifications/resources/updated', resolve),
      )
      await client.callTool('echo', { text: 'hello' })
      await client.watch('docs://text')
      await client.callTool('touch', { uri: 'docs://text' })
      await updated
    })

    test('the server of a session is closed with it', { timeout: 5000 }, async (t) => {
      const closed = Promise.withResolvers<void>()
      let isFirst = true
      const { url } = await serving(t, () => {
        const server = make()
        // The first one is for clients without a session.
        if (!isFirst) server.server.onclose = () => closed.resolve()
        isFirst = false
        return server
      })
      const client = await connected(t, oldest, url)
      await client.callTool('echo', { text: 'hello' })
      await client.endSession()
      await closed.promise
    })

    test('a session whose client cannot be asked has a server that knows it', async (t) => {
      const { url } = await serving(t, make)
      const client = await connected(t, oldest, url, { capabilities: {} })
      const outcome = await client.callTool('ask_form').then(
        (result) => (result.isError ? textOf(result) : 'asked'),
        (error: Error) => error.message,
      )
      assert.match(outcome, /elicitation/i)
    })
  })
}

test('a server that is connected already is refused, with the reason', async () => {
  const server = serverV1()
  await mount(server)
  await assert.rejects(mount(server), /connected|transport/i)
})
