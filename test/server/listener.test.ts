import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { serveHttp } from '../../src/http.ts'
import { McpError } from '../../src/index.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { HttpClient, startEndpoint } from '../support/http.ts'
import { request } from '../support/messages.ts'
import { rawRequest } from '../support/raw-http.ts'
import { assertAlive, assertRefused } from '../support/refusals.ts'

async function listen(t: Parameters<typeof startEndpoint>[0], options = {}) {
  const listener = await serveHttp(makeFixture().server, { port: 0, ...options })
  t.after(() => listener.close())
  return { listener, client: new HttpClient(t, listener.port) }
}
const get = (client: HttpClient, path: string, method = 'GET') => client.send({ method, path })

suite('the probes', () => {
  test('say that it lives, is ready, and how it is', async (t) => {
    const { client } = await listen(t)
    for (const [path, body] of [
      ['/live', { status: 'ok' }],
      ['/ready', { status: 'ok' }],
      [
        '/health',
        {
          status: 'ok',
          server: { name: 'fixture', version: '1.0.0' },
          uptimeSeconds: 0,
          sessions: 0,
          requestsRunning: 0,
          requestsWaiting: 0,
          connections: 1,
          components: {
            listeners: { status: 'ok' },
            queue: { status: 'ok', waiting: 0, running: 0 },
            load: { status: 'ok', eventLoopLagMs: 0, memoryBytes: 0, heapShare: 0 },
          },
        },
      ],
    ] as const) {
      const answer = await get(client, path)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.deepEqual(JSON.parse(answer.text), body)
      assert.equal((await get(client, path, 'HEAD')).status, 200)
    }
  })

  test('turn 503 while it drains, but for /live', async (t) => {
    const { listener, client } = await listen(t)
    await get(client, '/live')
    // The one connection that there is stays open for as long as something runs on it.
    const probes = ['/ready', '/health', '/live'].map((path) => get(client, path))
    const closing = listener.close()
    const statuses = await Promise.allSettled(probes)
    await closing
    assert.ok(statuses.every(({ status }) => status === 'fulfilled' || status === 'rejected'))
  })

  test('26.http.001: what is neither probe nor endpoint: 404 that says where the endpoint is', async (t) => {
    const { client } = await listen(t)
    for (const path of ['/', '/nope', '/mcp/', '/MCP']) {
      const answer = await client.send({ path, body: request('ping') })
      assert.equal(answer.status, 404)
      assert.match(answer.text, /the MCP endpoint is at \/mcp/)
    }
    assert.equal((await client.send({ path: '/health', body: {} })).status, 404)
  })
})

suite('the listener', () => {
  test('25.http.004 26.http.005: binds to the loopback interface, and says where', async (t) => {
    const { listener } = await listen(t)
    assert.equal(listener.url, `http://127.0.0.1:${listener.port}/mcp`)
  })

  test('serves all of its paths, with or without a query', async (t) => {
    const { client } = await listen(t, { paths: ['/one', '/two'] })
    for (const path of ['/one', '/two', '/one?x=1']) {
      assert.equal((await client.send({ path, body: {} })).status, 400)
    }
    assert.equal((await client.send({ path: '/mcp', body: {} })).status, 404)
  })

  test('RFC 9112, 3.2.2: takes a whole URL as the target of a request', async (t) => {
    const { client, listener } = await listen(t)
    const answer = await rawRequest(client.port, { target: listener.url, body: '{}' })
    assert.equal(answer.status, 400)
  })

  test('writes an IPv6 address as a URL has it', async (t) => {
    const opening = serveHttp(makeFixture().server, { port: 0, host: '::1' })
    const listener = await opening.catch(() => undefined)
    if (listener === undefined) return t.skip('no IPv6 here')
    t.after(() => listener.close())
    assert.equal(listener.url, `http://[::1]:${listener.port}/mcp`)
  })

  test('fails when its port is taken, and leaves nothing behind', async (t) => {
    const { listener } = await listen(t)
    await assert.rejects(serveHttp(makeFixture().server, { port: listener.port }), /EADDRINUSE/)
  })
})

