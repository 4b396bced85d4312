import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { HumanSink } from '../../src/observability/logs/human-sink.ts'
import { JsonSink } from '../../src/observability/logs/json-sink.ts'
import { Log, type LogSink, type Threshold } from '../../src/observability/logs/log.ts'
import { RequestLog } from '../../src/observability/logs/request-log.ts'
import { Telemetry } from '../../src/observability/telemetry.ts'
import { serving, weatherServer, workspace } from '../cli/workspace.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { startEndpoint } from '../support/http.ts'
import { notification, request } from '../support/messages.ts'

type LogRecord = Record<string, unknown>

/** A log whose records, as JSON and as people read them, are at hand. */
function openLog(level: Threshold = 'info') {
  const records: LogRecord[] = []
  const lines: string[] = []
  const json = new JsonSink((line) => records.push(JSON.parse(line)), { pid: 1 })
  const human = new HumanSink((line) => lines.push(line))
  const sink: LogSink = {
    write: (...record) => {
      json.write(...record)
      human.write(...record)
    },
  }
  return { log: new Log(sink, level), records, lines }
}

async function observed(t: TestContext, level: Threshold = 'info') {
  const { log, records, lines } = openLog(level)
  const observer = new Telemetry({ log: new RequestLog(log) })
  const fixture = makeFixture()
  const endpoint = await startEndpoint(t, fixture.server, {
    observer,
    authenticate: () => ({ subject: 'ann' }),
  })
  return { endpoint, fixture, log, records, lines }
}

suite('cancellation', () => {
  test('26.cancel.022: the reason of a cancellation is in the log', async (t) => {
    const { endpoint, fixture, records, lines } = await observed(t)
    const session = await endpoint.session('2025-11-25')
    const calling = session.send(request('tools/call', { name: 'hangs' }, 7))
    await fixture.begun.get('hangs')?.promise
    const reason = 'The user has changed her mind'
    await session.send(notification('notifications/cancelled', { requestId: 7, reason }))
    await calling
    assert.equal(records.length, 1)
    const [record = {}] = records
    assert.equal(record.event, 'request-cancelled')
    assert.equal(record.reason, reason)
    assert.equal(record.level, 'info')
    assert.equal(record.request, '7')
    assert.match(lines[0] ?? '', /tools\/call hangs: cancelled \[.*reason The user has changed/)
  })

  test('26.cancel.022: so is that of a stateless client, which goes away', async (t) => {
    const { endpoint, fixture, records } = await observed(t)
    const open = endpoint.stateless('tools/call', { name: 'hangs' })
    const signal = await fixture.begun.get('hangs')?.promise
    const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve))
    endpoint.disconnect()
    await Promise.all([aborted, open.catch(() => {})])
    assert.deepEqual(
      records.map(({ event, reason }) => [event, reason]),
      [['request-cancelled', 'The client went away']],
    )
  })

  test('26.cancel.022: a reason is one line, of a length that fits, without what looks like a secret', async (t) => {
    const { endpoint, fixture, records, lines } = await observed(t)
    const session = await endpoint.session('2025-06-18')
    const calling = session.send(request('tools/call', { name: 'hangs' }, 7))
    await fixture.begun.get('hangs')?.promise
    const reason = `password=hunter2 Bearer abc.def\n${'x'.repeat(5000)}`
    await session.send(notification('notifications/cancelled', { requestId: 7, reason }))
    await calling
    const text = String(records[0]?.reason)
    assert.ok(text.length <= 1001)
    assert.doesNotMatch(JSON.stringify(records) + lines, /hunter2|abc\.def/)
    assert.ok(lines.every((line) => !line.includes('\n')))
  })
})

suite('records of requests', () => {
  test('carry trace, session, request and identity, and never the whole id of a session', async (t) => {
    const { endpoint, records } = await observed(t, 'debug')
    const session = await endpoint.session('2025-11-25')
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const _meta = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    await session.call('tools/call', { name: 'echo', arguments: { text: 'a' }, _meta })
    await session.end()
    const call = records.find(({ method }) => method === 'tools/call') ?? {}
    assert.equal(call.trace, traceId)
    assert.equal(call.session, `${session.id.slice(0, 6)}…`)
    assert.equal(call.identity, 'ann')
    assert.equal(call.request, '1')
    assert.equal(call.name, 'echo')
    assert.equal(call.message, 'tools/call echo: ok')
    assert.equal(typeof call.durationMs, 'number')
    assert.ok(!JSON.stringify(records).includes(session.id))
    const events = records.map(({ event }) => event)
    for (const event of ['session-opened', 'notification', 'session-ended']) {
      assert.ok(events.includes(event), event)
    }
  })

  test('are written from the level on that the log is set to, which may change', async (t) => {
    const { endpoint, log, records } = await observed(t)
    await endpoint.stateless('tools/list')
    assert.equal(records.length, 0)
    log.level = 'debug'
    await endpoint.stateless('tools/list')
    assert.equal(records.length, 1)
    log.level = 'silent'
    await endpoint.stateless('tools/list')
    assert.equal(records.length, 1)
  })
})

suite('what looks like a secret', () => {
  test('is in no record, neither in its text nor in its fields', () => {
    const { log, records, lines } = openLog()
    log.write('info', 'GET https://ann:hunter2@example.com/?x=1 with "apiKey": "hunter2"', {
      password: 'hunter2',
      nested: { clientSecret: 'hunter2', note: 'token=hunter2' },
      text: "access_token: 'hunter2', kept: 'shown'",
    })
    const text = JSON.stringify(records) + lines.join()
    assert.doesNotMatch(text, /hunter2/)
    assert.match(text, /shown/)
  })
})

suite('the log of serve', () => {
  const cwd = workspace({
    'weather.ts': weatherServer,
    'broken-tool.ts': `
import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'broken', version: '1.0.0' })
server.resource('docs://broken', { name: 'broken' }, () => { throw new Error('The shelf is empty') })
export default server
`,
  })
  const read = (url: string) =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'resources/read',
        'mcp-name': 'docs://broken',
      },
      body: JSON.stringify(
        request('resources/read', {
          uri: 'docs://broken',
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        }),
      ),
    })

  test('is lines of JSON, and nothing else, where that is asked for', async () => {
    const { cli } = await serving(['weather.ts', '--log-format', 'json'], { cwd })
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
    assert.equal(cli.out, '')
    const records = cli.err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      records.map(({ event, level }) => [event, level]),
      [
        ['listening', 'info'],
        ['stopping', 'info'],
        ['stopped', 'info'],
      ],
    )
    for (const { time, pid, message } of records) {
      assert.ok(!Number.isNaN(Date.parse(time)))
      assert.equal(pid, cli.child.pid)
      assert.equal(typeof message, 'string')
    }
  })

  for (const args of [[], ['--workers', '2']]) {
    test(`has what a handler threw, with its request: serve ${args.join(' ')}`, async () => {
      const all = ['broken-tool.ts', '--log-format', 'json', ...args]
      const { cli, url } = await serving(all, { cwd })
      await (await read(url)).text()
      await cli.until(/"event":"failure"/)
      const line = cli.err.split('\n').find((each) => each.includes('"event":"failure"')) ?? ''
      const { level, method, request: id, message, stack } = JSON.parse(line)
      assert.deepEqual([level, method, id], ['error', 'resources/read', '1'])
      assert.equal(message, 'tsmcp: resources/read: Error: The shelf is empty')
      assert.match(stack, /broken-tool\.ts/)
    })
  }
})
