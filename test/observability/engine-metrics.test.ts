import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { Gateway } from '../../src/gateway/gateway.ts'
import { McpError } from '../../src/index.ts'
import { Telemetry } from '../../src/observability/telemetry.ts'
import { serveHttp } from '../../src/server/serve-http.ts'
import { serveTcp } from '../../src/server/serve-tcp.ts'
import { configOf, fixture } from '../gateway/support.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { HttpClient, startEndpoint } from '../support/http.ts'
import { initialize, notification, request } from '../support/messages.ts'
import { startStdio } from '../support/stdio.ts'
import { countOf, seriesOf } from './telemetry.ts'

const overHttp = {
  'network.transport': 'tcp',
  'network.protocol.name': 'http',
  'network.protocol.version': '1.1',
}

suite('operations', () => {
  test('have the attributes of the conventions, whether they go well or not', async (t) => {
    const telemetry = new Telemetry()
    const endpoint = await startEndpoint(t, makeFixture().server, { observer: telemetry })
    await endpoint.stateless('tools/call', { name: 'echo', arguments: { text: 'a' } })
    await endpoint.stateless('tools/call', { name: 'throws' })
    await endpoint.stateless('tools/call', { name: 'rejects' })
    await endpoint.stateless('tools/list')
    const tool = { 'mcp.method.name': 'tools/call', 'gen_ai.operation.name': 'execute_tool' }
    const all = { 'mcp.protocol.version': '2026-07-28', ...overHttp }
    assert.deepEqual(seriesOf(telemetry.meter.snapshot(), 'serverOperationDuration'), [
      { attributes: { ...tool, 'gen_ai.tool.name': 'echo', ...all }, value: 1 },
      {
        attributes: { ...tool, 'error.type': 'tool_error', 'gen_ai.tool.name': 'throws', ...all },
        value: 1,
      },
      {
        attributes: {
          ...tool,
          'error.type': '-32602',
          'gen_ai.tool.name': 'rejects',
          'rpc.response.status_code': '-32602',
          ...all,
        },
        value: 1,
      },
      { attributes: { 'mcp.method.name': 'tools/list', ...all }, value: 1 },
    ])
  })

  test('of a session, its notifications and its end are counted', async (t) => {
    const telemetry = new Telemetry()
    const endpoint = await startEndpoint(t, makeFixture().server, { observer: telemetry })
    const session = await endpoint.session('2025-11-25')
    await session.call('prompts/get', { name: 'greet', arguments: {} })
    await session.call('ping')
    const open = telemetry.meter.snapshot()
    assert.equal(countOf(open, 'sessions', { 'tsmcp.session.state': 'quiet' }), 1)
    assert.equal(countOf(open, 'sessionsOpened', { 'mcp.protocol.version': '2025-11-25' }), 1)
    const stream = await session.listen()
    const listening = telemetry.meter.snapshot()
    assert.equal(countOf(listening, 'sessions', { 'tsmcp.session.state': 'listening' }), 1)
    assert.equal(countOf(listening, 'streams'), 1)
    stream.abort()
    await session.end()
    const ended = telemetry.meter.snapshot()
    for (const method of ['initialize', 'notifications/initialized', 'ping']) {
      const found = countOf(ended, 'serverOperationDuration', { 'mcp.method.name': method })
      assert.equal(found, 1, method)
    }
    assert.deepEqual(seriesOf(ended, 'serverSessionDuration'), [
      { attributes: { 'mcp.protocol.version': '2025-11-25', ...overHttp }, value: 1 },
    ])
    assert.equal(countOf(ended, 'sessionsEnded', { 'tsmcp.session.end': 'client' }), 1)
    assert.equal(countOf(ended, 'sessions'), 0)
  })

  test('cannot make series without end by names that there are not', async (t) => {
    const telemetry = new Telemetry()
    const endpoint = await startEndpoint(t, makeFixture().server, { observer: telemetry })
    for (let n = 0; n < 20; n += 1) {
      await endpoint.stateless(`made/up-${n}`)
      await endpoint.stateless('tools/call', { name: `made-up-${n}` })
    }
    const series = seriesOf(telemetry.meter.snapshot(), 'serverOperationDuration')
    assert.deepEqual(
      series.map(({ attributes }) => [
        attributes['mcp.method.name'],
        attributes['gen_ai.tool.name'],
      ]),
      [
        ['_OTHER', undefined],
        ['tools/call', undefined],
      ],
    )
  })

  test('are measured on the direct path and on that of node:http alike', async (t) => {
    const telemetry = new Telemetry()
    const listener = await serveHttp(makeFixture().server, { port: 0, observer: telemetry })
    t.after(() => listener.close())
    const client = new HttpClient(t, listener.port)
    await client.stateless('tools/list')
    // The direct path leaves a connection that is to be closed to Node.
    await client.stateless('tools/list', {}, { headers: { connection: 'close' } })
    assert.deepEqual(seriesOf(telemetry.meter.snapshot(), 'serverOperationDuration'), [
      {
        attributes: {
          'mcp.method.name': 'tools/list',
          'mcp.protocol.version': '2026-07-28',
          ...overHttp,
        },
        value: 2,
      },
    ])
  })

  test('say how the client is connected', async (t) => {
    const telemetry = new Telemetry()
    const { server } = makeFixture()
    const tcp = await serveTcp(server, { port: 0, drainMs: 0, observer: telemetry })
    t.after(() => tcp.close())
    const socket = connect(tcp.port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(`${JSON.stringify(initialize('2025-11-25'))}\n`)
    await once(socket, 'data')
    const stdio = startStdio(t, server, { observer: telemetry })
    stdio.write(`${JSON.stringify(initialize('2025-11-25'))}\n`)
    await stdio.nextLine()
    const series = seriesOf(telemetry.meter.snapshot(), 'serverOperationDuration')
    assert.deepEqual(
      series.map(({ attributes }) => attributes['network.transport']),
      ['tcp', 'pipe'],
    )
    assert.ok(series.every(({ attributes }) => !('network.protocol.name' in attributes)))
  })
})

suite('what is refused', () => {
  test('is counted with its status, and who was not let in', async (t) => {
    const telemetry = new Telemetry()
    const endpoint = await startEndpoint(t, makeFixture().server, {
      observer: telemetry,
      authenticate: ({ getHeader }) =>
        getHeader('authorization') === 'Bearer good' ? { subject: 'ann' } : undefined,
    })
    await endpoint.stateless('tools/list')
    await endpoint.stateless('tools/list', {}, { headers: { authorization: 'Bearer good' } })
    const snapshot = telemetry.meter.snapshot()
    assert.deepEqual(seriesOf(snapshot, 'authenticationDecisions'), [
      { attributes: { 'tsmcp.authentication.outcome': 'refused' }, value: 1 },
      { attributes: { 'tsmcp.authentication.outcome': 'accepted' }, value: 1 },
    ])
    assert.deepEqual(seriesOf(snapshot, 'refusals'), [
      { attributes: { 'error.type': 'UNAUTHORIZED', 'http.response.status_code': 401 }, value: 1 },
    ])
  })

  test('by a limit is counted once', async (t) => {
    const telemetry = new Telemetry()
    const endpoint = await startEndpoint(t, makeFixture().server, {
      observer: telemetry,
      guard: {
        check: ({ method }) => {
          if (method !== 'ping') throw new McpError('RATE_LIMITED')
        },
        settled: () => {},
      },
    })
    // The refusal of `initialize` is told of by the engine and by the gate.
    await endpoint.send({ body: initialize('2025-11-25') })
    await endpoint.stateless('tools/list')
    assert.deepEqual(seriesOf(telemetry.meter.snapshot(), 'limitRefusals'), [
      { attributes: { 'error.type': 'RATE_LIMITED' }, value: 2 },
    ])
  })
})

suite('engines', () => {
  test('tell how things stand, and what they have counted stays when they close', async (t) => {
    const telemetry = new Telemetry()
    const fixture = makeFixture()
    const options = { port: 0, drainMs: 0, maxConnections: 1, observer: telemetry }
    const listener = await serveHttp(fixture.server, options)
    t.after(() => listener.close())
    const client = new HttpClient(t, listener.port)
    const running = client.stateless('tools/call', { name: 'hangs' })
    await fixture.begun.get('hangs')?.promise
    const refused = connect(listener.port, '127.0.0.1')
    await once(refused, 'data')
    refused.destroy()
    const open = telemetry.meter.snapshot()
    assert.equal(countOf(open, 'requestsRunning'), 1)
    assert.equal(countOf(open, 'connections'), 1)
    assert.equal(countOf(open, 'connectionsRefused'), 1)
    fixture.release()
    await running
    await listener.close()
    const closed = telemetry.meter.snapshot()
    assert.equal(countOf(closed, 'requestsRunning'), 0)
    assert.equal(countOf(closed, 'connections'), 0)
    assert.equal(countOf(closed, 'connectionsRefused'), 1)
  })

  test('count the operations of their registry, and time some', async (t) => {
    const telemetry = new Telemetry()
    const endpoint = await startEndpoint(t, makeFixture().server, { observer: telemetry })
    for (let n = 0; n < 70; n += 1) {
      await endpoint.stateless('tools/call', { name: 'echo', arguments: { text: 'a' } })
    }
    const snapshot = telemetry.meter.snapshot()
    const lookUps = { 'tsmcp.registry.operation': 'look_up' }
    assert.equal(countOf(snapshot, 'registryOperations', lookUps), 70)
    assert.equal(countOf(snapshot, 'registryOperationDuration', lookUps), 1)
  })

  test('without an observer measure nothing', async (t) => {
    const { server } = makeFixture()
    const endpoint = await startEndpoint(t, server)
    await endpoint.stateless('tools/list')
    assert.equal(endpoint.engine.observer, undefined)
  })
})

test('a notification that cancels a request is counted, and the request as cancelled', async (t) => {
  const telemetry = new Telemetry()
  const fixture = makeFixture()
  const endpoint = await startEndpoint(t, fixture.server, { observer: telemetry })
  const session = await endpoint.session('2025-06-18')
  const calling = session.send(request('tools/call', { name: 'hangs' }, 7))
  await fixture.begun.get('hangs')?.promise
  await session.send(notification('notifications/cancelled', { requestId: 7, reason: 'enough' }))
  await calling
  const snapshot = telemetry.meter.snapshot()
  const counted = (attributes: Record<string, string>) =>
    countOf(snapshot, 'serverOperationDuration', attributes)
  assert.equal(counted({ 'mcp.method.name': 'notifications/cancelled' }), 1)
  assert.equal(counted({ 'mcp.method.name': 'tools/call', 'error.type': 'cancelled' }), 1)
})

test('the upstreams of a gateway are counted by how they are', async (t) => {
  const telemetry = new Telemetry()
  const gateway = new Gateway(configOf({ one: fixture() }), { log: () => {} })
  t.after(() => gateway.close())
  const endpoint = await startEndpoint(t, gateway, { observer: telemetry })
  await endpoint.stateless('tools/call', { name: 'one__pid' })
  const snapshot = telemetry.meter.snapshot()
  assert.equal(countOf(snapshot, 'upstreams', { 'tsmcp.upstream.state': 'ready' }), 1)
  assert.equal(countOf(snapshot, 'upstreamRestarts', { 'tsmcp.upstream.name': 'one' }), 0)
  // The name of its tool is known, for it is in the registry.
  const call = { 'gen_ai.tool.name': 'one__pid', 'mcp.protocol.version': '2026-07-28' }
  assert.equal(countOf(snapshot, 'serverOperationDuration', call), 1)
})
