/** Dashboards of Grafana, as code: a panel names metrics by their key in the catalogue, and so none that there is not. */
import { definitions, type MetricKey } from '../src/observability/metrics/catalogue.ts'
import { familyName, plainName, sampleNames } from '../src/observability/metrics/prometheus-name.ts'

interface Query {
  readonly expression: string
  readonly legend: string
}
interface Panel {
  readonly title: string
  readonly description: string
  readonly unit: string
  readonly queries: readonly Query[]
}

/** Series of the nodes that are chosen above. */
const chosen = 'job=~"$job", instance=~"$instance"'

/** How it stands. */
function now(key: MetricKey, by: readonly string[] = ['instance']): Query {
  const [name = ''] = sampleNames(definitions[key])
  return { expression: `sum by (${labels(by)}) (${name}{${chosen}})`, legend: legend(by) }
}

/** How often a second. */
function rate(key: MetricKey, by: readonly string[] = ['instance'], only = ''): Query {
  const { instrument } = definitions[key]
  const name =
    instrument === 'histogram'
      ? `${familyName(definitions[key])}_count`
      : sampleNames(definitions[key])[0]
  const selector = only === '' ? chosen : `${chosen}, ${only}`
  return {
    expression: `sum by (${labels(by)}) (rate(${name}{${selector}}[$__rate_interval]))`,
    legend: legend(by),
  }
}

function quantile(key: MetricKey, share: number, by: readonly string[] = []): Query {
  const name = `${familyName(definitions[key])}_bucket`
  return {
    expression: `histogram_quantile(${share}, sum by (${labels([...by, 'le'])}) (rate(${name}{${chosen}}[$__rate_interval])))`,
    legend: `p${share * 100} ${legend(by)}`.trim(),
  }
}

function labels(by: readonly string[]): string {
  return by.map(plainName).join(', ')
}

function legend(by: readonly string[]): string {
  return by.map((name) => `{{${plainName(name)}}}`).join(' ')
}

const method = 'mcp.method.name'
const failed = `${plainName('error.type')}!=""`

const boards: Readonly<
  Record<string, { readonly title: string; readonly panels: readonly Panel[] }>
