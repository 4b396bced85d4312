import type { MetricDefinition } from './definition.ts'

/** Of all durations of MCP (semantic conventions for Model Context Protocol, metrics). */
const mcpBuckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] as const
/** Of a registry, where a microsecond is long; 1 ms, which an alert is about, is a bound. */
const registryBuckets = [
  0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01,
  0.1,
] as const

const network = ['network.transport', 'network.protocol.name', 'network.protocol.version'] as const
const operation = [
  'mcp.method.name',
  'error.type',
  'gen_ai.tool.name',
  'gen_ai.prompt.name',
  'gen_ai.operation.name',
  'rpc.response.status_code',
  'mcp.protocol.version',
  ...network,
] as const
const session = ['mcp.protocol.version', 'error.type', ...network] as const
const server = ['server.address', 'server.port'] as const

const mcp = { source: 'MCP', stability: 'development', ofWorkers: 'sum' } as const
const own = { source: 'tsmcp', stability: 'stable', ofWorkers: 'sum' } as const
const node = { source: 'Node.js', stability: 'development', attributes: [] } as const
const duration = { instrument: 'histogram', unit: 's' } as const

/**
 * Every metric that there is. Instruments, exposition, reference, alerts and dashboards are made from it or checked
 * against it, so that none names what does not exist.
 */
