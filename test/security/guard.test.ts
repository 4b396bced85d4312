import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { serveHttp } from '../../src/http.ts'
import { defineServer, mount } from '../../src/index.ts'
import { openSecurity } from '../../src/security.ts'
import { serveTcp } from '../../src/tcp.ts'
import { temporaryFolder } from '../support/folder.ts'
import { initialize, list, metaOf, request } from '../support/messages.ts'
import { connectPeer } from '../support/peer.ts'
import { serveSecured } from '../support/secured.ts'

const policy = `version: 1
roles:
  reader:
    allow: { tools: "weather.*", resources: "docs://public*", prompts: "pub*" }
  admin:
    allow: { tools: "*", resources: "*", prompts: "*", methods: "*" }
grants:
  - { roles: reader, to: { subjects: alice } }
  - { roles: admin, to: { subjects: root } }
`
const callers = { a: { subject: 'alice' }, r: { subject: 'root' }, b: { subject: 'bob' } }
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

function makeServer() {
  const server = defineServer({ name: 'secured', version: '1', onError: () => {} })
  for (const name of ['weather.today', 'weather.week', 'admin.reset']) {
    server.tool(name, { input: { type: 'object' } }, () => name)
  }
  server.tool('fails', {}, () => {
    throw new Error('broken')
  })
  for (const uri of ['docs://public', 'docs://secret']) server.resource(uri, {}, () => uri)
  server.resourceTemplate(
    'docs://public/{page}',
    { complete: { page: () => ['one'] } },
    () => 'page',
  )
  server.resourceTemplate(
    'files://{name}',
    { list: () => [{ uri: 'files://x', name: 'x' }] },
    () => 'f',
  )
  server.prompt('public', {}, () => 'p')
  server.prompt('hidden', { arguments: { a: { complete: () => ['secret value'] } } }, () => 'h')
  return server
}