> = {
  overview: {
    title: 'tsmcp: overview',
    panels: [
      panel('Requests', 'Requests and notifications a second.', 'reqps', [
        rate('serverOperationDuration'),
      ]),
      panel('Duration', 'Of all requests together.', 's', [
        quantile('serverOperationDuration', 0.5),
        quantile('serverOperationDuration', 0.95),
        quantile('serverOperationDuration', 0.99),
      ]),
      panel('Errors', 'By what they ended in.', 'reqps', [
        rate('serverOperationDuration', ['error.type'], failed),
        rate('refusals', ['error.type']),
      ]),
      panel('Connections', 'An alert fires beyond 45,000 a node.', 'short', [now('connections')]),
      panel('Queue', 'Requests that wait. An alert fires beyond 10,000.', 'short', [
        now('queueDepth'),
      ]),
      panel('Memory', 'Of all processes of a node, and what they may use.', 'bytes', [
        now('memoryUsage'),
        now('memoryLimit'),
      ]),
      panel('Event loop', 'The highest of a node’s processes.', 's', [
        now('eventLoopDelayMedian'),
        now('eventLoopDelayHigh'),
        now('eventLoopDelayMax'),
      ]),
      panel('Processor', 'Seconds a second.', 'short', [rate('cpuTime', ['instance', 'cpu.mode'])]),
    ],
  },
  protocol: {
    title: 'tsmcp: protocol',
    panels: [
      panel('Requests by method', 'Requests and notifications a second.', 'reqps', [
        rate('serverOperationDuration', [method]),
      ]),
      panel('Requests by revision', 'Which revisions clients speak.', 'reqps', [
        rate('serverOperationDuration', ['mcp.protocol.version']),
      ]),
      panel('Tools', 'Calls a second.', 'reqps', [
        rate(
          'serverOperationDuration',
          ['gen_ai.tool.name'],
          `${plainName('gen_ai.tool.name')}!=""`,
        ),
      ]),
      panel('Duration by method', '95th percentile.', 's', [
        quantile('serverOperationDuration', 0.95, [method]),
      ]),
      panel('Duration by tool', '95th percentile.', 's', [
        quantile('serverOperationDuration', 0.95, ['gen_ai.tool.name']),
      ]),
      panel('Registry', 'Operations a second.', 'ops', [
        rate('registryOperations', ['tsmcp.registry.operation']),
      ]),
      panel('Registry, duration', '95th percentile. An alert fires beyond 1 ms.', 's', [
        quantile('registryOperationDuration', 0.95, ['tsmcp.registry.operation']),
      ]),
    ],
  },
  sessions: {
    title: 'tsmcp: sessions and streams',
    panels: [
      panel('Sessions', 'In memory, by whether their client listens.', 'short', [
        now('sessions', ['instance', 'tsmcp.session.state']),
      ]),
      panel('Sessions in the data folder', 'In memory or not.', 'short', [now('sessionsStored')]),
      panel('Opened', 'Sessions a second.', 'short', [
        rate('sessionsOpened', ['mcp.protocol.version']),
      ]),
      panel('Ended', 'Sessions a second, by why.', 'short', [
        rate('sessionsEnded', ['tsmcp.session.end']),
      ]),
      panel('Duration', 'Of sessions that have ended.', 's', [
        quantile('serverSessionDuration', 0.5),
      ]),
      panel('Streams', 'Event streams that are open.', 'short', [now('streams')]),
    ],
  },
  upstreams: {
    title: 'tsmcp: upstreams',
    panels: [
      panel('Upstreams', 'By how they are.', 'short', [now('upstreams', ['tsmcp.upstream.state'])]),
      panel('Restarts', 'After failures, a second.', 'short', [
        rate('upstreamRestarts', ['tsmcp.upstream.name']),
      ]),
      panel('Requests', 'Not answered yet.', 'short', [
        now('upstreamRequests', ['tsmcp.upstream.name']),
      ]),
    ],
  },
  security: {
    title: 'tsmcp: security',
    panels: [
      panel('Who was let in', 'Decisions a second.', 'short', [
        rate('authenticationDecisions', ['tsmcp.authentication.outcome']),
      ]),
      panel('Refused', 'Before it was a request, a second.', 'short', [
        rate('refusals', ['error.type']),
      ]),
      panel('Limits', 'Refusals by limits, a second.', 'short', [
        rate('limitRefusals', ['error.type']),
      ]),
      panel('Connections refused', 'One too many, a second.', 'short', [
        rate('connectionsRefused'),
      ]),
      panel('Log', 'Records a second, by level.', 'short', [
        rate('logRecords', ['tsmcp.log.level']),
      ]),
    ],
  },
}

function panel(title: string, description: string, unit: string, queries: readonly Query[]): Panel {
  return { title, description, unit, queries }
}

/** The dashboards as Grafana imports them, by the names of their files. */
export function dashboards(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(boards).map(([name, { title, panels }]) => [
      `tsmcp-${name}`,
      board(name, title, panels),
    ]),
  )
}

function board(name: string, title: string, panels: readonly Panel[]): object {
  const datasource = { type: 'prometheus', uid: '$datasource' }
  return {
    uid: `tsmcp-${name}`,
    title,
    tags: ['tsmcp', 'mcp'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        variable('job', `label_values(${plainName(definitions.workers.name)}, job)`),
        variable(
          'instance',
          `label_values(${plainName(definitions.workers.name)}{job=~"$job"}, instance)`,
        ),
      ],
    },
    panels: panels.map(({ title: panelTitle, description, unit, queries }, index) => ({
      id: index + 1,
      type: 'timeseries',
      title: panelTitle,
      description,
      datasource,
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
      targets: queries.map(({ expression, legend: legendFormat }, at) => ({
        refId: String.fromCharCode(65 + at),
        datasource,
        expr: expression,
        legendFormat,
      })),
    })),
  }
}

function variable(name: string, query: string): object {
  return {
    name,
    type: 'query',
    datasource: { type: 'prometheus', uid: '$datasource' },
    query: { query, refId: name },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  }
}
