import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { createFetchHandler } from '../../src/fetch.ts'
import { type Context, defineServer } from '../../src/index.ts'
import { EventReader, parseEvents } from '../support/event-reader.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { type Headers, statelessPost } from '../support/http.ts'
import { firstText, initialize, type Message, request } from '../support/messages.ts'

const url = 'http://localhost/mcp'
function requestOf(
  { headers = {}, body }: { headers?: Headers; body?: unknown },
  more: RequestInit = {},
) {
  const all = { accept: '*/*', 'content-type': 'application/json', ...headers }
  const given = Object.entries(all).filter(([, value]) => value !== undefined) as [string, string][]
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return new Request(url, { method: 'POST', headers: given, body: text, ...more })
}
const messagesOf = async (response: Response): Promise<Message[]> => {
  const text = await response.text()
  if (response.headers.get('content-type') === 'application/json') return [JSON.parse(text)]
  return parseEvents(text).flatMap(({ message }) => message ?? [])
}

function makeServer() {
  const fixture = makeFixture()
  const begun = Promise.withResolvers<Context>()
  fixture.server.tool('streams', {}, async (_args, context) => {
    context.progress(1)
    begun.resolve(context)
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
    return 'never'
  })
  return { ...fixture, context: begun.promise }
}
const echo = { name: 'echo', arguments: { text: 'hi' } }

