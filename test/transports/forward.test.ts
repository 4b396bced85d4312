import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import type { HttpExchange, HttpStream } from '../../src/transports/http/exchange.ts'
import { Forwarder } from '../../src/transports/http/forward.ts'
import { NodeExchange } from '../../src/transports/http/node-exchange.ts'
import { startListener } from '../support/direct-http.ts'

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** A listener that passes everything on to another, which answers with `answer`. */
async function pair(
  t: TestContext,
  answer: (exchange: HttpExchange) => void,
  { direct = true } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'tsmcp-forward-'))
  const socketPath = join(folder, 'far.sock')
  const far = createServer((request, response) => answer(new NodeExchange(request, response)))
  far.listen(socketPath)
  await once(far, 'listening')
  const forwarder = new Forwarder()
  const failures: Error[] = []
  const near = await startListener(
    t,
    (exchange) =>
      exchange.readBody(1 << 20, (body) =>
        forwarder.forward(exchange, body ?? new Uint8Array(), {
          socketPath,
          path: '/mcp',
          origin: { 'x-from': exchange.remoteAddress ?? '' },
          onFailure: (error) => {
            failures.push(error)
            exchange.respond(503, [])
          },
          onMisdirected: () => exchange.respond(200, [], 'answered here'),
        }),
      ),
    { direct },
  )
  t.after(() => {
    forwarder.close()
    far.close()
    far.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  return { url: `http://127.0.0.1:${near.port}/mcp`, far, failures }
}

suite('forwarding to another process', () => {
  test('hears when the other cannot answer what it is asked', async (t) => {
    const { url } = await pair(t, (exchange) => exchange.respond(421, []))
    for (let time = 0; time < 2; time += 1) {
      const answer = await fetch(url, { method: 'POST', body: '{}' })
      assert.equal(await answer.text(), 'answered here')
    }
  })

  for (const direct of [true, false]) {
    test(`passes on method, headers and body, and the answer back (direct: ${direct})`, async (t) => {
      const { url } = await pair(
        t,
        (exchange) =>
          exchange.readBody(1 << 20, (body) => {
            const told = [
              exchange.method,
              exchange.getHeader('x-from'),
              exchange.getHeader('mcp-session-id'),
              exchange.getHeader('x-empty'),
              Buffer.from(body ?? []).toString(),
            ]
            exchange.respond(418, ['x-told', 'yes', 'content-type', 'text/plain'], String(told))
          }),
        { direct },
      )
      for (let time = 0; time < 3; time += 1) {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { 'mcp-session-id': 'abc', 'x-from': '6.6.6.6', 'x-empty': '' },
          body: 'grüß',
        })
        assert.equal(answer.status, 418)
        assert.equal(answer.headers.get('x-told'), 'yes')
        assert.equal(await answer.text(), 'POST,127.0.0.1,abc,,grüß')
      }
    })
  }

  test('passes on a stream as it comes, and its end', async (t) => {
    let stream: HttpStream | undefined
    const { url } = await pair(t, (exchange) => {
      stream = exchange.openStream(['content-type', 'text/event-stream', 'mcp-session-id', 'x'])
    })
    const answer = await fetch(url)
    assert.equal(answer.headers.get('mcp-session-id'), 'x')
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    for (const text of ['data: ü\n\n', 'data: 2\n\n']) {
      stream?.write(text)
      assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), text)
    }
    stream?.close()
    assert.equal((await reader.read()).done, true)
  })

  test('tells the other process that the client has gone', async (t) => {
    let gone = false
    const { url } = await pair(t, (exchange) => {
      exchange.openStream(['content-type', 'text/event-stream'])
      exchange.onDisconnect(() => {
        gone = true
      })
    })
    const abort = new AbortController()
    await fetch(url, { signal: abort.signal })
    abort.abort()
    await until(() => gone)
  })

  test('says when nobody is there or answers, and ends a stream whose writer has died', async (t) => {
    const { url, far, failures } = await pair(t, (exchange) => {
      if (exchange.method === 'GET') exchange.openStream(['content-type', 'text/event-stream'])
    })
    const answer = await fetch(url)
    far.closeAllConnections()
    assert.equal(await answer.text(), '')
    const silent = fetch(url, { method: 'POST', body: 'x' })
    await once(far, 'request')
    far.closeAllConnections()
    assert.equal((await silent).status, 503)
    far.close()
    await until(() => !far.listening)
    assert.equal((await fetch(url)).status, 503)
    assert.deepEqual(
      failures.map((error) => (error as NodeJS.ErrnoException).code),
      ['ECONNRESET', 'ENOENT'],
    )
  })
})
