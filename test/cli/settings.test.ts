import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliError } from '../../src/cli/cli-error.ts'
import {
  commonSettings,
  environmentNotes,
  resolveSettings,
  serveSettings,
  variableNames,
} from '../../src/cli/settings.ts'

const resolve = (flags: Record<string, unknown>, env: Record<string, string> = {}) =>
  resolveSettings(serveSettings, { flags, env })

test('without flags and variables every setting has its default', () => {
  const values = resolve({})
  assert.deepEqual(values, {
    port: 8080,
    host: '127.0.0.1',
    http: '',
    webSocketPath: '',
    legacySse: false,
    tcp: '',
    stdio: false,
    watch: false,
    workers: 1,
    drainMs: 10_000,
    allowedHosts: [],
    allowedOrigins: [],
    maxBodyBytes: 4_194_304,
    data: '',
    dataSurvives: 'process',
    sessionIdleMs: 1_800_000,
    sessionMaxAgeMs: 604_800_000,
    pingIntervalMs: 0,
    maxSessions: 100_000,
    maxSessionsPerPrincipal: 10_000,
    maxConnections: 100_000,
    maxRunning: 10_000,
    maxWaiting: 10_000,
    maxWaitMs: 10_000,
    maxLagMs: 1000,
    maxMemoryMb: 0,
    profile: 'development',
    apiKeys: '',
    policy: '',
    quotas: '',
    audit: '',
    auditKey: '',
    auditRetentionDays: 30,
    auditOnFull: 'refuse',
    trustedProxies: [],
    authIssuers: [],
    authResource: '',
    authScopes: [],
    authClientId: '',
    authClientSecretFile: '',
    authRevokedFile: '',
    tlsCert: '',
    tlsKey: '',
    tlsKeyPassphraseFile: '',
    tlsCa: '',
    tlsCrl: '',
    tlsClient: 'required',
    tlsClientName: '',
    tlsMin: '1.3',
    admin: '',
    otel: false,
    logFormat: 'text',
    logLevel: 'info',
    alertWebhook: '',
  })
})

test('a flag beats TSMCP_*, which beats ERLMCP_*, for every setting with a value', () => {
  for (const [name, setting] of Object.entries({ ...serveSettings })) {
    if (setting.placeholder === undefined) continue
    const [flag, ours, theirs] = {
      '<number>': ['11', '12', '13'],
      '<name>': ['one', 'two', 'three'],
      '<path>': ['/one', '/two', '/three'],
      '<folder>': ['one', '/two', './three'],
      '<[host]:port>': [':11', '127.0.0.1:12', ':13'],
      '<url>': ['https://one.example', 'https://two.example', 'https://three.example'],
      '<scope>': ['one', 'two', 'three'],
      '<id>': ['one', 'two', 'three'],
      '<whether>': ['required', 'optional', 'required'],
      '<which>': ['uri', 'dns', 'email'],
      '<version>': ['1.2', '1.3', '1.2'],
      '<profile>': ['production', 'development', 'test'],
      '<format>': ['json', 'text', 'json'],
      '<level>': ['debug', 'warn', 'silent'],
      '<loss>': ['power', 'process', 'power'],
      '<what>': ['continue', 'refuse', 'continue'],
      '<address>': ['10.0.0.1', '10.0.0.0/8', 'loopback'],
      '<file>': ['one', 'two', 'three'],
      '<origin>': ['https://one.example', 'https://two.example', 'https://three.example'],
    }[setting.placeholder]!
    const ownName = variableNames(setting).find((variable) => variable.startsWith('TSMCP_'))!
    const seedName = variableNames(setting).find((variable) => variable.startsWith('ERLMCP_'))!
    const shown = (text: string | undefined): unknown => setting.parse(text!)
    const key = setting.flag.slice(2).replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
    const given = setting.isRepeatable ? [flag] : flag
    const env = { [ownName]: ours!, [seedName]: theirs! }
    const valueIn = (values: object): unknown =>
      Object.entries(values).find(([at]) => at === name)?.[1]
    assert.deepEqual(valueIn(resolve({ [key]: given }, env)), shown(flag), setting.flag)
    assert.deepEqual(valueIn(resolve({}, env)), shown(ours), ownName)
    assert.deepEqual(valueIn(resolve({}, { [seedName]: theirs! })), shown(theirs), seedName)
  }
})