suite('the fetch handler', () => {
  test('serves both eras', async (t) => {
    const handler = createFetchHandler(makeServer().server)
    t.after(() => handler.close(0))
    const stateless = await handler.fetch(requestOf(statelessPost('tools/call', echo)))
    assert.equal(stateless.status, 200)
    assert.equal(firstText((await messagesOf(stateless))[0] ?? {}), 'hi')
    const opened = await handler.fetch(requestOf({ body: initialize('2025-11-25') }))
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const stateful = await handler.fetch(requestOf({ headers, body: request('tools/call', echo) }))
    assert.equal(firstText((await messagesOf(stateful))[0] ?? {}), 'hi')
    const listening = await handler.fetch(new Request(url, { headers }))
    assert.equal(listening.headers.get('content-type'), 'text/event-stream')
    const ended = await handler.fetch(new Request(url, { method: 'DELETE', headers }))
    assert.equal(ended.status, 204)
    assert.match(await listening.text(), /^id: /)
  })

  test('26.http.025: a client that goes away before it is known who it is has cancelled its request', async (t) => {
    const { server, context } = makeServer()
    const known = Promise.withResolvers<void>()
    const handler = createFetchHandler(server, {
      authenticate: async () => {
        await known.promise
        return { subject: 'ada' }
      },
    })
    t.after(() => handler.close(0))
    const gone = new AbortController()
    const call = statelessPost('tools/call', { name: 'streams' })
    void handler.fetch(requestOf(call, { signal: gone.signal }))
    gone.abort()
    known.resolve()
    const { signal } = await context
    if (!signal.aborted) await once(signal, 'abort')
    assert.equal(signal.aborted, true)
  })

  test('refuses what the listener refuses', async (t) => {
    const handler = createFetchHandler(makeServer().server, { maxBodyBytes: 1000 })
    t.after(() => handler.close(0))
    const status = async (sent: Parameters<typeof requestOf>[0], more: RequestInit = {}) =>
      (await handler.fetch(requestOf(sent, more))).status
    assert.equal(await status({ body: '{' }), 400)
    assert.equal(await status({ body: '' }), 400)
    assert.equal(await status({ body: 'x'.repeat(1001) }), 413)
    assert.equal(await status({ headers: { 'content-type': 'text/plain' }, body: '{}' }), 415)
    assert.equal(await status({ headers: { accept: 'text/html' }, body: '{}' }), 406)
    assert.equal(await status({ headers: { origin: 'http://evil.example' }, body: '{}' }), 403)
    assert.equal(await status({ headers: { 'mcp-session-id': 'x' }, body: request('ping') }), 404)
    assert.equal((await handler.fetch(new Request(url, { method: 'PUT' }))).status, 405)
    const away = new Request('http://evil.example/mcp', { method: 'POST' })
    assert.equal((await handler.fetch(away)).status, 403)
  })

  test('reads bodies that come in pieces', async (t) => {
    const handler = createFetchHandler(makeServer().server)
    t.after(() => handler.close(0))
    const { headers, body } = statelessPost('tools/call', echo)
    const bytes = Buffer.from(JSON.stringify(body))
    const pieces = new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.subarray(at, at + 7))
        controller.close()
      },
    })
    const sent = requestOf({ headers, body: '' }, { body: pieces, duplex: 'half' } as RequestInit)
    assert.equal(firstText((await messagesOf(await handler.fetch(sent)))[0] ?? {}), 'hi')
  })

  test('a body that breaks off is answered by nobody, and harms nothing', async (t) => {
    const handler = createFetchHandler(makeServer().server)
    t.after(() => handler.close(0))
    const broken = new ReadableStream({
      start: (controller) => controller.error(new Error('gone')),
    })
    const sent = requestOf({ body: '' }, { body: broken, duplex: 'half' } as RequestInit)
    void handler.fetch(sent)
    assert.equal((await handler.fetch(requestOf(statelessPost('tools/call', echo)))).status, 200)
  })

  test('26.http.025: a reader that cancels the stream has cancelled the request', async (t) => {
    const { server, context } = makeServer()
    const handler = createFetchHandler(server)
    t.after(() => handler.close(0))
    const post = statelessPost('tools/call', { name: 'streams' }, { meta: { progressToken: 1 } })
    const response = await handler.fetch(requestOf(post))
    const { signal } = await context
    const aborted = once(signal, 'abort')
    await response.body?.cancel()
    await aborted
  })

  test('26.http.025: a request that is aborted has, too', async (t) => {
    const fixture = makeServer()
    const handler = createFetchHandler(fixture.server)
    t.after(() => handler.close(0))
    const controller = new AbortController()
    const post = statelessPost('tools/call', { name: 'hangs' })
    void handler.fetch(requestOf(post, { signal: controller.signal }))
    const signal = await fixture.begun.get('hangs')!.promise
    const aborted = once(signal, 'abort')
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await aborted
    fixture.release()
  })

  test('a reader that reads too slowly is cut off', async (t) => {
    const { server, context } = makeServer()
    const handler = createFetchHandler(server)
    t.after(() => handler.close(0))
    const meta = { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'debug' }
    const response = await handler.fetch(
      requestOf(statelessPost('tools/call', { name: 'streams' }, { meta })),
    )
    const { signal, log } = await context
    const aborted = once(signal, 'abort')
    for (let sent = 0; sent < 30; sent += 1) log('info', 'x'.repeat(100_000))
    await aborted
    await assert.rejects(response.text(), /too slowly/)
  })

  test('a message of several MiB is not what makes a reader slow', async (t) => {
    const server = defineServer({ name: 'long', version: '1' })
    server.tool('talk', {}, (_args, { progress }) => {
      progress(1)
      return 'x'.repeat(5_000_000)
    })
    const handler = createFetchHandler(server)
    t.after(() => handler.close(0))
    const post = statelessPost('tools/call', { name: 'talk' }, { meta: { progressToken: 1 } })
    const messages = await messagesOf(await handler.fetch(requestOf(post)))
    assert.equal(firstText(messages[1] ?? {}).length, 5_000_000)
  })

  test('25.lifecycle.020: closing it ends what is open, and takes nothing new', async () => {
    const handler = createFetchHandler(makeServer().server)
    const post = statelessPost('subscriptions/listen', { notifications: {} }, { id: 'sub' })
    const response = await handler.fetch(requestOf(post))
    const events = new EventReader()
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of response.body!) events.push(decoder.decode(chunk))
      events.end()
    })()
    await events.nextMessage()
    await Promise.all([handler.close(), handler.close()])
    await reading
    assert.equal((await events.rest()).at(-1)?.id, 'sub')
    assert.equal((await handler.fetch(requestOf(statelessPost('tools/list')))).status, 503)
  })
})
