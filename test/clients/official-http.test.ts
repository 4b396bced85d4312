/** What official clients go through over HTTP beyond calls: broken networks, sessions, eras, headers, caches. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import {
  Client,
  type ClientOptions,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { type HttpListener, serveHttp } from '../../src/http.ts'
import { defineServer, type Servable, toolResult } from '../../src/index.ts'
import {
  type AnyClient,
  atEnd,
  type ConnectOptions,
  connectClient,
  type OfficialClient,
  officialClients,
  serveEverything,
  stdioCommand,
  textOf,
} from '../support/clients.ts'
import { Wire } from '../support/clients-wire.ts'

const stateful = officialClients.filter(({ revision }) => revision === '2025-11-25')
const [old, , modern] = officialClients

async function serving(t: TestContext, server?: Servable): Promise<HttpListener> {
  const listener = server
    ? await serveHttp(server, { port: 0, drainMs: 0 })
    : await serveEverything()
  atEnd(t, () => listener.close())
  return listener
}

/** A client that is closed at the end of the test, when all it was sent must have been valid. */
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

/** Client 2.4 itself, for what only it has. */
async function connectedModern(
  t: TestContext,
  url: string,
  options: ClientOptions = {},
): Promise<{ client: Client; wire: Wire }> {
  const client = new Client(
    { name: 'tester', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } }, ...options },
  )
  const wire = new Wire()
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: wire.fetch }))
  atEnd(t, async () => {
    await client.close()
    assert.deepEqual(wire.problems, [])
  })
  return { client, wire }
}

const listening = ({ wire }: AnyClient, count: number) =>
  wire.until(() => {
    const streams = wire.exchanges.filter((each) => each.httpMethod === 'GET' && each.status)
    return streams.length >= count && streams
  })

for (const kind of stateful) {
  suite(`${kind.client} in ${kind.revision}`, () => {
    test('what changes while the network is down is heard when it is back [25.http.043]', async (t) => {
      const client = await connected(t, kind, (await serving(t)).url)
      const updated = new Promise((resolve) =>
        client.onNotification('notifications/resources/updated', resolve),
      )
      await client.watch('docs://text')
      const [first] = await listening(client, 1)
      assert.equal(first?.status, 200)
      first.cut()
      await client.callTool('touch', { uri: 'docs://text' })
      assert.deepEqual(await updated, { uri: 'docs://text' })
      const [, second] = await listening(client, 2)
      assert.equal(second?.status, 200)
      assert.ok(second?.requestHeaders.has('last-event-id'))
    })

    test('a call outlives its connection: the client comes back for the rest [25.http.024]', async (t) => {
      const client = await connected(t, kind, (await serving(t)).url)
      const reports: number[] = []
      const name = 'broken'
      const result = await client.callTool(
        'count',
        { name, to: 3 },
        {
          onprogress: ({ progress }) => {
            reports.push(progress)
            const call = client.wire.exchanges.find((each) => each.sent?.params?.name === 'count')
            if (progress === 1) call?.cut()
            void client.callTool('go_on', { name })
          },
        },
      )
      assert.equal(textOf(result), 'counted to 3')
      assert.deepEqual(reports, [1, 2, 3])
    })

    test('a server that ends its stream early is asked again, as soon as it said [25.http.015,017]', async (t) => {
      const client = await connected(t, kind, (await serving(t)).url)
      const result = await client.callTool('hang_up', {}, { onprogress: () => {} })
      assert.equal(textOf(result), 'You came back.')
      const streams = await listening(client, 2)
      assert.ok(streams.some(({ requestHeaders }) => requestHeaders.has('last-event-id')))
      const reports = client.wire.received.filter(
        ({ method }) => method === 'notifications/progress',
      )
      assert.deepEqual(
        reports.map(({ params }) => params?.progress),
        [1, 2],
      )
    })

    test('a session that the client ends is gone, and others stay [25.sessions.013]', async (t) => {
      const { url } = await serving(t)
      const client = await connected(t, kind, url)
      const other = await connected(t, kind, url)
      const { sessionId } = client
      assert.ok(sessionId)
      await client.endSession()
      const deletion = client.wire.exchanges.find(({ httpMethod }) => httpMethod === 'DELETE')
      assert.equal(deletion?.status, 204)
      assert.equal(client.sessionId, undefined)
      assert.equal((await ping(url, sessionId)).status, 404)
      assert.equal(textOf(await other.callTool('echo', { text: 'still here' })), 'still here')
    })

    test('a client whose session was ended elsewhere is told so [25.sessions.009]', async (t) => {
      const { url } = await serving(t)
      const client = await connected(t, kind, url)
      await fetch(url, {
        method: 'DELETE',
        headers: { 'mcp-session-id': client.sessionId ?? '' },
      })
      await assert.rejects(client.callTool('echo', { text: 'anyone?' }), /Session not found/)
    })

    test('a closed stream of changes does not end calls in progress', async (t) => {
      const client = await connected(t, kind, (await serving(t)).url)
      const [stream] = await listening(client, 1)
      const name = 'undisturbed'
      const result = await client.callTool(
        'count',
        { name, to: 1 },
        {
          onprogress: () => {
            stream?.cut()
            void client.callTool('go_on', { name })
          },
        },
      )
      assert.equal(textOf(result), 'counted to 1')
    })
  })
}

