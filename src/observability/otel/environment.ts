/** The environment variables that this reads are those of the OpenTelemetry specification. */
export type Environment = Readonly<Record<string, string | undefined>>

export type Protocol = 'http/protobuf' | 'http/json'
type Signal = 'TRACES' | 'METRICS'

/** How traces are sampled and sent; `OTEL_EXPORTER_OTLP_*` beside the protocol the exporters read themselves. */
export interface TraceSettings {
  readonly protocol: Protocol
  readonly sampler: SamplerSettings
  readonly propagators: readonly ('tracecontext' | 'baggage')[]
  readonly batch: {
    readonly scheduledDelayMillis: number
    readonly maxQueueSize: number
    readonly maxExportBatchSize: number
    readonly exportTimeoutMillis: number
  }
  readonly limits: {
    readonly attributeCountLimit: number
    readonly attributeValueLengthLimit: number
  }
}

export interface SamplerSettings {
  readonly root: 'always_on' | 'always_off' | 'traceidratio'
  readonly isParentBased: boolean
  /** Share of the traces that are sampled, for `traceidratio`. */
  readonly ratio: number
}

export interface MetricSettings {
  readonly protocol: Protocol
  readonly exportIntervalMillis: number
  readonly exportTimeoutMillis: number
}

/** What is to be sent; undefined for a signal that is not. */
export interface OtelSettings {
  readonly traces: TraceSettings | undefined
  readonly metrics: MetricSettings | undefined
}

const largestTimer = 2 ** 31 - 1

/**
 * Reads the standard variables.
 *
 * @throws TypeError that names the variable and what is allowed
 */
export function readOtelSettings(env: Environment): OtelSettings {
  if (isTrue(env.OTEL_SDK_DISABLED)) return { traces: undefined, metrics: undefined }
  return {
    traces: exports(env, 'TRACES') ? readTraceSettings(env) : undefined,
    metrics: exports(env, 'METRICS') ? readMetricSettings(env) : undefined,
  }
}

function readTraceSettings(env: Environment): TraceSettings {
  const maxQueueSize = integer(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 2048)
  const maxExportBatchSize = integer(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)
  return {
    protocol: protocolOf(env, 'TRACES'),
    sampler: readSampler(env),
    propagators: readPropagators(env),
    batch: {
      scheduledDelayMillis: integer(env, 'OTEL_BSP_SCHEDULE_DELAY', 5000),
      maxQueueSize,
      maxExportBatchSize: Math.min(maxExportBatchSize, maxQueueSize),
      exportTimeoutMillis: integer(env, 'OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    },
    limits: {
      attributeCountLimit: integer(
        env,
        'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
        integer(env, 'OTEL_ATTRIBUTE_COUNT_LIMIT', 128),
      ),
      attributeValueLengthLimit: integer(
        env,
        'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
        integer(env, 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', 4096),
      ),
    },
  }
}

function readMetricSettings(env: Environment): MetricSettings {
  const preference = env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE ?? ''
  if (!/^(?:cumulative)?$/i.test(preference)) {
    throw notAllowed('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', preference, 'cumulative')
  }
  return {
    protocol: protocolOf(env, 'METRICS'),
    exportIntervalMillis: integer(env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000),
    exportTimeoutMillis: integer(env, 'OTEL_METRIC_EXPORT_TIMEOUT', 30_000),
  }
}

function readSampler(env: Environment): SamplerSettings {
  const name = given(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
  const isParentBased = name.startsWith('parentbased_')
  const root = name.replace(/^parentbased_/, '')
  if (root !== 'always_on' && root !== 'always_off' && root !== 'traceidratio') {
    throw notAllowed(
      'OTEL_TRACES_SAMPLER',
      name,
      'always_on, always_off or traceidratio, or one of them after parentbased_',
    )
  }
  return { root, isParentBased, ratio: readRatio(env) }
}

function readRatio(env: Environment): number {
  const text = given(env, 'OTEL_TRACES_SAMPLER_ARG')
  if (text === undefined) return 1
  const ratio = Number(text)
  if (ratio >= 0 && ratio <= 1) return ratio
  throw notAllowed('OTEL_TRACES_SAMPLER_ARG', text, 'a number from 0 to 1')
}

function readPropagators(env: Environment): ('tracecontext' | 'baggage')[] {
  const text = given(env, 'OTEL_PROPAGATORS') ?? 'tracecontext,baggage'
  const names = text.split(',').map((name) => name.trim())
  if (names.length === 1 && names[0] === 'none') return []
  return names.map((name) => {
    if (name === 'tracecontext' || name === 'baggage') return name
    throw notAllowed('OTEL_PROPAGATORS', text, 'tracecontext and baggage, or none,')
  })
}

function exports(env: Environment, signal: Signal): boolean {
  const name = `OTEL_${signal}_EXPORTER`
  const exporter = given(env, name) ?? 'otlp'
  if (exporter === 'otlp') return true
  // `/metrics` of the admin listener is there with or without it.
  if (exporter === 'none' || (exporter === 'prometheus' && signal === 'METRICS')) return false
  throw notAllowed(name, exporter, 'otlp or none')
}

function protocolOf(env: Environment, signal: Signal): Protocol {
  const own = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`
  const name = given(env, own) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : own
  const protocol = given(env, name) ?? 'http/protobuf'
  if (protocol === 'http/protobuf' || protocol === 'http/json') return protocol
  throw notAllowed(name, protocol, 'http/protobuf or http/json')
}

function integer(env: Environment, name: string, fallback: number): number {
  const text = given(env, name)
  if (text === undefined) return fallback
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= largestTimer) return value
  throw notAllowed(name, text, 'a whole number from 1 on')
}

/** An empty variable is one that is not set (OpenTelemetry, environment variables). */
function given(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim()
  return text === '' ? undefined : text
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true'
}

function notAllowed(name: string, value: string, allowed: string): TypeError {
  return new TypeError(`${name} is '${value}', but only ${allowed} is allowed`)
}