export const catalogue = {
  serverOperationDuration: {
    ...mcp,
    ...duration,
    name: 'mcp.server.operation.duration',
    description: 'Duration of a request or notification, from its arrival to its answer.',
    attributes: operation,
    buckets: mcpBuckets,
  },
  serverSessionDuration: {
    ...mcp,
    ...duration,
    name: 'mcp.server.session.duration',
    description: 'Duration of a session as the server sees it.',
    attributes: session,
    buckets: mcpBuckets,
  },
  clientOperationDuration: {
    ...mcp,
    ...duration,
    name: 'mcp.client.operation.duration',
    description: 'Duration of a request or notification, from its sending to its answer.',
    attributes: [...operation, ...server],
    buckets: mcpBuckets,
  },
  clientSessionDuration: {
    ...mcp,
    ...duration,
    name: 'mcp.client.session.duration',
    description: 'Duration of a session as the client sees it.',
    attributes: [...session, ...server],
    buckets: mcpBuckets,
  },
  registryOperations: {
    ...own,
    name: 'tsmcp.registry.operations',
    instrument: 'counter',
    unit: '{operation}',
    description: 'Operations of the registry of names.',
    attributes: ['tsmcp.registry.operation'],
  },
  registryOperationDuration: {
    ...own,
    ...duration,
    name: 'tsmcp.registry.operation.duration',
    description: 'Duration of an operation of the registry; one in 64 is measured.',
    attributes: ['tsmcp.registry.operation'],
    buckets: registryBuckets,
  },
  queueDepth: {
    ...own,
    name: 'tsmcp.queue.depth',
    instrument: 'updowncounter',
    unit: '{request}',
    description: 'Requests that wait for their turn.',
    attributes: [],
  },
  queueRequests: {
    ...own,
    name: 'tsmcp.queue.requests',
    instrument: 'counter',
    unit: '{request}',
    description: 'Requests that have waited, by what became of them.',
    attributes: ['tsmcp.queue.outcome'],
  },
  requestsRunning: {
    ...own,
    name: 'tsmcp.requests.running',
    instrument: 'updowncounter',
    unit: '{request}',
    description: 'Requests that are not answered yet: they run, or wait for their turn.',
    attributes: [],
  },
  connections: {
    ...own,
    name: 'tsmcp.connections',
    instrument: 'updowncounter',
    unit: '{connection}',
    description: 'Connections that are open, over all transports.',
    attributes: [],
  },
  connectionsRefused: {
    ...own,
    name: 'tsmcp.connections.refused',
    instrument: 'counter',
    unit: '{connection}',
    description: 'Connections that were one too many.',
    attributes: [],
  },
  sessions: {
    ...own,
    name: 'tsmcp.sessions',
    instrument: 'updowncounter',
    unit: '{session}',
    description: 'Sessions in memory, by whether their client listens.',
    attributes: ['tsmcp.session.state'],
  },
  sessionsStored: {
    ...own,
    name: 'tsmcp.sessions.stored',
    instrument: 'gauge',
    unit: '{session}',
    description: 'Sessions that there are in the data folder, in memory or not.',
    attributes: [],
    ofWorkers: 'max',
  },
  sessionsOpened: {
    ...own,
    name: 'tsmcp.sessions.opened',
    instrument: 'counter',
    unit: '{session}',
    description: 'Sessions that were opened.',
    attributes: ['mcp.protocol.version'],
  },
  sessionsEnded: {
    ...own,
    name: 'tsmcp.sessions.ended',
    instrument: 'counter',
    unit: '{session}',
    description: 'Sessions that have ended, by why.',
    attributes: ['tsmcp.session.end'],
  },
  streams: {
    ...own,
    name: 'tsmcp.streams',
    instrument: 'updowncounter',
    unit: '{stream}',
    description: 'Event streams that are open.',
    attributes: [],
  },
  upstreams: {
    ...own,
    name: 'tsmcp.upstreams',
    instrument: 'updowncounter',
    unit: '{upstream}',
    description: 'Upstream servers of a gateway, by how they are.',
    attributes: ['tsmcp.upstream.state'],
  },
  upstreamRestarts: {
    ...own,
    name: 'tsmcp.upstream.restarts',
    instrument: 'counter',
    unit: '{restart}',
    description: 'Starts of an upstream after failures.',
    attributes: ['tsmcp.upstream.name'],
  },
  upstreamRequests: {
    ...own,
    name: 'tsmcp.upstream.requests.running',
    instrument: 'updowncounter',
    unit: '{request}',
    description: 'Requests that an upstream has not answered yet.',
    attributes: ['tsmcp.upstream.name'],
  },
  authenticationDecisions: {
    ...own,
    name: 'tsmcp.authentication.decisions',
    instrument: 'counter',
    unit: '{decision}',
    description: 'What came of looking at who calls.',
    attributes: ['tsmcp.authentication.outcome'],
  },
  refusals: {
    ...own,
    name: 'tsmcp.refusals',
    instrument: 'counter',
    unit: '{refusal}',
    description: 'What was refused before it was a request of a method.',
    attributes: ['error.type', 'http.response.status_code'],
  },
  limitRefusals: {
    ...own,
    name: 'tsmcp.limit.refusals',
    instrument: 'counter',
    unit: '{refusal}',
    description: 'Refusals by a rate limit, a quota, or a limit of what may go on at a time.',
    attributes: ['error.type'],
  },
  logRecords: {
    ...own,
    name: 'tsmcp.log.records',
    instrument: 'counter',
    unit: '{record}',
    description: 'Log records that were written.',
    attributes: ['tsmcp.log.level'],
  },
  workers: {
    ...own,
    name: 'tsmcp.workers',
    instrument: 'gauge',
    unit: '{process}',
    description: 'Processes whose figures these are.',
    attributes: [],
    ofWorkers: 'max',
  },
  memoryUsage: {
    source: 'process',
    stability: 'development',
    name: 'process.memory.usage',
    instrument: 'updowncounter',
    unit: 'By',
    description: 'Physical memory in use.',
    attributes: [],
    ofWorkers: 'sum',
  },
  cpuTime: {
    source: 'process',
    stability: 'development',
    name: 'process.cpu.time',
    instrument: 'counter',
    unit: 's',
    description: 'Processor time used.',
    attributes: ['cpu.mode'],
    ofWorkers: 'sum',
  },
  memoryLimit: {
    ...own,
    name: 'tsmcp.memory.limit',
    instrument: 'gauge',
    unit: 'By',
    description:
      'Memory that all processes together may use: that of the control group, or of the machine.',
    attributes: [],
    ofWorkers: 'max',
  },
  heapUsed: {
    ...node,
    name: 'v8js.memory.heap.used',
    instrument: 'updowncounter',
    unit: 'By',
    description: 'Heap in use.',
    ofWorkers: 'sum',
  },
  heapLimit: {
    ...node,
    name: 'v8js.memory.heap.limit',
    instrument: 'updowncounter',
    unit: 'By',
    description: 'Heap that V8 may use.',
    ofWorkers: 'sum',
  },
  collectionDuration: {
    ...node,
    ...duration,
    name: 'v8js.gc.duration',
    description: 'Duration of a garbage collection.',
    attributes: ['v8js.gc.type'],
    buckets: [0.01, 0.1, 1, 10],
    ofWorkers: 'sum',
  },
  eventLoopDelayMedian: {
    ...node,
    name: 'nodejs.eventloop.delay.p50',
    instrument: 'gauge',
    unit: 's',
    description: 'Event loop delay, median of the last seconds; of several processes the highest.',
    ofWorkers: 'max',
  },
  eventLoopDelayHigh: {
    ...node,
    name: 'nodejs.eventloop.delay.p99',
    instrument: 'gauge',
    unit: 's',
    description:
      'Event loop delay, 99th percentile of the last seconds; of several processes the highest.',
    ofWorkers: 'max',
  },
  eventLoopDelayMax: {
    ...node,
    name: 'nodejs.eventloop.delay.max',
    instrument: 'gauge',
    unit: 's',
    description: 'Event loop delay, longest of the last seconds; of several processes the highest.',
    ofWorkers: 'max',
  },
  eventLoopUtilization: {
    ...node,
    name: 'nodejs.eventloop.utilization',
    instrument: 'gauge',
    unit: '1',
    description:
      'Share of time that the event loop was busy in the last seconds; of several processes the highest.',
    ofWorkers: 'max',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>

/** How the program calls a metric. */
export type MetricKey = keyof typeof catalogue

/** The same for whoever wants to look at each. */
export const definitions: Readonly<Record<MetricKey, MetricDefinition>> = catalogue
/** In the order of the catalogue. */
export const metricKeys = Object.keys(catalogue) as readonly MetricKey[]
