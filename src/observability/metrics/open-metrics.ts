import { definitions, type MetricKey, metricKeys } from './catalogue.ts'
import type { MetricDefinition } from './definition.ts'
import { familyName, plainName } from './prometheus-name.ts'
import type { Exemplar, HistogramValue, MetricsSnapshot, SeriesSnapshot } from './snapshot.ts'

/** How the figures are written: that of OpenMetrics, or the older one, which has no exemplars. */
export type Exposition = 'OpenMetrics' | 'Prometheus'

export const contentTypes: Readonly<Record<Exposition, string>> = {
  OpenMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  Prometheus: 'text/plain; version=0.0.4; charset=utf-8',
}

/** What a scraper wants by its `Accept` header. */
export function expositionFor(accept: string | undefined): Exposition {
  return accept?.includes('application/openmetrics-text') ? 'OpenMetrics' : 'Prometheus'
}

/**
 * The figures as Prometheus reads them (OpenMetrics 1.0.0).
 *
 * @param target - who this is: attributes of the resource, for `target_info`
 */
export function exposed(
  snapshot: MetricsSnapshot,
  exposition: Exposition,
  target: Readonly<Record<string, string>> = {},
): string {
  let text = ''
  const isOpen = exposition === 'OpenMetrics'
  const info = Object.entries(target)
  if (info.length > 0) {
    const name = isOpen ? 'target' : 'target_info'
    text += `# TYPE ${name} ${isOpen ? 'info' : 'gauge'}\n# HELP ${name} Who this is.\n`
    text += `target_info${labels(info)} 1\n`
  }
  for (const key of metricKeys) {
    const series = snapshot[key]
    if (series !== undefined && series.length > 0) text += family(key, series, isOpen)
  }
  return isOpen ? `${text}# EOF\n` : text
}

function family(key: MetricKey, all: readonly SeriesSnapshot[], isOpen: boolean): string {
  const definition = definitions[key]
  const name = familyName(definition)
  const { instrument, unit, description } = definition
  const type = instrument === 'updowncounter' ? 'gauge' : instrument
  const described = instrument === 'counter' && !isOpen ? `${name}_total` : name
  let text = `# TYPE ${described} ${type}\n`
  if (isOpen && (unit === 's' || unit === 'By')) {
    text += `# UNIT ${described} ${unit === 's' ? 'seconds' : 'bytes'}\n`
  }
  text += `# HELP ${described} ${description.replaceAll('\\', '\\\\')}\n`
  for (const series of all) {
    const pairs = labelPairs(definition, series)
    if (typeof series.value === 'object') {
      text += histogramLines(name, pairs, series.value, definition.buckets ?? [], isOpen)
    } else {
      text += `${instrument === 'counter' ? `${name}_total` : name}${labels(pairs)} ${number(series.value)}\n`
    }
  }
  return text
}

function labelPairs(
  { attributes }: MetricDefinition,
  { values, isOverflow }: SeriesSnapshot,
): [string, string][] {
  if (isOverflow === true) return [['otel.metric.overflow', 'true']]
  return attributes.flatMap((attribute, index) => {
    const value = values[index] ?? null
    return value === null ? [] : [[attribute, String(value)] as [string, string]]
  })
}

function histogramLines(
  name: string,
  pairs: readonly [string, string][],
  { counts, sum, exemplars }: HistogramValue,
  bounds: readonly number[],
  isOpen: boolean,
): string {
  let text = ''
  let below = 0
  counts.forEach((count, bucket) => {
    below += count
    const bound = bounds[bucket]
    const le = bound === undefined ? '+Inf' : isOpen ? float(bound) : String(bound)
    const exemplar = isOpen ? exemplars?.[bucket] : undefined
    text += `${name}_bucket${labels([...pairs, ['le', le]])} ${below}${exemplarText(exemplar)}\n`
  })
  return `${text}${name}_count${labels(pairs)} ${below}\n${name}_sum${labels(pairs)} ${number(sum)}\n`
}

function exemplarText(exemplar: Exemplar | null | undefined): string {
  if (exemplar === null || exemplar === undefined) return ''
  const { traceId, spanId, value, timeMs } = exemplar
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${number(value)} ${timeMs / 1000}`
}

function labels(pairs: readonly (readonly [string, string])[]): string {
  if (pairs.length === 0) return ''
  return `{${pairs.map(([name, value]) => `${plainName(name)}="${escaped(value)}"`).join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

/** OpenMetrics wants the bounds of buckets as floats: `1.0`, and the smallest ones without loss. */
function float(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}
