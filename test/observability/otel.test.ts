import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { definitions } from '../../src/observability/metrics/catalogue.ts'
import { type CliProcess, serving, weatherServer, workspace } from '../cli/workspace.ts'
import { statelessPost } from '../support/http.ts'
import { attributesOf, OtlpReceiver, type ReceivedMetric } from './otlp-receiver.ts'

const cwd = workspace({
  'weather.ts': weatherServer,
  'traced.ts': `
import { trace } from '@opentelemetry/api'
import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'traced', version: '1.0.0' })
server.tool('inner', {}, async () => {
  await new Promise((resolve) => setImmediate(resolve))
  trace.getTracer('handler').startSpan('inside').end()
  return 'done'
})
export default server
`,
})

async function start(
  env: Record<string, string> = {},
  file = 'weather.ts',
): Promise<{ receiver: OtlpReceiver; url: string; cli: CliProcess }> {
  const receiver = await OtlpReceiver.start({ after })
  const { cli, url } = await serving([file], {
    cwd,
    env: {
      TSMCP_OTEL_ENABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      ...env,
    },
  })
  return { receiver, url, cli }
}

async function call(
  url: string,
  method: string,
  params: object = {},
  meta: object = {},
  headers: Record<string, string> = {},
): Promise<void> {
  const post = statelessPost(method, params, { id: 7, meta, headers })
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(post.headers as Record<string, string>),
    },
    body: JSON.stringify(post.body),
  })
  await response.text()
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentOfMeta = `00-${traceId}-00f067aa0ba902b7-01`
const parentOfHttp = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

suite('spans', () => {
  test('have the names and attributes of the semantic conventions', async () => {
    const { receiver, url } = await start()
    await call(url, 'tools/call', { name: 'forecast', arguments: { city: 'Oslo' } })
    await call(url, 'tools/call', { name: 'fail' })
    await call(url, 'resources/read', { uri: 'docs://nowhere' })
    await call(url, 'prompts/get', { name: 'compare', arguments: { a: 'x' } })
    await receiver.until(() => receiver.spans.length === 4)
    const always = {
      'jsonrpc.request.id': '7',
      'mcp.protocol.version': '2026-07-28',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
      'client.address': '127.0.0.1',
    }
    const tool = { 'mcp.method.name': 'tools/call', 'gen_ai.operation.name': 'execute_tool' }
    const golden: Record<string, { attributes: object; status: number }> = {
      'tools/call forecast': {
        attributes: { ...tool, 'gen_ai.tool.name': 'forecast', ...always },
        status: 0,
      },
      'tools/call fail': {
        attributes: { ...tool, 'gen_ai.tool.name': 'fail', 'error.type': 'tool_error', ...always },
        status: 2,
      },
      'resources/read': {
        attributes: {
          'mcp.method.name': 'resources/read',
          'mcp.resource.uri': 'docs://nowhere',
          'error.type': '-32602',
          'rpc.response.status_code': '-32602',
          ...always,
        },
        status: 2,
      },
      'prompts/get compare': {
        attributes: {
          'mcp.method.name': 'prompts/get',
          'gen_ai.prompt.name': 'compare',
          ...always,
        },
        status: 0,
      },
    }
    for (const span of receiver.spans) {
      const expected = golden[span.name]
      assert.deepEqual(attributesOf(span.attributes), expected?.attributes, span.name)
      assert.equal(span.status.code ?? 0, expected?.status, span.name)
      // SPAN_KIND_SERVER of OTLP.
      assert.equal(span.kind, 2)
    }
    const [resource = {}] = receiver.resources
    assert.equal(resource['service.name'], 'weather')
    assert.equal(resource['service.version'], '1.2.3')
  })

  test('have the context of _meta as parent and that of HTTP as link', async () => {
    const { receiver, url } = await start()
    await call(url, 'tools/list', {}, { traceparent: parentOfMeta }, { traceparent: parentOfHttp })
    await call(url, 'prompts/list', {}, {}, { traceparent: parentOfHttp })
    await call(url, 'resources/list')
    await receiver.until(() => receiver.spans.length === 3)
    const named = (name: string) => receiver.spans.find((span) => span.name === name)
    const ofBoth = named('tools/list')
    assert.equal(ofBoth?.traceId, traceId)
    assert.equal(ofBoth?.parentSpanId, '00f067aa0ba902b7')
    assert.deepEqual(
      ofBoth?.links?.map(({ spanId }) => spanId),
      ['b7ad6b7169203331'],
    )
    const ofHttp = named('prompts/list')
    assert.equal(ofHttp?.parentSpanId, 'b7ad6b7169203331')
    assert.equal(ofHttp?.links?.length ?? 0, 0)
    assert.equal(named('resources/list')?.parentSpanId, undefined)
  })

  test('of what a handler traces are children of that of its request', async () => {
    const { receiver, url } = await start({}, 'traced.ts')
    await call(url, 'tools/call', { name: 'inner' }, { traceparent: parentOfMeta })
    await receiver.until(() => receiver.spans.length === 2)
    const inside = receiver.spans.find(({ name }) => name === 'inside')
    const request = receiver.spans.find(({ name }) => name === 'tools/call inner')
    assert.equal(inside?.traceId, traceId)
    assert.equal(inside?.parentSpanId, request?.spanId)
  })

  test('from an official client over tsmcp are one trace', async () => {
    const { receiver, url } = await start()
    const exporter = new InMemorySpanExporter()
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    const tracer = provider.getTracer('client')
    const span = tracer.startSpan('the user asks', { kind: SpanKind.CLIENT })
    const meta: Record<string, string> = {}
    new W3CTraceContextPropagator().inject(trace.setSpan(context.active(), span), meta, {
      set: (carrier, key, value) => {
        carrier[key] = value
      },
    })
    const client = new Client({ name: 'official', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(url)))
    await client.callTool({ name: 'forecast', arguments: { city: 'Oslo' }, _meta: meta })
    await client.close()
    span.end()
    await receiver.until(() => receiver.spans.some(({ name }) => name === 'tools/call forecast'))
    const received = receiver.spans.find(({ name }) => name === 'tools/call forecast')
    const [sent] = exporter.getFinishedSpans()
    assert.equal(received?.traceId, sent?.spanContext().traceId)
    assert.equal(received?.parentSpanId, sent?.spanContext().spanId)
    assert.ok(propagation.fields().length === 0, 'the test process has no provider of its own')
  })

  test('follow the sampler of the standard variables, and the decision of the parent', async () => {
    const { receiver, url, cli } = await start({
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
      OTEL_METRICS_EXPORTER: 'none',
    })
    for (let n = 0; n < 20; n += 1) await call(url, 'tools/list')
    await call(url, 'prompts/list', {}, { traceparent: parentOfMeta })
    await call(url, 'resources/list', {}, { traceparent: `${parentOfMeta.slice(0, -2)}00` })
    await receiver.until(() => receiver.spans.length > 0)
    cli.child.kill('SIGTERM')
    await cli.exited
    assert.deepEqual(
      receiver.spans.map(({ name }) => name),
      ['prompts/list'],
    )
    assert.equal(receiver.metrics.size, 0)
  })

  test('of a share of the requests are as many as that, and what a handler traces goes with its request', async () => {
    const { receiver, url, cli } = await start(
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
      'traced.ts',
    )
    for (let n = 0; n < 100; n += 1) await call(url, 'tools/call', { name: 'inner' })
    cli.child.kill('SIGTERM')
    await cli.exited
    const named = (name: string) => receiver.spans.filter((span) => span.name === name)
    const requests = named('tools/call inner')
    // It is random: this is seven standard deviations from the middle.
    assert.ok(requests.length > 15 && requests.length < 85, String(requests.length))
    const ids = requests.map(({ spanId }) => spanId).sort()
    const parents = named('inside').map(({ parentSpanId }) => parentSpanId)
    assert.deepEqual(parents.sort(), ids)
    assert.equal(new Set(requests.map(({ traceId }) => traceId)).size, requests.length)
  })

  test('that are left are sent before the process ends', async () => {
    const { receiver, url, cli } = await start({ OTEL_BSP_SCHEDULE_DELAY: '600000' })
    await call(url, 'tools/list')
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
    assert.deepEqual(
      receiver.spans.map(({ name }) => name),
      ['tools/list'],
    )
  })
})