function ping(url: string, sessionId: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': sessionId,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  })
}

suite('client 2.4 in 2026-07-28', () => {
  test('there is no session: POST is all it uses, and no response names one [26.http.085]', async (t) => {
    const client = await connected(t, modern, (await serving(t)).url)
    await client.callTool('echo', { text: 'hello' })
    await client.listTools()
    for (const { httpMethod, responseHeaders } of client.wire.exchanges) {
      assert.equal(httpMethod, 'POST')
      assert.equal(responseHeaders.get('mcp-session-id'), null)
    }
  })

  test('a connection that breaks off cancels its call [26.cancel.005] [26.http.025]', async (t) => {
    const { url } = await serving(t)
    const client = await connected(t, modern, url)
    const other = await connected(t, old, url)
    const givingUp = new AbortController()
    const call = client.callTool(
      'wait',
      { name: 'lost' },
      {
        signal: givingUp.signal,
        onprogress: () =>
          client.wire.exchanges.find((each) => each.sent?.params?.name === 'wait')?.cut(),
      },
    )
    await client.wire.until(() =>
      client.wire.received.some(({ method }) => method === 'notifications/progress'),
    )
    const reason = await other.callTool('why_cancelled', { name: 'lost' })
    assert.equal(textOf(reason), 'REQUEST_CANCELLED')
    // The client itself goes on waiting for the answer, up to its time limit.
    givingUp.abort()
    await assert.rejects(call)
  })

  test('subscriptions hear only what they asked for, and end in peace when the server stops [26.subscribe.003,015]', async (t) => {
    const listener = await serving(t)
    const { client } = await connectedModern(t, listener.url)
    const heard: string[] = []
    for (const list of ['tools', 'prompts', 'resources'] as const) {
      client.setNotificationHandler(`notifications/${list}/list_changed`, () => {
        heard.push(list)
      })
    }
    const tools = await client.listen({ toolsListChanged: true })
    assert.deepEqual(tools.honoredFilter, { toolsListChanged: true })
    const toggle = (what: string) =>
      client.callTool({ name: 'toggle', arguments: { what } }).then(() => undefined)
    await toggle('prompt')
    const second = await client.listen({ resourcesListChanged: true })
    const both = Promise.all([
      new Promise<void>((resolve) => {
        client.setNotificationHandler('notifications/tools/list_changed', () => {
          heard.push('tools')
          resolve()
        })
      }),
      new Promise<void>((resolve) => {
        client.setNotificationHandler('notifications/resources/list_changed', () => {
          heard.push('resources')
          resolve()
        })
      }),
    ])
    await toggle('tool')
    await toggle('resource')
    await both
    assert.deepEqual(heard.toSorted(), ['resources', 'tools'])
    await second.close()
    assert.equal(await second.closed, 'local')
    await listener.close()
    assert.equal(await tools.closed, 'graceful')
  })

  test('arguments marked with x-mcp-header travel in headers too, whatever their letters [26.http.056,061]', async (t) => {
    const server = defineServer({ name: 'regions', version: '1' })
    server.tool(
      'route',
      {
        input: {
          type: 'object',
          properties: {
            region: { type: 'string', 'x-mcp-header': 'Region' },
            priority: { type: 'integer', 'x-mcp-header': 'Priority' },
          },
        },
      },
      (args) => JSON.stringify(args),
    )
    const { client, wire } = await connectedModern(t, (await serving(t, server)).url)
    await client.listTools()
    for (const args of [
      { region: 'eu-west', priority: 3 },
      { region: 'Zürich ' },
      { priority: -1 },
    ]) {
      const result = await client.callTool({ name: 'route', arguments: args })
      assert.deepEqual(JSON.parse(textOf(result)), args)
    }
    const [plain, encoded] = wire.exchanges.filter((each) => each.sent?.method === 'tools/call')
    assert.equal(plain?.requestHeaders.get('mcp-param-region'), 'eu-west')
    assert.equal(plain?.requestHeaders.get('mcp-param-priority'), '3')
    assert.match(encoded?.requestHeaders.get('mcp-param-region') ?? '', /^=\?base64\?.*\?=$/)
  })

  test('names of tools, prompts and resources may be in any language [26.http.056]', async (t) => {
    const server = defineServer({ name: 'world', version: '1' })
    server.prompt('挨拶', {}, () => 'こんにちは')
    server.resource('docs://größe?a=b', { name: 'größe' }, () => 'XL')
    const client = await connected(t, modern, (await serving(t, server)).url)
    const { messages } = await client.getPrompt('挨拶')
    assert.deepEqual(messages[0]?.content, { type: 'text', text: 'こんにちは' })
    const { contents } = await client.readResource('docs://größe?a=b')
    assert.equal((contents[0] as { text: string }).text, 'XL')
  })

  test('a list that may be cached is asked for once, until it changes', async (t) => {
    const server = defineServer({ name: 'cached', version: '1', cache: { ttlMs: 60_000 } })
    server.tool('first', {}, () => '1')
    const { client, wire } = await connectedModern(t, (await serving(t, server)).url)
    const asked = () => wire.sent.filter(({ method }) => method === 'tools/list').length
    const changed = Promise.withResolvers<void>()
    client.setNotificationHandler('notifications/tools/list_changed', () => changed.resolve())
    await client.listen({ toolsListChanged: true })
    await client.listTools()
    await client.listTools()
    assert.equal(asked(), 1)
    server.tool('second', {}, () => '2')
    await changed.promise
    const { tools } = await client.listTools()
    assert.equal(asked(), 2)
    assert.equal(tools.length, 2)
  })

  test('a structured answer may be any JSON value [26.tools.053]', async (t) => {
    const values = [0, false, null, '', [], [1, 2], 'text', { a: null }]
    const server = defineServer({ name: 'values', version: '1' })
    for (const [index, value] of values.entries()) {
      server.tool(`value_${index}`, { output: {} }, () => toolResult({ structuredContent: value }))
    }
    const { client } = await connectedModern(t, (await serving(t, server)).url)
    await client.listTools()
    for (const [index, value] of values.entries()) {
      const { structuredContent } = await client.callTool({ name: `value_${index}` })
      assert.deepEqual(structuredContent, value)
    }
  })
})

