import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  catalogue,
  definitions,
  type MetricKey,
  metricKeys,
} from '../../src/observability/metrics/catalogue.ts'
import { sampleNames } from '../../src/observability/metrics/prometheus-name.ts'

const mcpBuckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
const network = ['network.transport', 'network.protocol.name', 'network.protocol.version']

test('the metrics of MCP are those of the semantic conventions, with their attributes and buckets', () => {
  const operation = [
    'error.type',
    'gen_ai.operation.name',
    'gen_ai.prompt.name',
    'gen_ai.tool.name',
    'mcp.method.name',
    'mcp.protocol.version',
    'rpc.response.status_code',
    ...network,
  ]
  const session = ['error.type', 'mcp.protocol.version', ...network]
  const server = ['server.address', 'server.port']
  const golden: Record<string, string[]> = {
    'mcp.server.operation.duration': operation,
    'mcp.client.operation.duration': [...operation, ...server],
    'mcp.server.session.duration': session,
    'mcp.client.session.duration': [...session, ...server],
  }
  const ours = Object.values(definitions).filter(({ source }) => source === 'MCP')
  assert.deepEqual(ours.map(({ name }) => name).sort(), Object.keys(golden).sort())
  for (const { name, instrument, unit, attributes, buckets } of ours) {
    assert.equal(instrument, 'histogram')
    assert.equal(unit, 's')
    assert.deepEqual(buckets, mcpBuckets, name)
    assert.deepEqual([...attributes].sort(), golden[name]?.sort(), name)
  }
})

test('no two metrics have a name in common, with OpenTelemetry or with Prometheus', () => {
  const all = metricKeys.map((key: MetricKey) => definitions[key])
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
  const samples = all.flatMap(sampleNames)
  assert.equal(new Set(samples).size, samples.length)
  for (const name of samples) assert.match(name, /^[a-z][a-z0-9_]*$/)
})

test('what is not of a convention is named tsmcp, and histograms alone have buckets', () => {
  for (const { name, source, instrument, ...rest } of Object.values(definitions)) {
    if (source === 'tsmcp') assert.match(name, /^tsmcp\./)
    assert.equal('buckets' in rest, instrument === 'histogram', name)
    const { buckets = [] } = rest as { buckets?: readonly number[] }
    assert.deepEqual(
      [...buckets].sort((a, b) => a - b),
      [...buckets],
      name,
    )
  }
  assert.ok((catalogue.registryOperationDuration.buckets as readonly number[]).includes(0.001))
})
