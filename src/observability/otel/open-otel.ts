import {
  context as contextApi,
  metrics as metricsApi,
  propagation,
  trace,
  ValueType,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import type { MetricsSnapshot } from '../metrics/snapshot.ts'
import type { Tracing } from '../tracing.ts'
import type { MetricSettings, Protocol, SamplerSettings, TraceSettings } from './environment.ts'
import { SnapshotProducer } from './metric-producer.ts'
import type { RootSampling } from './root-sampling.ts'
import { SpanTracing } from './span-tracing.ts'

/** Who sends. */
export interface OtelIdentity {
  /** Default of `service.name`; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are stronger. */
  readonly serviceName: string
  readonly serviceVersion: string
  /** Tells processes of one service apart. */
  readonly instanceId: string
  /** The version of tsmcp. */
  readonly version: string
}

/** Sends until it is closed. */
export interface MetricExport {
  /** Sends what there is, and stops. Never rejects. */
  close(): Promise<void>
}

/**
 * Starts to make spans and to send them. The provider becomes that of the whole process, so that what handlers trace with
 * `@opentelemetry/api` belongs to the span of their request.
 */
export async function openTracing(
  settings: TraceSettings,
  identity: OtelIdentity,
): Promise<Tracing> {
  const { TracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace')
  const exporter = await traceExporter(settings.protocol)
  const roots = await rootSamplingOf(settings.sampler)
  const provider = new TracerProvider({
    resource: resourceOf(identity),
    sampler: await samplerOf(settings.sampler),
    ...(roots && { idGenerator: roots }),
    spanLimits: settings.limits,
    spanProcessors: [new BatchSpanProcessor({ exporter, ...settings.batch })],
  })
  const contexts = new AsyncLocalStorageContextManager().enable()
  const propagator = new CompositePropagator({
    propagators: settings.propagators.map((name) =>
      name === 'tracecontext' ? new W3CTraceContextPropagator() : new W3CBaggagePropagator(),
    ),
  })
  trace.setGlobalTracerProvider(provider)
  contextApi.setGlobalContextManager(contexts)
  propagation.setGlobalPropagator(propagator)
  return new SpanTracing({
    tracer: provider.getTracer('tsmcp', identity.version),
    contexts,
    propagator,
    roots,
    close: () => provider.shutdown(),
  })
}

/** Starts to send metrics: ours, and those that handlers make with `@opentelemetry/api`. */
export async function openMetricExport(
  settings: MetricSettings,
  identity: OtelIdentity,
  collect: () => Promise<MetricsSnapshot>,
): Promise<MetricExport> {
  const sdk = await import('@opentelemetry/sdk-metrics')
  const resource = resourceOf(identity)
  const producer = new SnapshotProducer({
    constants: {
      sum: sdk.DataPointType.SUM,
      gauge: sdk.DataPointType.GAUGE,
      histogram: sdk.DataPointType.HISTOGRAM,
      cumulative: sdk.AggregationTemporality.CUMULATIVE,
      double: ValueType.DOUBLE,
    },
    resource,
    version: identity.version,
    collect,
  })
  const { exportIntervalMillis, exportTimeoutMillis } = settings
  const reader = new sdk.PeriodicExportingMetricReader({
    exporter: await metricExporter(settings.protocol),
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(exportTimeoutMillis, exportIntervalMillis),
    metricProducers: [producer],
  })
  const provider = new sdk.MeterProvider({ resource, readers: [reader] })
  metricsApi.setGlobalMeterProvider(provider)
  return { close: () => provider.shutdown().catch(() => {}) }
}

function resourceOf(identity: OtelIdentity): Resource {
  const own = resourceFromAttributes({
    'service.name': identity.serviceName,
    'service.version': identity.serviceVersion,
    'service.instance.id': identity.instanceId,
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
  })
  const given = detectResources({ detectors: [envDetector] })
  return defaultResource().merge(own).merge(given)
}

async function samplerOf({ root, isParentBased, ratio }: SamplerSettings) {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } =
    await import('@opentelemetry/sdk-trace')
  const samplers = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  }
  const own = samplers[root]()
  return isParentBased ? new ParentBasedSampler({ root: own }) : own
}

async function rootSamplingOf({ root, ratio }: SamplerSettings): Promise<RootSampling | undefined> {
  const share = { always_on: 1, always_off: 0, traceidratio: ratio }[root]
  if (share >= 1) return undefined
  const [{ TraceIdRatioBasedSampler }, { RootSampling }] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('./root-sampling.ts'),
  ])
  return new RootSampling(new TraceIdRatioBasedSampler(share), share)
}

async function traceExporter(protocol: Protocol) {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter()
}

async function metricExporter(protocol: Protocol) {
  const { OTLPMetricExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-metrics-otlp-http')
      : await import('@opentelemetry/exporter-metrics-otlp-proto')
  return new OTLPMetricExporter()
}
