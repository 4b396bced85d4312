import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { AlertEvaluator, type AlertState } from '../../src/observability/alerts/evaluator.ts'
import { alertRules } from '../../src/observability/alerts/rules.ts'
import { AlertWebhook, webhookUrl } from '../../src/observability/alerts/webhook.ts'
import { Meter, type Report } from '../../src/observability/metrics/meter.ts'
import { temporaryFolder } from '../support/folder.ts'
import { needsPromtool, promtool } from './promtool.ts'

const rulesFile = fileURLToPath(
  new URL('../../deploy/prometheus/tsmcp-alerts.yml', import.meta.url),
)

/** What makes an alert fire: the figures of one instance, minute by minute, too many at first and then not. */
const instance = 'job="tsmcp", instance="a"'
const operations = (labels: string): string =>
  `mcp_server_operation_duration_seconds_count{${instance}, ${labels}}`
const registry = 'tsmcp_registry_operation_duration_seconds'
const scenarios: Record<string, Record<string, string>> = {
  TsmcpRegistryLatency: {
    [`${registry}_bucket{${instance}, le="0.001"}`]: '0+0x10 0+600x20',
    [`${registry}_bucket{${instance}, le="0.0025"}`]: '0+600x10 6000+600x20',
    [`${registry}_bucket{${instance}, le="+Inf"}`]: '0+600x10 6000+600x20',
    [`${registry}_count{${instance}}`]: '0+600x10 6000+600x20',
  },
  TsmcpQueueDepth: { [`tsmcp_queue_depth{${instance}}`]: '10001x10 10000x20' },
  TsmcpConnections: { [`tsmcp_connections{${instance}}`]: '45001x10 45000x20' },
  TsmcpErrorRate: {
    [operations('error_type="-32603"')]: '0+2x10 20+0x20',
    [operations('error_type="tool_error"')]: '0+50x30',
    [operations('mcp_method_name="tools/call"')]: '0+50x30',
  },
  TsmcpMemory: {
    [`process_memory_usage_bytes{${instance}}`]: '81x10 80x20',
    [`tsmcp_memory_limit_bytes{${instance}}`]: '100x30',
  },
}

suite('the rules of Prometheus', () => {
  test('are good rules', (t) => {
    if (!needsPromtool(t)) return
    const { status, output } = promtool(['check', 'rules', rulesFile])
    assert.equal(status, 0, output)
    assert.match(output, new RegExp(`${alertRules.length} rules found`))
  })

  for (const { name, severity, summary, description } of alertRules) {
    test(`${name} fires when there is too much, and resolves when there is not`, (t) => {
      if (!needsPromtool(t)) return
      const alert = {
        exp_labels: { severity, job: 'tsmcp', instance: 'a' },
        exp_annotations: { summary, description },
      }
      const tests = {
        rule_files: [rulesFile],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: Object.entries(scenarios[name] ?? {}).map(([series, values]) => ({
              series,
              values,
            })),
            alert_rule_test: [
              { eval_time: '9m', alertname: name, exp_alerts: [alert] },
              { eval_time: '28m', alertname: name, exp_alerts: [] },
            ],
          },
        ],
      }
      const file = join(temporaryFolder(t), 'test.yml')
      writeFileSync(file, stringify(tests))
      const { status, output } = promtool(['test', 'rules', file])
      assert.equal(status, 0, output)
    })
  }

  test('of the share of errors count what is refused for our own fault, and forgive the rest', (t) => {
    if (!needsPromtool(t)) return
    const refused = (status: string): string =>
      `tsmcp_refusals_total{${instance}, http_response_status_code="${status}"}`
    const fires = (series: Record<string, string>): object => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: 'count(ALERTS{alertname="TsmcpErrorRate", alertstate="firing"}) or vector(0)',
          eval_time: '10m',
          exp_samples: [{ value: refused('503') in series ? 1 : 0 }],
        },
      ],
    })
    const calls = { [operations('mcp_method_name="tools/call"')]: '0+100x20' }
    const file = join(temporaryFolder(t), 'test.yml')
    const tests = [
      fires({ ...calls, [refused('503')]: '0+2x20' }),
      fires({ ...calls, [refused('401')]: '0+50x20' }),
      fires({ ...calls, [operations('error_type="cancelled"')]: '0+50x20' }),
    ]
    writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests }))
    const { status, output } = promtool(['test', 'rules', file])
    assert.equal(status, 0, output)
  })
})

