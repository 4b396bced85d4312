import { definitions, type MetricKey, metricKeys } from './catalogue.ts'

/** The values of the attributes of a metric, in their order; null where there is none. */
export type AttributeValues = readonly (string | number | null)[]

/** A measured value, with the trace in which it was measured. */
export interface Exemplar {
  readonly value: number
  /** Milliseconds since 1970. */
  readonly timeMs: number
  readonly traceId: string
  readonly spanId: string
}

/** How often values fell into each bucket; the last is for what is above all bounds. */
export interface HistogramValue {
  readonly counts: readonly number[]
  readonly sum: number
  /** The latest of each bucket. */
  readonly exemplars?: readonly (Exemplar | null)[]
}

/** One series of a metric, at one moment. */
export interface SeriesSnapshot {
  readonly values: AttributeValues
  /** What came after there were as many series as may be. */
  readonly isOverflow?: boolean
  readonly value: number | HistogramValue
}

/** All series of all metrics of a process, or of several, at one moment; plain JSON. */
export type MetricsSnapshot = { readonly [Key in MetricKey]?: readonly SeriesSnapshot[] }

/** The figures of several processes as one. */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const merged: { [Key in MetricKey]?: SeriesSnapshot[] } = {}
  for (const key of metricKeys) {
    const all = snapshots.flatMap((snapshot) => snapshot[key] ?? [])
    if (all.length > 0) merged[key] = mergeSeries(all, definitions[key].ofWorkers)
  }
  return merged
}

/** What of a snapshot stays true when its process has ended: what was counted, and nothing of how things stood. */
export function lastingPart(snapshot: MetricsSnapshot): MetricsSnapshot {
  const counted = metricKeys.filter((key) => {
    const { instrument } = definitions[key]
    return instrument === 'counter' || instrument === 'histogram'
  })
  return Object.fromEntries(counted.flatMap((key) => (snapshot[key] ? [[key, snapshot[key]]] : [])))
}

function mergeSeries(all: readonly SeriesSnapshot[], rule: 'sum' | 'max'): SeriesSnapshot[] {
  const byValues = new Map<string, SeriesSnapshot>()
  for (const series of all) {
    const name = series.isOverflow ? 'overflow' : JSON.stringify(series.values)
    const before = byValues.get(name)
    byValues.set(
      name,
      before === undefined
        ? series
        : { ...series, value: mergeValues(before.value, series.value, rule) },
    )
  }
  return [...byValues.values()]
}

function mergeValues(
  a: SeriesSnapshot['value'],
  b: SeriesSnapshot['value'],
  rule: 'sum' | 'max',
): SeriesSnapshot['value'] {
  if (typeof a === 'object' && typeof b === 'object') return mergeHistograms(a, b)
  return rule === 'sum' ? Number(a) + Number(b) : Math.max(Number(a), Number(b))
}

function mergeHistograms(a: HistogramValue, b: HistogramValue): HistogramValue {
  const exemplars = a.counts.map((_, bucket) => {
    const [first, second] = [a.exemplars?.[bucket] ?? null, b.exemplars?.[bucket] ?? null]
    if (first === null || second === null) return first ?? second
    return first.timeMs > second.timeMs ? first : second
  })
  return {
    counts: a.counts.map((count, bucket) => count + (b.counts[bucket] ?? 0)),
    sum: a.sum + b.sum,
    ...(exemplars.some((each) => each !== null) && { exemplars }),
  }
}
