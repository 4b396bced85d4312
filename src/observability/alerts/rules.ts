import { definitions, type MetricKey } from '../metrics/catalogue.ts'
import { familyName, plainName, sampleNames } from '../metrics/prometheus-name.ts'
import type { MetricsSnapshot, SeriesSnapshot } from '../metrics/snapshot.ts'

/** Something that is compared with a threshold: for Prometheus an expression, for the node itself a function. */
interface Measure {
  /** In the language of Prometheus, for each instance. */
  readonly expression: string
  /** @param window - what has been counted in the last minutes. @returns undefined: no data */
  valueOf(now: MetricsSnapshot, window: Counted): number | undefined
}

/** As much of the figures as rates are made of: it is kept for each look of the last minutes. */
export interface Counted {
  readonly operations: number
  readonly errors: number
  /** Operations of the registry by how long they took. */
  readonly registry: readonly number[]
}

export interface AlertRule {
  readonly name: string
  readonly severity: 'warning' | 'critical'
  readonly measure: Measure
  /** It is too much from above this. */
  readonly threshold: number
  readonly unit: string
  /** How long it must be too much before it is an alert, in seconds. */
  readonly forSeconds: number
  readonly summary: string
  /** What to do. */
  readonly description: string
}

/** Rates and shares are those of the last so many seconds. */
export const windowSeconds = 300
const window = '[5m]'
/** Of fewer measured values a quantile says nothing. */
const minSamples = 20
const perInstance = 'sum by (job, instance)'

/** What calls end in that is not the server's fault: a tool that says so itself, and a client that changes its mind. */
const forgiven: readonly string[] = ['tool_error', 'cancelled']

/** The alerts of the certification document, "Alert Thresholds". */
export const alertRules: readonly AlertRule[] = [
  {
    name: 'TsmcpRegistryLatency',
    severity: 'warning',
    measure: registryQuantile(0.95),
    threshold: 0.001,
    unit: 's',
    forSeconds: 60,
    summary: 'Operations of the registry take more than 1 ms (95th percentile over 5 minutes).',
    description:
      'The event loop is blocked, or memory is swapped: look at its delay and at garbage collections.',
  },
  {
    name: 'TsmcpQueueDepth',
    severity: 'critical',
    measure: sum('queueDepth'),
    threshold: 10_000,
    unit: 'requests',
    forSeconds: 60,
    summary: 'More than 10,000 requests wait for their turn.',
    description:
      'Handlers are slower than clients: find the slow tools, add workers or nodes, or limit the clients.',
  },
  {
    name: 'TsmcpConnections',
    severity: 'warning',
    measure: sum('connections'),
    threshold: 45_000,
    unit: 'connections',
    forSeconds: 60,
    summary: 'More than 45,000 connections are open on a node.',
    description: 'A node is measured for 52,000: add one, or look for clients that open many.',
  },
  {
    name: 'TsmcpErrorRate',
    severity: 'critical',
    measure: errorShare(),
    threshold: 0.01,
    unit: 'share',
    forSeconds: 60,
    summary: 'More than 1 % of requests end in an error (over 5 minutes).',
    description:
      'The log has the failures; error_type and the tool of mcp_server_operation_duration say where.',
  },
  {
    name: 'TsmcpMemory',
    severity: 'critical',
    measure: share('memoryUsage', 'memoryLimit'),
    threshold: 0.8,
    unit: 'share',
    forSeconds: 60,
    summary: 'The processes of a node use more than 80 % of the memory that they may.',
    description:
      'Limit sessions and requests (--max-sessions, --max-running, --max-memory-mb), or give it more.',
  },
]

function sum(key: MetricKey): Measure {
  const [name = ''] = sampleNames(definitions[key])
  return {
    expression: `${perInstance} (${name})`,
    valueOf: (now) => (now[key] === undefined ? undefined : total(now[key])),
  }
}

function share(part: MetricKey, whole: MetricKey): Measure {
  const [partName = ''] = sampleNames(definitions[part])
  const [wholeName = ''] = sampleNames(definitions[whole])
  return {
    expression: `${perInstance} (${partName}) / max by (job, instance) (${wholeName})`,
    valueOf: (now) => {
      const all = total(now[whole])
      return all === 0 ? undefined : total(now[part]) / all
    },
  }
}

