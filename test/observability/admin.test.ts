import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { AdminListener } from '../../src/observability/admin/admin-listener.ts'
import { HumanSink } from '../../src/observability/logs/human-sink.ts'
import { Log } from '../../src/observability/logs/log.ts'
import { NodeTelemetry } from '../../src/observability/node-telemetry.ts'
import { ProcessTelemetry } from '../../src/observability/process-telemetry.ts'
import { addApiKey } from '../../src/security.ts'
import { serveHttp } from '../../src/server/serve-http.ts'
import { CliProcess, serving, weatherServer, workspace } from '../cli/workspace.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { HttpClient } from '../support/http.ts'
import { needsPromtool, promtool } from './promtool.ts'

const cwd = workspace({
  'weather.ts': weatherServer,
  'policy.yaml': `
version: 1
roles:
  admin: { allow: { tools: '*' } }
  reader: { allow: { tools: forecast } }
grants:
  - { to: { keys: boss }, roles: admin }
  - { to: { keys: clerk }, roles: reader }
`,
})

/** A served fixture and the admin listener beside it, in this process. */
async function startNode(t: TestContext, folders: string[] = []) {
  const log = new Log(new HumanSink(() => {}))
  const own = new ProcessTelemetry({ log, isMeasured: true, folders })
  const setLogLevel = (level: typeof log.level): void => {
    log.level = level
  }
  const admin = { host: '127.0.0.1', port: 0 }
  const node = await NodeTelemetry.open({ log, admin, version: '0', setLogLevel })
  node.join(own)
  await node.introduce('fixture', '1.0.0')
  const fixture = makeFixture()
  const listener = await serveHttp(fixture.server, { port: 0, observer: own.observer })
  t.after(async () => {
    fixture.release()
    await listener.close()
    await node.close()
    await own.close()
  })
  const { adminUrl = '' } = node
  return { adminUrl, log, fixture, listener, client: new HttpClient(t, listener.port) }
}

const openMetrics = { accept: 'application/openmetrics-text; version=1.0.0' }