suite('a policy on the way of requests', () => {
  test('25.tools.022 26.tools.068 26.caching.037 26.caching.038 26.security.012 25.security.001: a call that is not allowed does not reach its handler, and does not say whether there is such a tool', async (t) => {
    const { client } = await serveSecured(t, makeServer(), { policy, callers })
    const call = (token: string, name: string) =>
      client.stateless('tools/call', { name, arguments: {} }, as(token))
    assert.equal((await call('a', 'weather.today')).status, 200)
    const denied = await call('a', 'admin.reset')
    assert.equal(denied.status, 403)
    assert.equal(denied.message.error?.message, 'Forbidden: tool admin.reset')
    const absent = await call('a', 'admin.absent')
    assert.equal(absent.message.error?.message, 'Forbidden: tool admin.absent')
    assert.equal((await call('r', 'admin.reset')).status, 200)
    assert.equal((await call('b', 'weather.today')).status, 403)
  })

  test('26.auth.058 26.auth.060 26.auth.061: who lacks nothing but a scope is told which, and others are not', async (t) => {
    const issuer = 'https://login.example.com'
    const { client, records } = await serveSecured(t, makeServer(), {
      policy: `version: 1
roles:
  reader: { allow: { tools: "weather.*" }, deny: { tools: "*.secret" } }
  admin: { allow: { tools: "*", methods: "audit/*" } }
grants:
  - { roles: reader, to: { subjects: alice } }
  - { roles: admin, to: { scopes: [mcp:admin, mcp:root], issuers: "${issuer}" } }
`,
      callers: {
        token: { subject: 'alice', issuer, scopes: ['mcp'] },
        admin: { subject: 'alice', issuer, scopes: ['mcp', 'mcp:root'] },
        other: { subject: 'alice', issuer: 'https://other.example.com', scopes: ['mcp'] },
        key: { subject: 'alice', scopes: ['mcp'] },
      },
      audit: {},
    })
    const call = (token: string, name: string) =>
      client.stateless('tools/call', { name }, as(token))
    const stepUp = await call('token', 'admin.reset')
    assert.equal(stepUp.status, 403)
    assert.match(stepUp.headers['www-authenticate'] ?? '', /^Bearer/)
    assert.deepEqual(stepUp.message.error?.data, { requiredScopes: ['mcp:admin'] })
    assert.equal(
      (await call('token', 'admin.absent')).message.error?.code,
      stepUp.message.error?.code,
    )
    assert.equal((await call('admin', 'admin.reset')).status, 200)
    // A deny stays one, a token of somebody else's and a key cannot be made to hold the scope.
    for (const [token, name] of [
      ['token', 'x.secret'],
      ['other', 'admin.reset'],
      ['key', 'admin.reset'],
    ] as const) {
      const { status, message } = await call(token, name)
      assert.equal(status, 403)
      assert.equal(message.error?.message, `Forbidden: tool ${name}`)
    }
    const methods = await client.stateless('audit/read', {}, as('token'))
    assert.equal(methods.message.error?.code, -32601, 'what is not served asks for no scope')
    const outcomes = (await records()).flatMap(({ event, outcome, code }) =>
      event === 'request' && outcome !== 'ok' ? [`${outcome} ${code}`] : [],
    )
    assert.deepEqual(outcomes, [
      'denied INSUFFICIENT_SCOPE',
      'denied INSUFFICIENT_SCOPE',
      'denied FORBIDDEN',
      'denied FORBIDDEN',
      'denied FORBIDDEN',
      'error METHOD_NOT_FOUND',
    ])
  })

  test('26.tools.010 26.resources.007 26.prompts.006: lists show what the caller may use, in both eras', async (t) => {
    const { client } = await serveSecured(t, makeServer(), { policy, callers })
    const names = async (token: string, method: string, member: string, key: string) => {
      const { message } = await client.stateless(method, {}, as(token))
      return list(message.result?.[member] as never).map((each) => (each as never)[key])
    }
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await names('a', 'tools/list', 'tools', 'name'), [
        'weather.today',
        'weather.week',
      ])
      assert.deepEqual(await names('a', 'prompts/list', 'prompts', 'name'), ['public'])
      assert.deepEqual(await names('a', 'resources/list', 'resources', 'uri'), ['docs://public'])
      assert.deepEqual(
        await names('a', 'resources/templates/list', 'resourceTemplates', 'uriTemplate'),
        ['docs://public/{page}'],
      )
      assert.equal((await names('r', 'tools/list', 'tools', 'name')).length, 4)
      assert.deepEqual(await names('r', 'resources/list', 'resources', 'uri'), [
        'docs://public',
        'docs://secret',
        'files://x',
      ])
      assert.deepEqual(await names('b', 'tools/list', 'tools', 'name'), [])
    }
    const { headers } = await client.send({ ...as('a'), body: initialize('2025-11-25') })
    const session = {
      ...as('a').headers,
      'mcp-session-id': String(headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
    const { message } = await client.send({ headers: session, body: request('tools/list', {}, 7) })
    assert.equal(list(message.result?.tools as never).length, 2)
  })

  test('25.completion.006 26.completion.024 26.resources.044: what is hidden is neither completed, subscribed to nor listened for', async (t) => {
    const { client } = await serveSecured(t, makeServer(), { policy, callers })
    const complete = (token: string, ref: object) =>
      client.stateless(
        'completion/complete',
        { ref, argument: { name: 'a', value: '' } },
        as(token),
      )
    const hidden = await complete('a', { type: 'ref/prompt', name: 'hidden' })
    assert.equal(hidden.status, 403)
    const absent = await complete('a', { type: 'ref/prompt', name: 'absent' })
    assert.equal(hidden.text.replaceAll('hidden', 'absent'), absent.text)
    assert.equal((await complete('r', { type: 'ref/prompt', name: 'hidden' })).status, 200)
    assert.equal((await complete('a', { type: 'ref/resource', uri: 'files://{name}' })).status, 403)
    const listen = { notifications: { resourceSubscriptions: ['docs://public', 'docs://secret'] } }
    assert.equal((await client.stateless('subscriptions/listen', listen, as('a'))).status, 403)
  })

  test('26.resources.046: a resource that may not be read is not read, nor is it told whether it is there', async (t) => {
    const reads: string[] = []
    const server = defineServer({ name: 'read', version: '1' })
    server.resourceTemplate('docs://{name}', {}, ({ uri }) => {
      reads.push(uri)
      return uri
    })
    const { client } = await serveSecured(t, server, { policy, callers })
    const read = (uri: string) => client.stateless('resources/read', { uri }, as('a'))
    assert.equal((await read('docs://public')).status, 200)
    assert.equal((await read('docs://secret')).status, 403)
    assert.equal((await read('nowhere://absent')).status, 403)
    assert.deepEqual(reads, ['docs://public'])
  })

  test('a policy that is saved counts for the next request, its lists too', async (t) => {
    const { client, policyPath } = await serveSecured(t, makeServer(), { policy, callers })
    const tools = async () =>
      list((await client.stateless('tools/list', {}, as('a'))).message.result?.tools as never)
        .length
    assert.equal(await tools(), 2)
    writeFileSync(policyPath, policy.replace('weather.*', 'weather.week'))
    while ((await tools()) !== 1) await setTimeout(10)
  })

  test('servers of the official SDK are behind it like any other', async (t) => {
    const inner = new McpServer({ name: 'inner', version: '1' })
    for (const name of ['weather.today', 'admin.reset']) {
      inner.registerTool(name, { inputSchema: z.object({}) }, async () => ({ content: [] }))
    }
    const { client } = await serveSecured(t, await mount(inner), { policy, callers })
    const { message } = await client.stateless('tools/list', {}, as('a'))
    assert.equal(list(message.result?.tools as never).length, 1)
    const denied = await client.stateless('tools/call', { name: 'admin.reset' }, as('a'))
    assert.equal(denied.status, 403)
  })

  test('the same guard stands before connections', async (t) => {
    const security = await openSecurity({
      limits: { rates: [{ per: 'identity', rate: '1/hour', burst: 2 }] },
    })
    t.after(() => security.close())
    const peer = (await connectPeer(t, makeServer(), { guard: security.guard })).goStateless()
    const call = () => peer.request('tools/call', { name: 'weather.today' })
    assert.equal((await call()).error, undefined)
    assert.equal((await call()).error, undefined)
    assert.match((await call()).error?.message ?? '', /Too many requests/)

    const tcp = await serveTcp(makeServer(), { port: 0, guard: security.guard })
    t.after(() => tcp.close())
    const socket = connect(tcp.port, '127.0.0.1')
    socket.write(`${JSON.stringify(request('tools/list', { _meta: metaOf() }, 1))}\n`)
    const answer = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    )
    socket.destroy()
    assert.match(answer, /"tools"/)
  })
})

