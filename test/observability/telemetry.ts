import { definitions, type MetricKey } from '../../src/observability/metrics/catalogue.ts'
import type { HistogramValue, MetricsSnapshot } from '../../src/observability/metrics/snapshot.ts'

/** The series of a metric, each as its attributes and its value; of a histogram how many values it has. */
export function seriesOf(
  snapshot: MetricsSnapshot,
  key: MetricKey,
): { attributes: Record<string, string | number>; value: number }[] {
  const { attributes } = definitions[key]
  return (snapshot[key] ?? []).map(({ values, value }) => ({
    attributes: Object.fromEntries(
      attributes.flatMap((name, index) => {
        const given = values[index] ?? null
        return given === null ? [] : [[name, given]]
      }),
    ),
    value: typeof value === 'number' ? value : total(value),
  }))
}

/** What all series of a metric that have these attributes come to. */
export function countOf(
  snapshot: MetricsSnapshot,
  key: MetricKey,
  wanted: Record<string, string | number> = {},
): number {
  return seriesOf(snapshot, key)
    .filter(({ attributes }) =>
      Object.entries(wanted).every(([name, value]) => attributes[name] === value),
    )
    .reduce((sum, { value }) => sum + value, 0)
}

function total({ counts }: HistogramValue): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
