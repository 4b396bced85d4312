import type { Attributes, HrTime } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type {
  CollectionResult,
  DataPoint,
  DataPointType,
  Histogram,
  MetricData,
  MetricProducer,
} from '@opentelemetry/sdk-metrics'
import { definitions, type MetricKey, metricKeys } from '../metrics/catalogue.ts'
import type { MetricDefinition } from '../metrics/definition.ts'
import type { HistogramValue, MetricsSnapshot, SeriesSnapshot } from '../metrics/snapshot.ts'

/** What is needed of the SDK's own enumerations, which are loaded only where there is an exporter. */
interface SdkConstants {
  readonly sum: DataPointType.SUM
  readonly gauge: DataPointType.GAUGE
  readonly histogram: DataPointType.HISTOGRAM
  readonly cumulative: MetricData['aggregationTemporality']
  readonly double: MetricData['descriptor']['valueType']
}

export interface MetricProducerOptions {
  readonly constants: SdkConstants
  readonly resource: Resource
  readonly version: string
  /** The figures of all processes, as they are. */
  readonly collect: () => Promise<MetricsSnapshot>
}

/** Hands our figures to the exporters of OpenTelemetry. They are cumulative: counted since the start. */
export class SnapshotProducer implements MetricProducer {
  readonly #options: MetricProducerOptions
  readonly #startTime = hrTimeOf(Date.now())

  constructor(options: MetricProducerOptions) {
    this.#options = options
  }

  async collect(): Promise<CollectionResult> {
    const { collect, resource, version } = this.#options
    const snapshot = await collect()
    const endTime = hrTimeOf(Date.now())
    const metrics = metricKeys.flatMap((key) => {
      const series = snapshot[key]
      return series === undefined || series.length === 0 ? [] : [this.#data(key, series, endTime)]
    })
    const scopeMetrics = [{ scope: { name: 'tsmcp', version }, metrics }]
    return { resourceMetrics: { resource, scopeMetrics }, errors: [] }
  }

  #data(key: MetricKey, all: readonly SeriesSnapshot[], endTime: HrTime): MetricData {
    const definition: MetricDefinition = definitions[key]
    const { name, unit, description, instrument, buckets = [] } = definition
    const { constants } = this.#options
    const point = <Value>(series: SeriesSnapshot, value: Value): DataPoint<Value> => ({
      startTime: this.#startTime,
      endTime,
      attributes: attributesOf(definition, series),
      value,
    })
    const base = {
      descriptor: { name, unit, description, valueType: constants.double },
      aggregationTemporality: constants.cumulative,
    }
    if (instrument === 'histogram') {
      const dataPoints = all.flatMap((each) =>
        typeof each.value === 'object' ? [point(each, histogramOf(each.value, buckets))] : [],
      )
      return { ...base, dataPointType: constants.histogram, dataPoints }
    }
    const dataPoints = all.map((each) => point(each, Number(each.value)))
    if (instrument === 'gauge') return { ...base, dataPointType: constants.gauge, dataPoints }
    const isMonotonic = instrument === 'counter'
    return { ...base, dataPointType: constants.sum, isMonotonic, dataPoints }
  }
}

function histogramOf({ counts, sum }: HistogramValue, boundaries: readonly number[]): Histogram {
  return {
    buckets: { boundaries: [...boundaries], counts: [...counts] },
    sum,
    count: counts.reduce((total, count) => total + count, 0),
  }
}

function attributesOf(
  { attributes }: MetricDefinition,
  { values, isOverflow }: SeriesSnapshot,
): Attributes {
  if (isOverflow === true) return { 'otel.metric.overflow': true }
  const given: Attributes = {}
  attributes.forEach((name, index) => {
    const value = values[index] ?? null
    if (value !== null) given[name] = value
  })
  return given
}

function hrTimeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6]
}
