import { type catalogue, definitions, type MetricKey } from './catalogue.ts'
import { Counter, Histogram, SeriesTable } from './series.ts'
import type { AttributeValues, MetricsSnapshot, SeriesSnapshot } from './snapshot.ts'

type KeyOf<Instrument extends string> = {
  [Key in MetricKey]: (typeof catalogue)[Key]['instrument'] extends Instrument ? Key : never
}[MetricKey]
/** Metrics that are recorded as it happens. */
export type CounterKey = KeyOf<'counter'>
export type HistogramKey = KeyOf<'histogram'>
/** Metrics whose value is read when somebody looks. */
type ObservedKey = KeyOf<'counter' | 'updowncounter' | 'gauge'>

/** Tells a value that stands so at the moment. Values of the same series are added up. */
export type Report = (key: ObservedKey, value: number, ...values: AttributeValues) => void

/** The instruments of one process: what is counted here, and what is read when somebody looks. */
export class Meter {
  readonly #counters = new Map<CounterKey, SeriesTable<Counter>>()
  readonly #histograms = new Map<HistogramKey, SeriesTable<Histogram>>()
  readonly #readers = new Set<(report: Report) => void>()

  /** One series of a counter. */
  counter(key: CounterKey, ...values: AttributeValues): Counter {
    let table = this.#counters.get(key)
    if (table === undefined) {
      table = new SeriesTable(definitions[key].attributes.length, () => new Counter())
      this.#counters.set(key, table)
    }
    return table.of(values)
  }

  /** One series of a histogram. */
  histogram(key: HistogramKey, ...values: AttributeValues): Histogram {
    let table = this.#histograms.get(key)
    if (table === undefined) {
      const { attributes, buckets = [] } = definitions[key]
      table = new SeriesTable(attributes.length, () => new Histogram(buckets))
      this.#histograms.set(key, table)
    }
    return table.of(values)
  }

  /** Asks from now on each time somebody looks. @returns a function that stops it */
  observe(read: (report: Report) => void): () => void {
    this.#readers.add(read)
    return () => void this.#readers.delete(read)
  }

  snapshot(): MetricsSnapshot {
    const observed = new Map<MetricKey, Map<string, SeriesSnapshot>>()
    const report: Report = (key, value, ...values) => {
      let series = observed.get(key)
      if (series === undefined) {
        series = new Map()
        observed.set(key, series)
      }
      const name = JSON.stringify(values)
      const before = Number(series.get(name)?.value ?? 0)
      series.set(name, { values, value: before + value })
    }
    for (const read of this.#readers) read(report)
    const snapshot: Partial<Record<MetricKey, readonly SeriesSnapshot[]>> = {}
    for (const [key, table] of this.#counters) snapshot[key] = table.snapshot
    for (const [key, table] of this.#histograms) snapshot[key] = table.snapshot
    for (const [key, series] of observed) snapshot[key] = [...series.values()]
    return snapshot
  }
}
