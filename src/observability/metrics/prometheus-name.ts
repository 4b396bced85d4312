import type { MetricDefinition } from './definition.ts'

/** Units as names of Prometheus end in them (OpenTelemetry, compatibility with Prometheus). */
const unitSuffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' }

/** What a metric is called in Prometheus, without `_total`, `_bucket` and the like. */
export function familyName({ name, unit, instrument }: MetricDefinition): string {
  const plain = plainName(name)
  if (unit === '1') return instrument === 'gauge' ? `${plain}_ratio` : plain
  return `${plain}${unitSuffixes[unit] ?? ''}`
}

/** What an attribute is called in Prometheus. */
export function plainName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_')
}

/** The names under which the samples of a metric are found. */
export function sampleNames(definition: MetricDefinition): string[] {
  const family = familyName(definition)
  switch (definition.instrument) {
    case 'counter':
      return [`${family}_total`]
    case 'histogram':
      return [`${family}_bucket`, `${family}_count`, `${family}_sum`]
    default:
      return [family]
  }
}