for (const kind of officialClients) {
  suite(`${kind.client} in ${kind.revision}`, () => {
    test('a client that cannot be asked is told what it lacks [26.base.063-065]', async (t) => {
      const client = await connected(t, kind, (await serving(t)).url, { capabilities: {} })
      const code = kind.revision === '2026-07-28' ? -32021 : -32603
      const lacking = { ask_form: 'elicitation', ask_model: 'sampling', ask_roots: 'roots' }
      for (const [tool, capability] of Object.entries(lacking)) {
        await assert.rejects(client.callTool(tool), (error: Error & { code?: unknown }) => {
          assert.match(error.message, new RegExp(capability))
          assert.equal(error.code, code)
          return true
        })
        const exchange = client.wire.exchanges.findLast((each) => each.sent?.params?.name === tool)
        if (kind.revision === '2026-07-28') assert.equal(exchange?.status, 400)
      }
      assert.equal(textOf(await client.callTool('echo', { text: 'fine' })), 'fine')
    })

    test('a client that knows forms only is not sent to pages [25.elicitation.002] [26.elicitation.008]', async (t) => {
      const capabilities = { elicitation: {} }
      const client = await connected(t, kind, (await serving(t)).url, { capabilities })
      client.onRequest('elicitation/create', () => ({ action: 'decline' }))
      assert.equal(textOf(await client.callTool('ask_form')), '{"action":"decline"}')
      await assert.rejects(client.callTool('ask_url'), /elicitation/)
    })

    test('an answer that does not fit the form never reaches the tool [26.elicitation.064]', async (t) => {
      const client = await connected(t, kind, (await serving(t)).url)
      client.onRequest('elicitation/create', () => ({
        action: 'accept',
        content: { size: 'gigantic' },
      }))
      const outcome = await client.callTool('ask_form').then(
        (result) => (result.isError ? 'refused' : textOf(result)),
        () => 'refused',
      )
      assert.equal(outcome, 'refused')
    })

    test('whoever has a good token is known to the tool, others are turned away', async (t) => {
      const listener = await serveEverything({
        authenticate: (request) =>
          request.getHeader('authorization') === 'Bearer good'
            ? { subject: 'ada', scopes: [] }
            : undefined,
      })
      atEnd(t, () => listener.close())
      const headers = { authorization: 'Bearer good' }
      const client = await connected(t, kind, listener.url, { headers })
      assert.equal(JSON.parse(textOf(await client.callTool('who_am_i'))).user, 'ada')
      await assert.rejects(connectClient(kind, listener.url), /401|Unauthorized|Authentication/i)
    })
  })
}

