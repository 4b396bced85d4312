import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { RestartLimits } from '../../internal/restarts.ts'
import { type RevisionName, supportedVersions } from '../../protocol/revisions/index.ts'
import type { Variables } from './expand.ts'
import type { UpstreamConfig, UpstreamTarget } from './gateway-config.ts'
import type { JsonValue } from './json-value.ts'

/** Members of an entry that other hosts have and that mean nothing here, or are read elsewhere, are not looked at. */
const transports = ['stdio', 'http', 'streamable-http', 'streamableHttp', 'sse', 'ws'] as const

/** Where an upstream's own settings stand, so that other hosts can read the same file. */
export const ownSettings = [
  'prefix',
  'rename',
  'allow',
  'deny',
  'resources',
  'prompts',
  'start',
  'revisions',
  'idleStopMs',
  'isolation',
  'maxConnections',
  'limits',
  'callTimeoutMs',
  'startTimeoutMs',
  'probeIntervalMs',
  'probeTimeoutMs',
  'restarts',
  'quarantineMs',
] as const

const dayMs = 86_400_000

/**
 * Reads one entry of `mcpServers`.
 *
 * @param variables - new ones for each upstream: they collect its secrets
 * @returns undefined for one that is disabled
 * @throws GatewayFileError
 */
export function readUpstream(
  name: string,
  entry: JsonValue,
  variables: Variables,
  folder: string,
): UpstreamConfig | undefined {
  const members = entry.members()
  if (members.get('disabled')?.boolean() === true) return undefined
  const target = readTarget(entry, members, variables, folder)
  const own = members.get('tsmcp')?.members(ownSettings) ?? new Map<string, JsonValue>()
  const milliseconds = (setting: string, fallback: number): number =>
    own.get(setting)?.integer(1, dayMs) ?? fallback
  const isolation =
    own.get('isolation')?.oneOf(['shared', 'identity', 'session'] as const) ?? 'shared'
  const start = own.get('start')?.oneOf(['at-once', 'on-demand'] as const) ?? 'at-once'
  const stopsIdle = start === 'on-demand' || isolation !== 'shared'
  const limits = own.get('limits')
  if (limits !== undefined && target.kind !== 'command') limits.fail('is for commands only')
  return {
    name,
    target,
    prefix: readPrefix(name, own.get('prefix')),
    rename: readRename(own.get('rename')),
    allow: own.get('allow')?.items().map(readPattern),
    deny: own.get('deny')?.items().map(readPattern) ?? [],
    offers: {
      resources: own.get('resources')?.boolean() ?? true,
      prompts: own.get('prompts')?.boolean() ?? true,
    },
    start,
    revisions: own
      .get('revisions')
      ?.items()
      .map((each) => each.oneOf(supportedVersions as readonly RevisionName[])),
    idleStopMs: milliseconds('idleStopMs', stopsIdle ? 600_000 : Number.POSITIVE_INFINITY),
    isolation,
    maxConnections:
      own.get('maxConnections')?.integer(1, 10_000) ?? (isolation === 'shared' ? 1 : 32),
    limits: limits === undefined ? {} : readLimits(limits),
    callTimeoutMs: milliseconds('callTimeoutMs', Number.POSITIVE_INFINITY),
    startTimeoutMs: milliseconds('startTimeoutMs', 30_000),
    probeIntervalMs: milliseconds('probeIntervalMs', 30_000),
    probeTimeoutMs: milliseconds('probeTimeoutMs', 10_000),
    restarts: readRestarts(own.get('restarts')),
    quarantineMs: milliseconds('quarantineMs', 300_000),
    secrets: [...variables.secrets],
  }
}

function readTarget(
  entry: JsonValue,
  members: Map<string, JsonValue>,
  variables: Variables,
  folder: string,
): UpstreamTarget {
  const [command, url] = [members.get('command'), members.get('url')]
  const type = members.get('type')?.oneOf(transports)
  const document = members.get('openapi')
  if (document !== undefined) {
    if (command !== undefined) command.fail('does not go with an OpenAPI document')
    if (type !== undefined) members.get('type')?.fail('does not go with an OpenAPI document')
    return readOpenApiTarget(document, members, variables, folder)
  }
  if ((command === undefined) === (url === undefined)) {
    entry.fail('needs either a command or a url, or an openapi document')
  }
  if (command !== undefined) {
    if (type !== undefined && type !== 'stdio') members.get('type')?.fail('does not fit a command')
    const cwd = members.get('cwd')
    const word = variables.expand(command)
    if (word === '') command.fail('must not be empty')
    return {
      kind: 'command',
      command: word,
      args:
        members
          .get('args')
          ?.items()
          .map((each) => variables.expand(each)) ?? [],
      env: readRecord(members.get('env'), (name, value) => variables.expand(value, name)),
      cwd: cwd === undefined ? folder : resolve(folder, variables.expand(cwd)),
    }
  }
  return readUrl(url ?? entry, members, type, variables)
}