test("the seed's ERLMCP_MAX_CONNECTIONS sets the number of connections, and not of sessions", () => {
  const values = resolve({}, { ERLMCP_MAX_CONNECTIONS: '52000', TSMCP_MAX_SESSIONS: '7' })
  assert.equal(values.maxConnections, 52_000)
  assert.equal(values.maxSessions, 7)
})

test('switches are read from variables in any usual spelling', () => {
  for (const text of ['1', 'true', 'TRUE', 'yes', 'on']) {
    assert.equal(resolve({}, { TSMCP_WATCH: text }).watch, true, text)
  }
  for (const text of ['0', 'false', 'No', 'off', '']) {
    assert.equal(resolve({}, { TSMCP_WATCH: text }).watch, false, text)
  }
  assert.equal(resolve({ watch: true }, { TSMCP_WATCH: 'no' }).watch, true)
})

test('a list is a repeated flag, or one variable with commas', () => {
  assert.deepEqual(resolve({ allowedHost: ['a.example', 'b.example'] }).allowedHosts, [
    'a.example',
    'b.example',
  ])
  assert.deepEqual(resolve({}, { TSMCP_ALLOWED_HOSTS: 'a.example, b.example' }).allowedHosts, [
    'a.example',
    'b.example',
  ])
})

const badValues: [Record<string, unknown>, Record<string, string>, string][] = [
  [{ port: '65536' }, {}, "--port is '65536', but only a whole number from 0 to 65535 is allowed"],
  [{ port: '80a' }, {}, "--port is '80a', but only a whole number from 0 to 65535 is allowed"],
  [{ port: '-1' }, {}, "--port is '-1', but only a whole number from 0 to 65535 is allowed"],
  [
    {},
    { TSMCP_PORT: 'http' },
    "TSMCP_PORT is 'http', but only a whole number from 0 to 65535 is allowed",
  ],
  [
    {},
    { ERLMCP_DRAIN_MS: '1.5' },
    "ERLMCP_DRAIN_MS is '1.5', but only a whole number from 0 to 2147483647 is allowed",
  ],
  [
    { host: 'http://x/' },
    {},
    "--host is 'http://x/', but only a host name or an IP address is allowed",
  ],
  [
    { allowedOrigin: ['app.example.com'] },
    {},
    "--allowed-origin is 'app.example.com', but only an origin such as https://app.example.com, or * for any, is allowed",
  ],
  [
    {},
    { TSMCP_STDIO: 'maybe' },
    "TSMCP_STDIO is 'maybe', but only true, false, 1, 0, yes, no, on or off is allowed",
  ],
  [
    {},
    { TSMCP_DATA_SURVIVES: 'fire' },
    "TSMCP_DATA_SURVIVES is 'fire', but only process or power is allowed",
  ],
  [
    { maxSessions: '0' },
    {},
    "--max-sessions is '0', but only a whole number from 1 to 10000000 is allowed",
  ],
]
for (const [flags, env, message] of badValues) {
  test(`a bad value is refused: ${message}`, () => {
    assert.throws(
      () => resolve(flags, env),
      (error) => error instanceof CliError && error.exitCode === 2 && error.message === message,
    )
  })
}

test('a mistyped TSMCP_ variable is pointed out, with the nearest name', () => {
  assert.deepEqual(environmentNotes({ TSMCP_PROT: '1', PATH: '/bin', ERLMCP_NODE_NAME: 'x' }), [
    'TSMCP_PROT is no setting, did you mean TSMCP_PORT?',
  ])
})

test("the seed's own variables are accepted, and it is said where they have no effect", () => {
  const seed = {
    ERLMCP_OTP_VERSION: '28.3.1',
    ERLMCP_MAX_CONNECTIONS: '52000',
    ERLMCP_OTEL_ENABLED: 'true',
    ERLMCP_CHAOS_ENABLED: 'false',
  }
  assert.equal(resolve({}, seed).maxConnections, 52_000)
  assert.equal(resolve({}, seed).otel, true)
  assert.deepEqual(environmentNotes(seed), [])
  assert.deepEqual(
    environmentNotes({ ...seed, ERLMCP_CHAOS_ENABLED: 'true' }).map((line) =>
      line.replace(/:.*/, ''),
    ),
    ['ERLMCP_CHAOS_ENABLED=true has no effect'],
  )
})

test('no two settings share a flag or a variable', () => {
  const all = [...Object.values(serveSettings), ...Object.values(commonSettings)]
  const names = all.flatMap((setting) => [setting.flag, ...variableNames(setting)])
  assert.equal(new Set(names).size, names.length)
})