suite('limits on the way of requests', () => {
  test('26.tools.069: a rate that is used up is answered with 429 and when to come back', async (t) => {
    const limits = { rates: [{ per: 'tool', rate: '2/minute', burst: 2 }] } as const
    const { client } = await serveSecured(t, makeServer(), { limits })
    const call = () => client.stateless('tools/call', { name: 'weather.today', arguments: {} })
    await call()
    await call()
    const refused = await call()
    assert.equal(refused.status, 429)
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/)
    assert.equal(refused.message.id, 1)
    assert.equal(refused.message.error?.code, -32603)
  })

  test('25.completion.004 26.completion.016 26.completion.022: questions for completion are counted as well', async (t) => {
    const limits = { rates: [{ per: 'address', rate: '2/hour', burst: 2 }] } as const
    const { client } = await serveSecured(t, makeServer(), { limits })
    const complete = async () => {
      const ref = { type: 'ref/prompt', name: 'hidden' }
      const argument = { name: 'a', value: '' }
      return (await client.stateless('completion/complete', { ref, argument })).status
    }
    assert.deepEqual([await complete(), await complete(), await complete()], [200, 200, 429])
  })

  test('an address is counted before it is asked who calls, guesses at credentials too', async (t) => {
    const limits = { rates: [{ per: 'address', rate: '1/hour', burst: 3 }] } as const
    const { client } = await serveSecured(t, makeServer(), { limits, callers })
    const guess = async () => (await client.stateless('tools/list', {}, as('wrong'))).status
    assert.deepEqual([await guess(), await guess(), await guess()], [401, 401, 401])
    assert.equal(await guess(), 429)
    assert.equal((await client.stateless('tools/list', {}, as('a'))).status, 429)
  })

  test('what goes on at a time is bounded, and free again afterwards', async (t) => {
    const server = defineServer({ name: 'slow', version: '1', onError: () => {} })
    let release = () => {}
    server.tool('wait', {}, (_, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      release = () => resolve('done')
      signal.addEventListener('abort', () => reject(new Error('gone')))
      return promise
    })
    server.tool('quick', {}, () => 'quick')
    const limits = { concurrency: [{ per: 'server', max: 1, tools: ['wait', 'quick'] }] } as const
    const { client } = await serveSecured(t, server, { limits })
    const quick = async () => (await client.stateless('tools/call', { name: 'quick' })).status
    assert.deepEqual([await quick(), await quick()], [200, 200])
    const waiting = client.stateless('tools/call', { name: 'wait' })
    while ((await quick()) !== 429) await setTimeout(5)
    release()
    assert.equal((await waiting).status, 200)
    assert.equal(await quick(), 200)
  })
})

