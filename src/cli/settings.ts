import { Option } from 'commander'
import { clientAddressThrough } from '../transports/http/client-address.ts'
import { accessSettings } from './access-settings.ts'
import { usageError } from './cli-error.ts'
import { nearestName } from './nearest-name.ts'
import { filePath, type Setting, text, textList, toggle, wholeNumber } from './setting.ts'
import { telemetrySettings } from './telemetry-settings.ts'

const largestTimer = 2 ** 31 - 1

const addressPattern = /^(?:[^\s/]*:)?\d{1,5}$/
const addressForm = 'a port such as :9090, or an address such as 0.0.0.0:9090'

/** What `tsmcp serve` can be told. */
export const serveSettings = {
  port: wholeNumber({
    flag: '--port',
    variables: ['PORT'],
    about: 'port to listen on; 0 takes any free one',
    default: 8080,
    min: 0,
    max: 65_535,
  }),
  host: text({
    flag: '--host',
    placeholder: '<name>',
    variables: ['HOST'],
    about: 'address to listen on; 0.0.0.0 or :: lets other machines in',
    default: '127.0.0.1',
    pattern: /^[^\s/]+$/,
    allowed: 'a host name or an IP address',
  }),
  http: text({
    flag: '--http',
    placeholder: '<[host]:port>',
    variables: ['HTTP'],
    about: 'the same as --host and --port in one word',
    default: '',
    pattern: addressPattern,
    allowed: addressForm,
  }),
  webSocketPath: text({
    flag: '--ws',
    placeholder: '<path>',
    variables: ['WS'],
    about: 'accept WebSockets at this path, too',
    default: '',
    pattern: /^\/[\w\-./]*$/,
    allowed: 'a path such as /ws',
  }),
  legacySse: toggle({
    flag: '--sse',
    variables: ['SSE'],
    about: 'serve clients of 2024-11-05 at /sse, too (HTTP with SSE, deprecated)',
  }),
  tcp: text({
    flag: '--tcp',
    placeholder: '<[host]:port>',
    variables: ['TCP'],
    about: 'speak over TCP, too: one message a line',
    default: '',
    pattern: addressPattern,
    allowed: addressForm,
  }),
  stdio: toggle({
    flag: '--stdio',
    variables: ['STDIO'],
    about: 'speak over stdin and stdout instead of HTTP',
  }),
  watch: toggle({
    flag: '--watch',
    variables: ['WATCH'],
    about: 'reload when the file, or a file it imports, changes',
  }),
  workers: wholeNumber({
    flag: '--workers',
    variables: ['WORKERS'],
    about: 'processes that serve side by side on the same port, for machines with several cores',
    default: 1,
    min: 1,
    max: 256,
  }),
  drainMs: wholeNumber({
    flag: '--drain-ms',
    variables: ['DRAIN_MS'],
    about: 'how long calls in flight may take to finish after SIGTERM or SIGINT, in milliseconds',
    default: 10_000,
    min: 0,
    max: largestTimer,
  }),
  allowedHosts: textList({
    flag: '--allowed-host',
    placeholder: '<name>',
    variables: ['ALLOWED_HOSTS'],
    about: 'name that the Host header may carry (protection from DNS rebinding)',
    defaultText: 'localhost, 127.0.0.1 and [::1]; any name when --host is not loopback',
    allowed: 'a host name such as mcp.example.com, or * for any,',
    isAllowed: (part) => part === '*' || /^[^\s/*]+$/.test(part),
  }),
  allowedOrigins: textList({
    flag: '--allowed-origin',
    placeholder: '<origin>',
    variables: ['ALLOWED_ORIGINS'],
    about: 'origin of web pages that may call the server',
    defaultText: 'loopback origins',
    allowed: 'an origin such as https://app.example.com, or * for any,',
    isAllowed: (part) => part === '*' || isOrigin(part),
  }),
  maxBodyBytes: wholeNumber({
    flag: '--max-body-bytes',
    variables: ['MAX_BODY_BYTES'],
    about: 'largest request body, in bytes',
    default: 4 * 1024 * 1024,
    min: 1,
    max: 2 ** 30,
  }),
  data: text({
    flag: '--data',
    placeholder: '<folder>',
    variables: ['DATA'],
    about: 'keep sessions, their events and tasks in this folder, so that a restart loses none',
    default: '',
    pattern: /^[^\0]+$/,
    allowed: 'a folder',
  }),
  dataSurvives: text({
    flag: '--data-survives',
    placeholder: '<loss>',
    variables: ['DATA_SURVIVES'],
    about: 'what the data outlives: the death of the process, or also the loss of power (slower)',
    default: 'process',
    pattern: /^(?:process|power)$/,
    allowed: 'process or power',
  }),
  sessionIdleMs: wholeNumber({
    flag: '--session-idle-ms',
    variables: ['SESSION_IDLE_MS'],
    about: 'a session that is silent this long is ended, in milliseconds',
    default: 1_800_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  sessionMaxAgeMs: wholeNumber({
    flag: '--session-max-age-ms',
    variables: ['SESSION_MAX_AGE_MS'],
    about: 'a session is ended at this age, whatever it does, in milliseconds',
    default: 604_800_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  pingIntervalMs: wholeNumber({
    flag: '--ping-interval-ms',
    variables: ['PING_INTERVAL_MS'],
    about:
      'a client that listens is pinged after so long a silence, at least 1000 milliseconds; 0 for never',
    default: 0,
    min: 0,
    max: largestTimer,
  }),
  maxSessions: wholeNumber({
    flag: '--max-sessions',
    variables: ['MAX_SESSIONS'],
    about: 'most sessions at once; further clients are told to come back later',
    default: 100_000,
    min: 1,
    max: 10_000_000,
  }),
  maxSessionsPerPrincipal: wholeNumber({
    flag: '--max-sessions-per-principal',
    variables: ['MAX_SESSIONS_PER_PRINCIPAL'],
    about: 'most sessions that one authenticated principal may have at once',
    default: 10_000,
    min: 1,
    max: 10_000_000,
  }),
  maxConnections: wholeNumber({
    flag: '--max-connections',
    variables: ['MAX_CONNECTIONS'],
    about: 'most open connections at once, over HTTP, WebSocket and TCP together; others get 503',
    default: 100_000,
    min: 1,
    max: 10_000_000,
  }),
  maxRunning: wholeNumber({
    flag: '--max-running',
    variables: ['MAX_RUNNING'],
    about: 'most requests that run at once; others wait for their turn, fairly among clients',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  maxWaiting: wholeNumber({
    flag: '--max-waiting',
    variables: ['MAX_WAITING'],
    about: 'most requests that wait for their turn; others get 503',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  maxWaitMs: wholeNumber({
    flag: '--max-wait-ms',
    variables: ['MAX_WAIT_MS'],
    about: 'how long a request may wait for its turn before it gets 503, in milliseconds',
    default: 10_000,
    min: 1,
    max: largestTimer,
  }),
  maxLagMs: wholeNumber({
    flag: '--max-lag-ms',
    variables: ['MAX_LAG_MS'],
    about: 'new work gets 503 while the event loop lags so much, in milliseconds; 0: never',
    default: 1000,
    min: 0,
    max: largestTimer,
  }),
  maxMemoryMb: wholeNumber({
    flag: '--max-memory-mb',
    variables: ['MAX_MEMORY_MB'],
    about: 'new work gets 503 while the process takes so much memory, in MiB; 0: never',
    default: 0,
    min: 0,
    max: 2 ** 24,
  }),
  profile: text({
    flag: '--profile',
    placeholder: '<profile>',
    variables: ['PROFILE'],
    about: 'production refuses to start with what must not be in production',
    default: 'development',
    pattern: /^(?:development|dev|test|production|prod)$/i,
    allowed: 'development or production',
  }),
  apiKeys: filePath({
    flag: '--api-keys',
    variables: ['API_KEYS'],
    about: 'let only callers in that bring a key of this file (tsmcp keys)',
  }),
  policy: filePath({
    flag: '--policy',
    variables: ['POLICY'],
    about: 'who may do what, and how much of it (YAML, JSON or .cedar); followed as it changes',
  }),
  quotas: filePath({
    flag: '--quotas',
    variables: ['QUOTAS'],
    about: 'keep what was used of quotas in this file over a restart',
  }),
  audit: filePath({
    flag: '--audit',
    variables: ['AUDIT'],
    about: 'record all that is done in this folder (tsmcp audit)',
  }),
  auditKey: filePath({
    flag: '--audit-key',
    variables: ['AUDIT_KEY'],
    about: 'private key (Ed25519, PEM) that signs the log; made if need be',
    defaultText: 'audit-key.pem beside the folder of the log',
  }),
  auditRetentionDays: wholeNumber({
    flag: '--audit-retention-days',
    variables: ['AUDIT_RETENTION_DAYS'],
    about: 'days after which a file of the log is removed',
    default: 30,
    min: 1,
    max: 36_500,
  }),
  auditOnFull: text({
    flag: '--audit-on-full',
    placeholder: '<what>',
    variables: ['AUDIT_ON_FULL'],
    about:
      'what to do when the log cannot be written: refuse requests, or continue and record the gap',
    default: 'refuse',
    pattern: /^(?:refuse|continue)$/,
    allowed: 'refuse or continue',
  }),
  trustedProxies: textList({
    flag: '--trusted-proxy',
    placeholder: '<address>',
    variables: ['TRUSTED_PROXIES'],
    about: 'proxy whose word on the address of the client is taken',
    defaultText: 'none',
    allowed: 'an address, a network such as 10.0.0.0/8, or loopback,',
    isAllowed: (part) => part === 'loopback' || isNetwork(part),
  }),
  ...accessSettings,
  ...telemetrySettings,
} as const

/** Secrets, which are read from TSMCP_NAME, the file that TSMCP_NAME_FILE names, or a credential of systemd. */
export const secretVariables = [
  {
    name: 'STATE_SECRET',
    about: 'signs the state of `input_required` rounds, at least 16 bytes; the same on all nodes',
  },
  {
    name: 'AUTH_CLIENT_SECRET',
    about: 'belongs to `--auth-client-id`; `--auth-client-secret-file` is the same as its file',
  },
] as const

/** What `tsmcp call` and `tsmcp list` can be told about the connection. */
export const clientSettings = {
  timeoutMs: wholeNumber({
    flag: '--timeout-ms',
    variables: ['TIMEOUT_MS'],
    about: 'how long to wait for an answer, or for the next sign of progress, in milliseconds',
    default: 300_000,
    min: 1,
    max: largestTimer,
  }),
} as const

/** What every command can be told. */
export const commonSettings = {
  json: toggle({
    flag: '--json',
    variables: ['JSON'],
    about: 'print JSON for programs instead of text for people',
  }),
  verbose: toggle({
    flag: '--verbose',
    variables: ['VERBOSE'],
    about: 'show the stack of an error, and for call log messages of every level',
  }),
} as const

/** Variables of erlmcp's own deployment guide that this version knows of and does not act on. */
export const unusedVariables = [
  {
    name: 'CHAOS_ENABLED',
    inert: /^(false|0|no|off)$/i,
    about: 'fault injection is not part of this version',
  },
  { name: 'OTP_VERSION', inert: /^/, about: 'names an Erlang release, which has no meaning here' },
] as const

type AnySetting = Setting<number> | Setting<string> | Setting<boolean> | Setting<readonly string[]>

/** Settings by the name that the program knows them by. */
export type SettingTable = Readonly<Record<string, AnySetting>>

/** The values that a table of settings resolves to. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never
}

/** The resolved settings of `serve`. */
export type ServeValues = ValuesOf<typeof serveSettings>

/** Where settings come from: what commander parsed, and the environment. */
export interface SettingSources {
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The environment variables of a setting, strongest first: TSMCP_* before ERLMCP_*. */
export function variableNames(setting: Pick<AnySetting, 'variables'>): string[] {
  return ['TSMCP_', 'ERLMCP_'].flatMap((prefix) => setting.variables.map((name) => prefix + name))
}

/** Flag beats TSMCP_* beats ERLMCP_* beats the default. Throws a usage error at a value that is not allowed. */
export function resolveSettings<Table extends SettingTable>(
  table: Table,
  sources: SettingSources,
): ValuesOf<Table> {
  const values = Object.entries(table).map(([name, setting]) => [
    name,
    resolveOne(setting, sources),
  ])
  return Object.fromEntries(values) as ValuesOf<Table>
}

function resolveOne(setting: AnySetting, { flags, env }: SettingSources): unknown {
  const given = flags[commanderOption(setting).attributeName()]
  if (given === true) return true
  if (Array.isArray(given))
    return given.flatMap((part) => parsed(setting, setting.flag, String(part)))
  if (given !== undefined) return parsed(setting, setting.flag, String(given))
  for (const name of variableNames(setting)) {
    const value = env[name]
    if (value !== undefined && value !== '') return parsed(setting, name, value)
  }
  return setting.default
}

function parsed(setting: AnySetting, source: string, given: string): unknown {
  const value = setting.parse(given)
  if (value === undefined) {
    throw usageError(`${source} is '${given}', but only ${setting.allowed} is allowed`)
  }
  return value
}

/** The same setting as commander wants it: the value stays text, `resolveSettings` judges it. */
export function commanderOption(setting: AnySetting): Option {
  const flags =
    setting.placeholder === undefined ? setting.flag : `${setting.flag} ${setting.placeholder}`
  const option = new Option(flags, `${setting.about} (${fallbackText(setting)})`)
  return setting.isRepeatable === true ? option.argParser(collect) : option
}

function collect(value: string, previous: unknown): string[] {
  return Array.isArray(previous) ? [...previous.map(String), value] : [value]
}

function fallbackText(setting: AnySetting): string {
  const variable = `env: TSMCP_${setting.variables[0]}`
  if (setting.placeholder === undefined) return variable
  return `default: ${defaultText(setting)}; ${variable}`
}

/** The default value as people read it. */
export function defaultText(setting: AnySetting): string {
  return setting.defaultText ?? String(setting.default)
}

/** One line for each TSMCP_* variable that is no setting, and each erlmcp variable that has no effect yet. */
export function environmentNotes(env: SettingSources['env']): string[] {
  const tables = [serveSettings, clientSettings, commonSettings]
  const known = tables.flatMap((table) => Object.values(table).flatMap(variableNames))
  for (const { name } of secretVariables) known.push(`TSMCP_${name}`, `TSMCP_${name}_FILE`)
  const notes: string[] = []
  for (const [name, value] of Object.entries(env)) {
    const prefix = /^(TSMCP|ERLMCP)_/.exec(name)?.[0]
    if (prefix === undefined || value === undefined || value === '' || known.includes(name))
      continue
    const unused = unusedVariables.find((variable) => prefix + variable.name === name)
    if (unused !== undefined) {
      if (!unused.inert.test(value)) notes.push(`${name}=${value} has no effect: ${unused.about}`)
    } else if (prefix === 'TSMCP_') {
      const nearest = nearestName(name, known)
      notes.push(
        `${name} is no setting${nearest === undefined ? '' : `, did you mean ${nearest}?`}`,
      )
    }
  }
  return notes
}

function isNetwork(part: string): boolean {
  try {
    clientAddressThrough([part])
    return true
  } catch {
    return false
  }
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}