suite('/metrics', () => {
  test('gives what has happened, to Prometheus and as OpenMetrics', async (t) => {
    const { adminUrl, client } = await startNode(t)
    await client.stateless('tools/call', { name: 'echo', arguments: { text: 'a' } })
    const plain = await fetch(`${adminUrl}/metrics`)
    assert.match(plain.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    const text = await plain.text()
    assert.match(
      text,
      /^mcp_server_operation_duration_seconds_count\{mcp_method_name="tools\/call",gen_ai_tool_name="echo",.*\} 1$/m,
    )
    assert.match(text, /^# TYPE tsmcp_connections_refused_total counter$/m)
    const open = await fetch(`${adminUrl}/metrics`, { headers: openMetrics })
    assert.match(open.headers.get('content-type') ?? '', /^application\/openmetrics-text/)
    const openText = await open.text()
    assert.match(openText, /^# TYPE tsmcp_connections_refused counter$/m)
    assert.match(openText, /^# UNIT process_memory_usage_bytes bytes$/m)
    assert.ok(openText.endsWith('# EOF\n'))
  })

  test('is found good by promtool', async (t) => {
    if (!needsPromtool(t)) return
    const { adminUrl, client } = await startNode(t)
    await client.stateless('tools/call', { name: 'echo', arguments: { text: 'a' } })
    const text = await (await fetch(`${adminUrl}/metrics`)).text()
    const { status, output } = promtool(['check', 'metrics'], text)
    // The names of the conventions for Node.js have their percentile in them; all else it has no remark on.
    const remarks = output.split('\n').filter((line) => line !== '' && !line.startsWith('nodejs_'))
    assert.deepEqual(remarks, [])
    assert.ok(status === 0 || output !== '')
  })

  test('is not for pages of the web, and takes no other method', async (t) => {
    const { adminUrl } = await startNode(t)
    const { port } = new URL(adminUrl)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.write('GET /metrics HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')
      let text = ''
      socket.on('data', (chunk) => {
        text += String(chunk)
      })
      socket.on('close', () => resolve(text))
    })
    assert.match(answer, /^HTTP\/1\.1 403 /)
    assert.equal((await fetch(`${adminUrl}/metrics`, { method: 'POST' })).status, 405)
    assert.equal((await fetch(`${adminUrl}/nothing`)).status, 404)
    const long = { method: 'PUT', body: 'x'.repeat(5000) }
    assert.equal((await fetch(`${adminUrl}/log-level`, long)).status, 413)
  })
})

suite('the probes of the admin listener', () => {
  test('say part by part how the node is', async (t) => {
    const { adminUrl } = await startNode(t, [cwd])
    const health = await fetch(`${adminUrl}/health`)
    assert.equal(health.status, 200)
    const { status, processes, alerts, service_name } = JSON.parse(await health.text())
    assert.deepEqual([status, service_name, alerts], ['ok', 'fixture', []])
    assert.deepEqual(Object.keys(processes[0].components).sort(), [
      'disk',
      'listeners',
      'load',
      'queue',
    ])
    assert.equal(processes[0].pid, process.pid)
    for (const path of ['/live', '/ready']) {
      const answer = await fetch(`${adminUrl}${path}`)
      assert.equal(answer.status, 200)
      assert.deepEqual(JSON.parse(await answer.text()), { status: 'ok' })
    }
  })

  test('turn 503 when a part is not well, but for /live', async (t) => {
    const { adminUrl } = await startNode(t, [join(cwd, 'no such folder')])
    const statuses: number[] = []
    for (const path of ['/health', '/ready', '/live']) {
      statuses.push((await fetch(`${adminUrl}${path}`)).status)
    }
    assert.deepEqual(statuses, [503, 503, 200])
  })

  test('turn 503 while the node drains', async (t) => {
    const { adminUrl, client, listener, fixture } = await startNode(t)
    const running = client.stateless('tools/call', { name: 'hangs' })
    await fixture.begun.get('hangs')?.promise
    const closing = listener.close()
    const ready = await fetch(`${adminUrl}/ready`)
    assert.equal(ready.status, 503)
    assert.deepEqual(JSON.parse(await ready.text()), { status: 'draining' })
    fixture.release()
    await running
    await closing
  })
})

suite('who may come in', () => {
  test('from other machines is refused without authentication', async () => {
    const options = { host: '0.0.0.0', port: 0, routes: new Map(), onError: () => {} }
    await assert.rejects(AdminListener.open(options), /needs authentication/)
    const cli = new CliProcess(['serve', 'weather.ts', '--port', '0', '--admin', '0.0.0.0:0'], {
      cwd,
    })
    assert.equal(await cli.exited, 1)
    assert.match(
      cli.err,
      /--admin 0\.0\.0\.0:0: other machines can reach it, so it needs --api-keys/,
    )
  })

  test('from other machines is whoever has the role admin', async () => {
    const keys = join(cwd, 'keys.json')
    const boss = addApiKey(keys, { name: 'boss' })
    const clerk = addApiKey(keys, { name: 'clerk' })
    const args = [
      'weather.ts',
      '--admin',
      '0.0.0.0:0',
      '--api-keys',
      'keys.json',
      '--policy',
      'policy.yaml',
    ]
    const { cli } = await serving(args, { cwd })
    const [, port] = await cli.until(/admin +http:\/\/0\.0\.0\.0:(\d+)\n/)
    const status = async (path: string, key?: string): Promise<number> => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
      return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status
    }
    assert.equal(await status('/metrics'), 401)
    assert.equal(await status('/metrics', clerk.key), 403)
    assert.equal(await status('/metrics', boss.key), 200)
    assert.equal(await status('/alerts', clerk.key), 403)
    assert.equal(await status('/ready'), 200)
    assert.equal(await status('/nothing'), 401)
  })
})

test('the level of the log changes while it runs', async (t) => {
  const { adminUrl, log } = await startNode(t)
  const put = (body: string) => fetch(`${adminUrl}/log-level`, { method: 'PUT', body })
  assert.equal((await put('{"level":"loud"}')).status, 400)
  assert.equal((await put('nonsense')).status, 400)
  assert.equal(log.level, 'info')
  assert.equal((await put('{"level":"debug"}')).status, 200)
  assert.equal(log.level, 'debug')
  const answer = await fetch(`${adminUrl}/log-level`)
  assert.deepEqual(JSON.parse(await answer.text()), { level: 'debug' })
})

test('with several workers /metrics is that of all of them, and what a dead one counted stays', async () => {
  const { cli, url } = await serving(['weather.ts', '--workers', '2', '--admin', ':0'], { cwd })
  await cli.until(/2 workers/)
  const [, adminUrl = ''] = await cli.until(/admin +(http:\/\/\S+)\n/)
  const { statelessPost } = await import('../support/http.ts')
  const { headers, body } = statelessPost('tools/call', { name: 'measure' })
  const call = async (): Promise<void> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...(headers as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        connection: 'close',
      },
      body: JSON.stringify(body),
    })
    assert.equal(response.status, 200)
    await response.text()
  }
  for (let n = 0; n < 10; n += 1) await call()
  const read = async (): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text()
  const counted =
    /^mcp_server_operation_duration_seconds_count\{.*gen_ai_tool_name="measure".*\} (\d+)$/m
  const before = await read()
  assert.match(before, /^tsmcp_workers 2$/m)
  assert.equal(counted.exec(before)?.[1], '10')
  const health = JSON.parse(await (await fetch(`${adminUrl}/health`)).text())
  assert.equal(health.processes.length, 2)
  process.kill(health.processes[0].pid, 'SIGKILL')
  await cli.until(/is back/)
  // A report may be a fraction of a second old.
  let after = await read()
  while (!/^tsmcp_workers 2$/m.test(after)) after = await read()
  assert.equal(counted.exec(after)?.[1], '10')
})

test('importing tsmcp and tsmcp/http loads neither OpenTelemetry nor pino nor what watches', () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    await import('${new URL('../../src/index.ts', import.meta.url)}')
    await import('${new URL('../../src/http.ts', import.meta.url)}')
    console.log(loaded.filter((url) => /opentelemetry|pino|src.observability/.test(url)).join('\\n'))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.equal(stdout.trim(), '', stderr)
})