/** An evaluator, and a meter whose figures it looks at. */
function evaluating() {
  const meter = new Meter()
  const changes: string[] = []
  const observed: Partial<Record<'queueDepth' | 'connections' | 'memoryUsage', number>> = {}
  meter.observe((report: Report) => {
    for (const [key, value] of Object.entries(observed)) report(key as 'queueDepth', value)
    report('memoryLimit', 100)
  })
  const evaluator = new AlertEvaluator(alertRules, 0, ({ name, state }) =>
    changes.push(`${name} ${state}`),
  )
  const lookAt = (seconds: number): void => evaluator.look(meter.snapshot(), seconds * 1000)
  const stateOf = (name: string): AlertState | undefined =>
    evaluator.states.find((each) => each.name === name)
  return { meter, observed, changes, lookAt, stateOf }
}

const call = (meter: Meter, errorType: string | null = null) =>
  meter.histogram('serverOperationDuration', 'tools/call', errorType, null, null, null, null)

suite('a node', () => {
  test('fires an alert that has been too much for long enough, and says when it is over', () => {
    const { observed, changes, lookAt, stateOf } = evaluating()
    observed.queueDepth = 10_000
    lookAt(0)
    assert.equal(stateOf('TsmcpQueueDepth')?.state, 'ok')
    observed.queueDepth = 10_001
    lookAt(2)
    assert.equal(stateOf('TsmcpQueueDepth')?.state, 'pending')
    lookAt(61)
    assert.deepEqual(changes, [])
    lookAt(62)
    assert.equal(stateOf('TsmcpQueueDepth')?.state, 'firing')
    assert.equal(stateOf('TsmcpQueueDepth')?.value, 10_001)
    observed.queueDepth = 0
    lookAt(64)
    assert.deepEqual(changes, ['TsmcpQueueDepth firing', 'TsmcpQueueDepth ok'])
  })

  test('does not fire for what was too much with a break', () => {
    const { observed, changes, lookAt } = evaluating()
    for (let seconds = 0; seconds < 200; seconds += 10) {
      observed.connections = seconds % 50 === 0 ? 0 : 50_000
      lookAt(seconds)
    }
    assert.deepEqual(changes, [])
  })

  test('fires for connections and memory beyond their thresholds', () => {
    const { observed, changes, lookAt } = evaluating()
    observed.connections = 45_001
    observed.memoryUsage = 81
    lookAt(0)
    lookAt(60)
    assert.deepEqual(changes, ['TsmcpConnections firing', 'TsmcpMemory firing'])
  })

  test('judges the share of errors by the last five minutes', () => {
    const { meter, changes, lookAt, stateOf } = evaluating()
    for (let n = 0; n < 98; n += 1) call(meter).record(0.001)
    for (let n = 0; n < 2; n += 1) call(meter, '-32603').record(0.001)
    for (let n = 0; n < 50; n += 1) call(meter, 'tool_error').record(0.001)
    lookAt(0)
    const value = stateOf('TsmcpErrorRate')?.value ?? 0
    assert.ok(value > 0.013 && value < 0.014, String(value))
    lookAt(60)
    assert.deepEqual(changes, ['TsmcpErrorRate firing'])
    for (let seconds = 62; seconds <= 400; seconds += 2) {
      call(meter).record(0.001)
      lookAt(seconds)
    }
    assert.deepEqual(changes, ['TsmcpErrorRate firing', 'TsmcpErrorRate ok'])
    assert.equal(stateOf('TsmcpErrorRate')?.value, 0)
  })

  test('judges the registry by its 95th percentile, once there are enough values', () => {
    const { meter, lookAt, stateOf } = evaluating()
    const timed = meter.histogram('registryOperationDuration', 'look_up')
    for (let n = 0; n < 10; n += 1) timed.record(0.002)
    lookAt(0)
    assert.equal(stateOf('TsmcpRegistryLatency')?.value, null)
    for (let n = 0; n < 10; n += 1) timed.record(0.002)
    lookAt(2)
    assert.equal(stateOf('TsmcpRegistryLatency')?.state, 'pending')
    for (let n = 0; n < 1000; n += 1) timed.record(0.000_002)
    lookAt(4)
    assert.equal(stateOf('TsmcpRegistryLatency')?.state, 'ok')
  })
})