suite('metrics', () => {
  test('are sent with the names, units, attributes and buckets of the catalogue', async () => {
    const { receiver, url } = await start({ OTEL_TRACES_EXPORTER: 'none' })
    await call(url, 'tools/call', { name: 'forecast', arguments: { city: 'Oslo' } })
    const name = 'mcp.server.operation.duration'
    await receiver.until(() => receiver.metrics.has(name))
    const point = receiver.metrics.get(name)?.histogram?.dataPoints[0]
    assert.deepEqual(attributesOf(point?.attributes), {
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'forecast',
      'gen_ai.operation.name': 'execute_tool',
      'mcp.protocol.version': '2026-07-28',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
    })
    assert.deepEqual(point?.explicitBounds, definitions.serverOperationDuration.buckets)
    const byName = new Map(Object.values(definitions).map((each) => [each.name, each]))
    for (const metric of receiver.metrics.values()) {
      const definition = byName.get(metric.name)
      assert.equal(metric.unit, definition?.unit, metric.name)
      const { instrument = 'counter' } = definition ?? {}
      const kind = instrument === 'histogram' || instrument === 'gauge' ? instrument : 'sum'
      const data: ReceivedMetric['sum'] = metric[kind]
      assert.ok(data !== undefined, metric.name)
      if (kind === 'sum') {
        assert.equal(data.isMonotonic ?? false, instrument === 'counter', metric.name)
      }
      for (const { attributes = [] } of data.dataPoints) {
        for (const { key } of attributes) assert.ok(definition?.attributes.includes(key), key)
      }
    }
    assert.equal(receiver.spans.length, 0)
  })

  test('and spans go out as protobuf unless JSON is asked for', async () => {
    const { receiver, url } = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: '' })
    await call(url, 'tools/list')
    const has = (path: string, text: string) =>
      receiver.binary.some((each) => each.path === path && each.body.includes(text))
    await receiver.until(
      () =>
        has('/v1/traces', 'mcp.method.name') && has('/v1/metrics', 'mcp.server.operation.duration'),
    )
  })
})

test('a variable that OpenTelemetry does not allow is named, and nothing starts', async () => {
  const { runCli } = await import('../cli/fake-io.ts')
  for (const [name, value] of [
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', 'many'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_PROPAGATORS', 'b3'],
  ] as const) {
    const env = { ERLMCP_OTEL_ENABLED: 'true', [name]: value }
    const { exitCode, err } = await runCli(['serve', 'weather.ts', '--port', '0'], { cwd, env })
    assert.equal(exitCode, 1)
    assert.match(err, new RegExp(`${name} is '${value}', but only .* allowed`))
  }
})
