import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { readGatewayText } from '../../src/gateway/config/read-gateway-file.ts'
import { Secrets } from '../../src/gateway/secrets.ts'
import { callText, connect, eras, fixture, openGateway } from './support.ts'

const secret = 'sk-only-one-upstream-may-know-this'

suite('the credentials of an upstream', () => {
  for (const era of eras) {
    test(`never reach a client of ${era}, whatever the upstream tells it`, async (t) => {
      const { gateway, logs } = await openGateway(
        t,
        { up: fixture({}, { FIXTURE_TOKEN: `\${env:SECRET}` }) },
        { env: { SECRET: secret } },
      )
      const client = await connect(t, gateway, era)
      const environment = await callText(client, 'up__env')
      // The upstream does have it.
      assert.match(environment, /"FIXTURE_TOKEN":"\[redacted\]"/)
      const failure = await callText(client, 'up__fail')
      assert.equal(failure, 'No such thing: [redacted]')
      assert.match(client.getInstructions() ?? '', /The fixture\. \[redacted\]/)
      const all = JSON.stringify([environment, failure, client.getInstructions(), logs])
      assert.equal(all.includes(secret), false)
      assert.ok(logs.some(({ text }) => text === 'the fixture runs with [redacted]'))
      assert.equal(JSON.stringify(gateway.status()).includes(secret), false)
    })
  }

  test('never reach another upstream, nor do those of the gateway itself', async (t) => {
    process.env.TSMCP_STATE_SECRET = secret
    t.after(() => {
      delete process.env.TSMCP_STATE_SECRET
    })
    const { gateway } = await openGateway(t, {
      one: fixture({}, { FIXTURE_TOKEN: secret, ONE: '1' }),
      other: fixture({}, { OTHER: '2' }),
    })
    const client = await connect(t, gateway)
    const other = JSON.parse(await callText(client, 'other__env'))
    assert.equal(other.OTHER, '2')
    assert.equal(other.FIXTURE_TOKEN, undefined)
    assert.equal(other.ONE, undefined)
    assert.equal(other.TSMCP_STATE_SECRET, undefined)
  })

  test('go to the URL that they are for, and are not taken along by a redirection', async (t) => {
    const seen: { at: string; headers: IncomingHttpHeaders }[] = []
    const listen = async (name: string, location?: () => string): Promise<string> => {
      const server = createServer((request, response) => {
        seen.push({ at: name, headers: request.headers })
        request.resume()
        if (location === undefined) response.writeHead(404).end()
        else response.writeHead(307, { location: location() }).end()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      t.after(() => server.close())
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
    }
    const thief = await listen('thief')
    const url = await listen('own', () => thief)
    await openGateway(t, {
      up: { url, type: 'http', headers: { Authorization: `Bearer ${secret}` } },
    })
    assert.ok(seen.some(({ at, headers }) => at === 'own' && headers.authorization !== undefined))
    for (const { at, headers } of seen) {
      if (at === 'thief') assert.equal(JSON.stringify(headers).includes(secret), false)
    }
  })

  test('of a client are not passed on to an upstream', async (t) => {
    const seen: IncomingHttpHeaders[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers)
      request.resume()
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="up"' }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const { gateway } = await openGateway(t, { up: { url: `http://127.0.0.1:${port}/mcp` } })
    const { serveHttp } = await import('../../src/http.ts')
    const listener = await serveHttp(gateway, { port: 0, drainMs: 0 })
    t.after(() => listener.close())
    const response = await fetch(listener.url, {
      method: 'POST',
      headers: {
        authorization: 'Bearer of-the-client',
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'a', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    })
    // That the upstream refuses us is nothing that the client's credentials could mend.
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('www-authenticate'), null)
    assert.ok(seen.length > 0)
    for (const headers of seen) assert.equal(headers.authorization, undefined)
  })

  test('are found wherever they stand in a value, which is else the same', () => {
    const secrets = new Secrets(['abcdefgh', 'abcdefghij', 'a+b(c)[d]'])
    const clean = { text: 'nothing', list: [1, { a: null }] }
    assert.equal(secrets.value(clean), clean)
    assert.deepEqual(
      secrets.value({
        a: ['x abcdefghij y', { 'k-abcdefgh': 'a+b(c)[d]' }],
        b: 'abcdefgh'.repeat(2),
      }),
      { a: ['x [redacted] y', { 'k-[redacted]': '[redacted]' }], b: '[redacted][redacted]' },
    )
    assert.equal(secrets.line('https://user:pass@host'), 'https://[redacted]@host')
  })

  test('are not in what is said of a configuration that is wrong', () => {
    const text = `{"mcpServers": {"a": {"url": "http://a", "headers": {"x y": "${secret}"}}}}`
    assert.throws(
      () => readGatewayText(text, '/mcp.json', {}),
      (error: Error) =>
        /has no name of a header/.test(error.message) && !error.message.includes(secret),
    )
  })
})