const alert: AlertState = {
  name: 'TsmcpMemory',
  severity: 'critical',
  state: 'firing',
  value: 0.9,
  threshold: 0.8,
  unit: 'share',
  since: '2026-01-01T00:00:00.000Z',
  summary: 'Too much.',
  description: 'Do something.',
}

/** A receiver that answers each delivery with the next of these statuses, and then with the last. */
async function receiver(t: TestContext, statuses: readonly number[]) {
  const bodies: Record<string, unknown>[] = []
  let delivered: (() => void) | undefined
  const server = createServer((incoming, response) => {
    let text = ''
    incoming.on('data', (chunk) => {
      text += String(chunk)
    })
    incoming.on('end', () => {
      const status = statuses[Math.min(bodies.length, statuses.length - 1)] ?? 200
      bodies.push({ path: incoming.url, ...JSON.parse(text) })
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('{}')
      delivered?.()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const until = async (count: number): Promise<void> => {
    while (bodies.length < count) {
      await new Promise<void>((resolve) => {
        delivered = resolve
      })
    }
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, bodies, until }
}

suite('the webhook', () => {
  test('is told in the form of Alertmanager, in order', async (t) => {
    const { url, bodies, until } = await receiver(t, [200])
    const webhook = new AlertWebhook({ url, instance: 'a', onLost: () => assert.fail('lost') })
    t.after(() => webhook.close())
    webhook.send(alert)
    webhook.send({ ...alert, state: 'ok' })
    await until(2)
    assert.deepEqual(
      bodies.map(({ version, status }) => [version, status]),
      [
        ['4', 'firing'],
        ['4', 'resolved'],
      ],
    )
    const [first] = (bodies[0]?.alerts ?? []) as { labels: object; annotations: object }[]
    assert.deepEqual(first?.labels, {
      alertname: 'TsmcpMemory',
      severity: 'critical',
      instance: 'a',
    })
  })

  test('is tried again when it fails, and a redirect leads nowhere', async (t) => {
    const { url, bodies, until } = await receiver(t, [500, 302, 200])
    const options = { url, instance: 'a', retryMs: 1, onLost: () => assert.fail('lost') }
    const webhook = new AlertWebhook(options)
    t.after(() => webhook.close())
    webhook.send(alert)
    await until(3)
    assert.ok(bodies.every(({ path }) => path === '/hook'))
  })

  test('is given up after a while, and that is said', async (t) => {
    const { url, bodies } = await receiver(t, [500])
    const lost = Promise.withResolvers<string>()
    const onLost = ({ name }: AlertState, { message }: Error): void =>
      lost.resolve(`${name}: ${message}`)
    const webhook = new AlertWebhook({ url, instance: 'a', retryMs: 1, onLost })
    t.after(() => webhook.close())
    webhook.send(alert)
    assert.equal(await lost.promise, 'TsmcpMemory: the webhook answered 500')
    assert.equal(bodies.length, 6)
  })

  test('loses the oldest when too many wait, and ends at once when it is closed', async () => {
    const lost: string[] = []
    const onLost = ({ name }: AlertState): void => void lost.push(name)
    const url = 'http://127.0.0.1:1/'
    const webhook = new AlertWebhook({ url, instance: 'a', retryMs: 60_000, onLost })
    for (let n = 0; n < 103; n += 1) webhook.send({ ...alert, name: `alert ${n}` })
    await webhook.close()
    assert.deepEqual(lost, ['alert 1', 'alert 2'])
  })

  test('is https, or on this machine, and holds no password', () => {
    for (const url of ['http://10.0.0.1/', 'ftp://127.0.0.1/', 'https://a:b@hook.example/', 'no']) {
      assert.throws(() => webhookUrl(url), TypeError, url)
    }
    assert.equal(webhookUrl('https://hook.example/x').hostname, 'hook.example')
  })
})
