/**
 * What is made from the catalogue of metrics and the alerts: rules for Prometheus, a dashboard for Grafana, and the
 * reference. `node scripts/observability-files.ts` writes them anew; a test says when that is due.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { alertRules } from '../src/observability/alerts/rules.ts'
import { definitions, metricKeys } from '../src/observability/metrics/catalogue.ts'
import type { MetricDefinition } from '../src/observability/metrics/definition.ts'
import { familyName } from '../src/observability/metrics/prometheus-name.ts'
import { dashboards } from './dashboards.ts'

export const root = new URL('..', import.meta.url)

/** The content of each file, by its path in the repository. */
export function observabilityFiles(): Record<string, string> {
  const files: Record<string, string> = {
    'deploy/prometheus/tsmcp-alerts.yml': alertFile(),
    'docs/reference/metrics.md': reference(),
  }
  for (const [name, dashboard] of Object.entries(dashboards())) {
    files[`deploy/grafana/${name}.json`] = `${JSON.stringify(dashboard, undefined, 2)}\n`
  }
  return files
}

function alertFile(): string {
  const rules = alertRules.map(
    ({ name, severity, measure, threshold, forSeconds, summary, description }) => ({
      alert: name,
      expr: `${measure.expression} > ${threshold}`,
      for: `${forSeconds}s`,
      labels: { severity },
      annotations: { summary, description },
    }),
  )
  const head =
    '# Made from src/observability/alerts/rules.ts by `node scripts/observability-files.ts`; a change here is lost.\n'
  return head + stringify({ groups: [{ name: 'tsmcp', rules }] }, { lineWidth: 0 })
}

function reference(): string {
  const sections = [
    ['MCP', 'The semantic conventions for MCP'],
    ['tsmcp', "tsmcp's own"],
    ['Node.js', 'The semantic conventions for Node.js and V8'],
    ['process', 'The semantic conventions for processes'],
  ] as const
  const tables = sections.map(
    ([source, title]) =>
      `## ${title}\n\n${table(
        metricKeys.map((key) => definitions[key]),
        source,
      )}`,
  )
  const alerts = alertRules.map(
    ({ name, severity, summary, description }) =>
      `| \`${name}\` | ${severity} | ${summary} | ${description} |`,
  )
  return `# Metrics

What \`/metrics\` of the [admin listener](../how-to/watch.md) shows and \`--otel\` sends. The first name is that of OpenTelemetry,
the one below it that of Prometheus, without \`_total\`, \`_bucket\`, \`_count\` and \`_sum\`. Attributes are labels there, with \`_\` for
each dot. A metric has at most 2,000 series; what comes then is counted in one with \`otel.metric.overflow\`. Methods, tools and
prompts that there are not have no series of their own: the method is \`_OTHER\` then, and the name is left out.

With several workers, figures are added up, or are those of the worker where they are highest (max). "Stable" names change with a
major version only, "development" ones with the convention that they follow. The names of the client are kept for it; a server
does not fill them.

This page is made from the catalogue (\`src/observability/metrics/catalogue.ts\`).

${tables.join('\n\n')}

## Alerts

Evaluated by the node itself ([\`/alerts\`](../how-to/watch.md#alerts)) and, the same, by Prometheus
(\`deploy/prometheus/tsmcp-alerts.yml\`). The thresholds are those of the certification of erlmcp.

| Alert | Severity | When | What to do |
|---|---|---|---|
${alerts.join('\n')}
`
}

function table(all: readonly MetricDefinition[], source: MetricDefinition['source']): string {
  const rows = all
    .filter((definition) => definition.source === source)
    .map((definition) => {
      const { name, instrument, unit, description, attributes, buckets, ofWorkers } = definition
      const names = `\`${name}\`<br>\`${familyName(definition)}\``
      const marked = attributes.map((attribute) => `\`${attribute}\``).join(', ')
      const bounds = buckets === undefined ? '' : ` Buckets: ${buckets.join(', ')}.`
      const kind = `${instrument}, \`${unit}\`${ofWorkers === 'max' ? ', max' : ''}`
      return `| ${names} | ${kind} | ${description}${bounds} | ${marked} | ${definition.stability} |`
    })
  return [
    '| Name | Instrument, unit | Meaning | Attributes | Stability |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

if (import.meta.main) {
  for (const [path, content] of Object.entries(observabilityFiles())) {
    const file = fileURLToPath(new URL(path, root))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
}