function readUrl(
  url: JsonValue,
  members: Map<string, JsonValue>,
  type: (typeof transports)[number] | undefined,
  variables: Variables,
): UpstreamTarget {
  const text = variables.expand(url)
  const protocol = URL.canParse(text) ? new URL(text).protocol : ''
  const isWebSocket = protocol === 'ws:' || protocol === 'wss:'
  if (!isWebSocket && protocol !== 'http:' && protocol !== 'https:') {
    url.fail('must be a URL of http, https, ws or wss')
  }
  if (type === 'stdio') members.get('type')?.fail('does not fit a url')
  if (type !== undefined && (type === 'ws') !== isWebSocket) {
    members.get('type')?.fail(`does not fit a url of ${protocol.slice(0, -1)}`)
  }
  const isHttp = type === 'http' || type === 'streamable-http' || type === 'streamableHttp'
  return {
    kind: 'url',
    url: text,
    headers: readHeaders(members.get('headers'), variables),
    transport: type === 'sse' ? 'sse' : isHttp ? 'http' : undefined,
  }
}

function readOpenApiTarget(
  document: JsonValue,
  members: Map<string, JsonValue>,
  variables: Variables,
  folder: string,
): UpstreamTarget {
  const url = members.get('url')
  const at = url === undefined ? undefined : variables.expand(url)
  if (at !== undefined && (!/^https?:/i.test(at) || !URL.canParse(at))) {
    url?.fail('must be a URL of http or https')
  }
  const path = resolve(folder, variables.expand(document))
  return {
    kind: 'openapi',
    document: path,
    digest: digestOf(path) ?? document.fail('cannot be read'),
    url: at,
    headers: readHeaders(members.get('headers'), variables),
  }
}

/** A hash of what a file says; undefined when it cannot be read. */
function digestOf(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    return undefined
  }
}

function readHeaders(value: JsonValue | undefined, variables: Variables): Record<string, string> {
  return readRecord(value, (name, each) => {
    const header = variables.expand(each, name, true)
    // What Node would refuse later, without saying where it stands.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(header)) each.fail('cannot be the value of a header')
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) each.fail('has no name of a header')
    return header
  })
}

function readRecord(
  value: JsonValue | undefined,
  read: (name: string, value: JsonValue) => string,
): Record<string, string> {
  if (value === undefined) return {}
  return Object.fromEntries([...value.members()].map(([name, each]) => [name, read(name, each)]))
}

const goodName = /^[A-Za-z0-9_.\-/]*$/

/** `github__` for the upstream `github`; what may not stand in the name of a tool becomes an underscore. */
function readPrefix(name: string, value: JsonValue | undefined): string {
  if (value === undefined) return `${name.replace(/[^A-Za-z0-9_.-]/g, '_')}__`
  const prefix = value.string()
  if (!goodName.test(prefix) || prefix.length > 64) {
    value.fail('must have at most 64 characters, of A-Z a-z 0-9 _ - . / only')
  }
  return prefix
}

function readRename(value: JsonValue | undefined): Map<string, string> {
  const names = new Map<string, string>()
  for (const [from, to] of value?.members() ?? []) {
    const name = to.string()
    if (name === '' || !goodName.test(name) || name.length > 128) {
      to.fail('must have 1 to 128 characters, of A-Z a-z 0-9 _ - . / only')
    }
    names.set(from, name)
  }
  return names
}

function readPattern(value: JsonValue): string {
  const pattern = value.string()
  if (pattern === '') value.fail('must not be empty')
  return pattern
}

function readLimits(value: JsonValue) {
  const members = value.members(['memoryMb', 'cpuSeconds', 'openFiles'])
  const memoryMb = members.get('memoryMb')?.integer(16, 1_048_576)
  const cpuSeconds = members.get('cpuSeconds')?.integer(1)
  const openFiles = members.get('openFiles')?.integer(16, 1_048_576)
  return {
    ...(memoryMb !== undefined && { memoryMb }),
    ...(cpuSeconds !== undefined && { cpuSeconds }),
    ...(openFiles !== undefined && { openFiles }),
  }
}

function readRestarts(value: JsonValue | undefined): RestartLimits {
  const members = value?.members(['max', 'withinMs', 'firstDelayMs', 'maxDelayMs'])
  return {
    max: members?.get('max')?.integer(1, 1000) ?? 10,
    withinMs: members?.get('withinMs')?.integer(1, dayMs) ?? 60_000,
    firstDelayMs: members?.get('firstDelayMs')?.integer(1, dayMs) ?? 100,
    maxDelayMs: members?.get('maxDelayMs')?.integer(1, dayMs) ?? 10_000,
  }
}