function registryQuantile(share: number): Measure {
  const key = 'registryOperationDuration'
  const family = familyName(definitions[key])
  const name = `${family}_bucket`
  return {
    expression: `(histogram_quantile(${share}, sum by (job, instance, le) (rate(${name}${window}))) and ${perInstance} (increase(${family}_count${window})) >= ${minSamples})`,
    valueOf: (_now, { registry }) => quantileOf(share, registry, definitions[key].buckets ?? []),
  }
}

function errorShare(): Measure {
  const key = 'serverOperationDuration'
  const operations = `${familyName(definitions[key])}_count`
  const [refusals = ''] = sampleNames(definitions.refusals)
  const errorType = plainName('error.type')
  const status = plainName('http.response.status_code')
  const failed = `${operations}{${errorType}!="", ${errorType}!~"${forgiven.join('|')}"}${window}`
  const refused = `${refusals}{${status}=~"5.."}${window}`
  const rate = (selector: string): string => `${perInstance} (rate(${selector}))`
  // Where nothing was ever refused there is no series, and adding it would leave nothing.
  const orNone = (term: string, of: string): string => `(${term} or ${of} * 0)`
  const all = rate(`${operations}${window}`)
  return {
    expression: `(${orNone(rate(failed), all)} + ${orNone(rate(refused), all)}) / (${all} + ${orNone(rate(refused), all)})`,
    valueOf: (_now, window) =>
      window.operations === 0 ? undefined : window.errors / window.operations,
  }
}

/** What has been counted since the start. */
export function countedIn(snapshot: MetricsSnapshot): Counted {
  const errorAt = definitions.serverOperationDuration.attributes.indexOf('error.type')
  const statusAt = definitions.refusals.attributes.indexOf('http.response.status_code')
  let [operations, errors] = [0, 0]
  for (const series of snapshot.serverOperationDuration ?? []) {
    const count = totalOf(series)
    const errorType = series.values[errorAt] ?? null
    operations += count
    if (errorType !== null && !forgiven.includes(String(errorType))) errors += count
  }
  for (const series of snapshot.refusals ?? []) {
    if (Number(series.values[statusAt]) < 500) continue
    operations += totalOf(series)
    errors += totalOf(series)
  }
  return { operations, errors, registry: bucketsOf(snapshot.registryOperationDuration) }
}

/** What has been counted between two looks. */
export function countedBetween(before: Counted, now: Counted): Counted {
  return {
    operations: Math.max(now.operations - before.operations, 0),
    errors: Math.max(now.errors - before.errors, 0),
    registry: difference(now.registry, before.registry),
  }
}

function total(series: readonly SeriesSnapshot[] = []): number {
  return series.reduce((sum, each) => sum + totalOf(each), 0)
}

function totalOf({ value }: SeriesSnapshot): number {
  return typeof value === 'number' ? value : value.counts.reduce((sum, count) => sum + count, 0)
}

function bucketsOf(series: readonly SeriesSnapshot[] = []): number[] {
  const all: number[] = []
  for (const { value } of series) {
    if (typeof value === 'number') continue
    value.counts.forEach((count, bucket) => {
      all[bucket] = (all[bucket] ?? 0) + count
    })
  }
  return all
}

function difference(now: readonly number[], before: readonly number[]): number[] {
  return now.map((count, bucket) => Math.max(count - (before[bucket] ?? 0), 0))
}

/** As Prometheus has it: within a bucket values are taken to be spread evenly. */
function quantileOf(
  share: number,
  counts: readonly number[],
  bounds: readonly number[],
): number | undefined {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all < minSamples) return undefined
  const rank = share * all
  let below = 0
  for (const [bucket, count] of counts.entries()) {
    if (below + count >= rank && count > 0) {
      const upper = bounds[bucket]
      const lower = bucket === 0 ? 0 : (bounds[bucket - 1] ?? 0)
      return upper === undefined ? lower : lower + ((upper - lower) * (rank - below)) / count
    }
    below += count
  }
  return undefined
}