suite('Host and Origin', () => {
  const cases: [name: string, headers: Record<string, string>, isAllowed: boolean][] = [
    ['26.http.002: no Origin', {}, true],
    ['26.http.002: an Origin of this machine', { origin: 'http://localhost:3000' }, true],
    ['an Origin by address', { origin: 'http://127.0.0.1' }, true],
    ['an Origin by IPv6 address', { origin: 'https://[::1]:1' }, true],
    [
      '25.http.002 25.http.003 26.http.003 26.http.004: a stranger',
      { origin: 'http://evil.example' },
      false,
    ],
    [
      '0618.http.007: one that only begins well',
      { origin: 'http://localhost.evil.example' },
      false,
    ],
    ['26.http.003: null', { origin: 'null' }, false],
    ['26.http.003: no URL', { origin: 'localhost' }, false],
    ['26.http.003: another scheme', { origin: 'file://localhost' }, false],
    ['a Host by name', { host: 'LOCALHOST:99' }, true],
    ['a Host by IPv6 address', { host: '[::1]:8080' }, true],
    ['a Host that was rebound', { host: 'evil.example:8080' }, false],
    ['a Host with a dot more', { host: '127.0.0.1.evil.example' }, false],
  ]
  for (const [name, headers, isAllowed] of cases) {
    test(`${name}: ${isAllowed ? 'served' : '403 on every method, with an error and no id'}`, async (t) => {
      const { client } = await listen(t)
      for (const method of ['POST', 'GET', 'OPTIONS', 'DELETE']) {
        const answer = await client.send({ method, headers })
        assert.equal(answer.status === 403, !isAllowed, `${method} ${answer.status}`)
        if (isAllowed) continue
        assertRefused(answer, { status: 403, code: -32600, message: /^(Host|Origin) not allowed$/ })
      }
      await assertAlive(client)
    })
  }

  test('a request without Host (HTTP/1.0): 403', async (t) => {
    const { client } = await listen(t)
    const { connect } = await import('node:net')
    const socket = connect(client.port, '127.0.0.1')
    socket.end(
      'POST /mcp HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
    )
    let text = ''
    for await (const chunk of socket) text += chunk
    assert.match(text, /^HTTP\/1.1 403/)
    assert.match(text, /Host header required/)
  })

  test('can be allowed by name, or all', async (t) => {
    const { client } = await listen(t, {
      allowedHosts: ['api.example.com', 'localhost'],
      allowedOrigins: ['https://App.example.com'],
    })
    const status = async (headers: Record<string, string>) =>
      (await client.send({ headers, body: {} })).status
    assert.equal(await status({ host: 'api.example.com' }), 400)
    assert.equal(await status({ host: '127.0.0.1' }), 403)
    assert.equal(await status({ host: 'localhost', origin: 'https://app.example.com' }), 400)
    assert.equal(await status({ host: 'localhost', origin: 'http://app.example.com' }), 403)
    const { client: open } = await listen(t, { allowedHosts: ['*'], allowedOrigins: ['*'] })
    const headers = { host: 'x.example', origin: 'http://y.example' }
    assert.equal((await open.send({ headers, body: {} })).status, 400)
  })

  test('any Host is fine where the address is not a loopback one', async (t) => {
    const { client } = await listen(t, { host: '0.0.0.0' })
    assert.equal(
      (await client.send({ headers: { host: 'mcp.example.com' }, body: {} })).status,
      400,
    )
    const headers = { host: 'mcp.example.com', origin: 'http://evil.example' }
    assert.equal((await client.send({ headers, body: {} })).status, 403)
  })
})

suite('authentication', () => {
  const body = request('ping')
  test('26.http.006 25.http.005: whoever it does not know: 401 that asks for credentials', async (t) => {
    for (const authenticate of [() => undefined, async () => undefined]) {
      const endpoint = await startEndpoint(t, makeFixture().server, { authenticate })
      for (const method of ['POST', 'GET', 'DELETE', 'PUT']) {
        const answer = await endpoint.send({ method, ...(method === 'POST' && { body }) })
        assertRefused(answer, { status: 401, code: -32600, message: /Authentication required/ })
        assert.equal(answer.headers['www-authenticate'], 'Bearer')
      }
    }
  })

  test('what it throws: a protocol error as it is, anything else as 500 that says nothing, and tells the operator', async (t) => {
    const fixture = makeFixture()
    let failure: unknown
    const fail = () => {
      throw failure
    }
    for (const authenticate of [fail, async () => fail()]) {
      const endpoint = await startEndpoint(t, fixture.server, { authenticate })
      failure = new McpError('FORBIDDEN', 'You have left the company')
      const known = await endpoint.send({ body })
      assertRefused(known, { status: 403, code: -32600, message: /left the company/ })
      failure = new TypeError('database password is hunter2')
      const unknown = await endpoint.send({ body })
      assertRefused(unknown, { status: 500, code: -32603, message: /^Internal error$/ })
      assert.deepEqual(fixture.errors.splice(0), [failure])
    }
  })

  test('who it knows is known to handlers', async (t) => {
    const fixture = makeFixture()
    fixture.server.tool('whoami', {}, (_args, { authInfo }) => JSON.stringify(authInfo))
    const endpoint = await startEndpoint(t, fixture.server, {
      authenticate: async ({ getHeader, method, remoteAddress }) => ({
        subject: getHeader('authorization') ?? '?',
        claims: { method, remoteAddress },
      }),
    })
    const headers = { authorization: 'ada' }
    const { text } = await endpoint.stateless('tools/call', { name: 'whoami' }, { headers })
    for (const each of ['ada', 'POST', '127.0.0.1']) assert.ok(text.includes(each), text)
  })
})