test('over stdio, too, a subscription ends in peace when the server is stopped [26.subscribe.015]', async () => {
  const client = new Client(
    { name: 'tester', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  const transport = new StdioClientTransport({ ...stdioCommand(), stderr: 'ignore' })
  await client.connect(transport as Parameters<typeof client.connect>[0])
  const subscription = await client.listen({ toolsListChanged: true })
  process.kill(transport.pid ?? 0, 'SIGTERM')
  assert.equal(await subscription.closed, 'graceful')
  await client.close()
})

test('thirty clients of all kinds are asked at once, and each answers for itself', async (t) => {
  const { url } = await serving(t)
  const clients = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      connected(t, officialClients[index % officialClients.length]!, url, { name: `no ${index}` }),
    ),
  )
  for (const [index, client] of clients.entries()) {
    let asked = 0
    client.onRequest('elicitation/create', () => {
      asked += 1
      return { action: 'accept', content: { name: `${index}-${asked}` } }
    })
  }
  const texts = await Promise.all(
    clients.map(async (client) => textOf(await client.callTool('ask_twice'))),
  )
  assert.deepEqual(
    texts,
    clients.map((_, index) => `${index}-1 and ${index}-2`),
  )
})

suite('client 2.4 left to choose', () => {
  for (const over of ['http', 'stdio']) {
    test(`speaks 2026-07-28 over ${over} [26.versioning.017]`, async (t) => {
      const client = new Client(
        { name: 'tester', version: '1' },
        { versionNegotiation: { mode: 'auto' } },
      )
      const transport =
        over === 'http'
          ? new StreamableHTTPClientTransport(new URL((await serving(t)).url))
          : new StdioClientTransport({ ...stdioCommand(), stderr: 'ignore' })
      await client.connect(transport as Parameters<typeof client.connect>[0])
      atEnd(t, () => client.close())
      assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28')
      const result = await client.callTool({ name: 'echo', arguments: { text: 'hi' } })
      assert.equal(textOf(result), 'hi')
    })
  }

  test('speaks 2025-11-25 unless told otherwise', async (t) => {
    const client = new Client({ name: 'tester', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL((await serving(t)).url)))
    atEnd(t, () => client.close())
    assert.equal(client.getNegotiatedProtocolVersion(), '2025-11-25')
  })
})