suite('audit on the way of requests', () => {
  test('25.tasks.059: every operation has its record: who, from where, what, on which object, outcome, duration, trace', async (t) => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const secured = await serveSecured(t, makeServer(), { policy, callers, audit: {} })
    const { client } = secured
    await client.stateless(
      'tools/call',
      { name: 'weather.today', arguments: { city: 'Oslo', password: 'x' } },
      {
        headers: { ...as('a').headers, traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      },
    )
    await client.stateless('tools/call', { name: 'admin.reset' }, as('a'))
    await client.stateless('tools/call', { name: 'fails' }, as('r'))
    await client.stateless('no/such', {}, as('r'))
    await client.stateless('tools/list', {}, as('nobody'))
    const { headers } = await client.send({ ...as('r'), body: initialize('2025-11-25') })
    const id = String(headers['mcp-session-id'])
    await client.send({
      method: 'DELETE',
      headers: { ...as('r').headers, 'mcp-session-id': id },
    })
    const all = await secured.records()
    const said = all.filter(
      ({ event }) =>
        !['file', 'started', 'policy', 'stopped', 'checkpoint'].includes(String(event)),
    )
    const brief = said.map(({ event, who, method, object, outcome, code }) => [
      event,
      who,
      method,
      object,
      outcome,
      code,
    ])
    assert.deepEqual(brief, [
      ['request', 'alice', 'tools/call', 'tool:weather.today', 'ok', undefined],
      ['request', 'alice', 'tools/call', 'tool:admin.reset', 'denied', 'FORBIDDEN'],
      ['request', 'root', 'tools/call', 'tool:fails', 'tool-error', undefined],
      ['request', 'root', 'no/such', undefined, 'error', 'METHOD_NOT_FOUND'],
      ['refused', undefined, undefined, undefined, 'denied', 'UNAUTHORIZED'],
      ['request', 'root', 'initialize', undefined, 'ok', undefined],
      ['session-ended', 'root', undefined, undefined, undefined, undefined],
    ])
    const [first, second] = said
    assert.equal(first?.address, '127.0.0.1')
    assert.equal(first?.traceId, traceId)
    assert.ok(Number(first?.durationMs) >= 0)
    assert.deepEqual(first?.arguments, { city: 'Oslo', password: '[redacted]' })
    assert.match(String(second?.rule), /no rule allows it \(roles: reader\)/)
    // The id of a session is worth as much as a password, for those who have no other.
    assert.ok(!JSON.stringify(all).includes(id))
    assert.equal(said.at(-1)?.session, `${id.slice(0, 6)}…`)
  })

  test('a record says by what a caller is known: a name alone may be that of several', async (t) => {
    const name = 'CN=build'
    const certificate = { subject: name, issuer: 'CN=ca', altNames: [], thumbprint: 'x' }
    const secured = await serveSecured(t, makeServer(), {
      audit: {},
      callers: {
        token: { subject: 'alice', issuer: 'https://login.example.com', clientId: 'desktop' },
        key: { subject: 'alice', claims: { api_key: { name: 'ci-7' } } },
        certificate: { subject: 'alice', certificate: certificate as never },
      },
    })
    for (const token of ['token', 'key', 'certificate']) {
      await secured.client.stateless('tools/list', {}, as(token))
    }
    const requests = (await secured.records()).filter(({ event }) => event === 'request')
    assert.deepEqual(
      requests.map((each) => [each.who, each.issuer, each.client, each.key, each.certificate]),
      [
        ['alice', 'https://login.example.com', 'desktop', undefined, undefined],
        ['alice', undefined, undefined, 'ci-7', undefined],
        ['alice', undefined, undefined, undefined, name],
      ],
    )
  })

  test('a request that cannot be recorded is refused with 503', async (t) => {
    const folder = temporaryFolder(t)
    const { auditSignerOf, AuditLog } = await import('../../src/security.ts')
    const log = await AuditLog.open({
      directory: `${folder}/audit`,
      signer: auditSignerOf(`${folder}/key.pem`),
      maxWaiting: 1,
      flushMs: 60_000,
      sync: false,
    })
    const { SecurityGuard } = await import('../../src/security/guard.ts')
    const guard = new SecurityGuard(log, () => undefined)
    const listener = await serveHttp(makeServer(), { port: 0, drainMs: 0, guard })
    t.after(() => listener.close())
    const { HttpClient } = await import('../support/http.ts')
    const client = new HttpClient(t, listener.port)
    assert.equal((await client.stateless('tools/list')).status, 200)
    const refused = await client.stateless('tools/list')
    assert.equal(refused.status, 503)
    assert.equal(refused.headers['retry-after'], '5')
    await log.flush()
    assert.equal((await client.stateless('tools/list')).status, 200)
    await log.close()
  })
})
