import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { suite, test } from 'node:test'
import { GatewayFileError } from '../../src/gateway/config/gateway-file-error.ts'
import { readGatewayText } from '../../src/gateway/config/read-gateway-file.ts'
import { matchesAny } from '../../src/gateway/name-pattern.ts'

const path = '/etc/hosts/mcp.json'
const env = { TOKEN: 'a-secret-token-of-github', NAME: 'x', EMPTY: '' }

function read(text: string) {
  return readGatewayText(text, path, env)
}

/** The one upstream of a file that has one. */
function upstream(entry: object) {
  const [only] = read(JSON.stringify({ mcpServers: { one: entry } })).upstreams
  assert.ok(only)
  return only
}

function refused(text: string): GatewayFileError {
  try {
    read(text)
  } catch (error) {
    assert.ok(error instanceof GatewayFileError, String(error))
    return error
  }
  return assert.fail('the file was taken')
}

suite('the configuration of a gateway', () => {
  test('is the mcpServers file of a desktop host, as it is', () => {
    const { upstreams } = read(`{
      // Comments and trailing commas are as people write them.
      "mcpServers": {
        "github": {
          "command": "npx", "args": ["-y", "server-github"],
          "env": { "GITHUB_TOKEN": "\${env:TOKEN}", "LOG": "debug" },
          "alwaysAllow": ["x"], "timeout": 60, /* of another host */
        },
        "remote": {
          "type": "http", "url": "https://mcp.example.com/mcp",
          "headers": { "Authorization": "Bearer \${TOKEN}" },
        },
        "off": { "command": "rm", "disabled": true },
      },
      "globalShortcut": "",
    }`)
    assert.deepEqual(
      upstreams.map(({ name }) => name),
      ['github', 'remote'],
    )
    const [github, remote] = upstreams
    assert.deepEqual(github?.target, {
      kind: 'command',
      command: 'npx',
      args: ['-y', 'server-github'],
      env: { GITHUB_TOKEN: 'a-secret-token-of-github', LOG: 'debug' },
      cwd: '/etc/hosts',
    })
    assert.deepEqual(remote?.target, {
      kind: 'url',
      url: 'https://mcp.example.com/mcp',
      headers: { Authorization: 'Bearer a-secret-token-of-github' },
      transport: 'http',
    })
    assert.equal(github?.prefix, 'github__')
    assert.equal(github?.isolation, 'shared')
    assert.equal(github?.maxConnections, 1)
  })

  test('takes the servers of VS Code, too', () => {
    const { upstreams } = read('{"servers": {"a": {"type": "stdio", "command": "a"}}}')
    assert.equal(upstreams[0]?.name, 'a')
  })

  test('replaces variables, and knows which values are secrets', () => {
    const { target, secrets } = upstream({
      command: `\${workspaceFolder}/bin/\${NAME}`,
      args: [`\${env:MISSING:-}`, `\${MISSING:-a default}`, `--token=\${TOKEN}`, `\${userHome}`],
      env: { API_KEY: 'written-in-the-file', PLAIN: `\${NAME}`, SHORT_TOKEN: 'abc' },
      cwd: 'sub',
    })
    assert.ok(target.kind === 'command')
    assert.equal(target.command, '/etc/hosts/bin/x')
    assert.deepEqual(target.args, ['', 'a default', '--token=a-secret-token-of-github', homedir()])
    assert.equal(target.cwd, '/etc/hosts/sub')
    // What is too short would be found in everything, and a folder is no secret.
    assert.deepEqual(secrets.toSorted(), ['a-secret-token-of-github', 'written-in-the-file'])
  })

  test('takes every header for a secret, and what stands behind its scheme', () => {
    const { secrets } = upstream({
      url: 'https://a.example/mcp',
      headers: { 'X-Whatever': 'quite-a-long-value', Authorization: 'Bearer abcdefghijkl' },
    })
    assert.deepEqual(secrets, ['quite-a-long-value', 'Bearer abcdefghijkl', 'abcdefghijkl'])
  })

  test('has settings of its own in a member that other hosts do not look at', () => {
    const read = upstream({
      command: 'a',
      tsmcp: {
        prefix: '',
        rename: { create: 'make' },
        allow: ['read_*'],
        deny: ['read_all'],
        resources: false,
        start: 'on-demand',
        isolation: 'session',
        maxConnections: 5,
        limits: { memoryMb: 512, cpuSeconds: 60, openFiles: 256 },
        callTimeoutMs: 1000,
        restarts: { max: 3 },
      },
    })
    assert.equal(read.prefix, '')
    assert.deepEqual([...read.rename], [['create', 'make']])
    assert.deepEqual(read.offers, { resources: false, prompts: true })
    assert.equal(read.idleStopMs, 600_000)
    assert.deepEqual(read.limits, { memoryMb: 512, cpuSeconds: 60, openFiles: 256 })
    assert.equal(read.restarts.max, 3)
    assert.equal(read.restarts.withinMs, 60_000)
  })

  const mistakes: [what: string, text: string, line: number, reason: RegExp][] = [
    ['is no JSON', '{\n  "mcpServers": {\n    "a" {}\n  }\n}', 3, /a colon is expected/],
    ['ends in the middle', '{\n"mcpServers": {', 2, /closing brace/],
    ['is empty', '', 1, /./],
    ['has no servers', '{}', 1, /there is no mcpServers/],
    [
      'has a server twice',
      '{"mcpServers": {"a": {"command": "a"},\n"a": {"command": "b"}}}',
      2,
      /a is given twice/,
    ],
    ['has neither command nor url', '{"mcpServers": {\n"a": {}}}', 2, /mcpServers\.a needs either/],
    ['has both', '{"mcpServers": {"a": {"command": "a", "url": "http://a"}}}', 1, /needs either/],
    [
      'has a command that is no string',
      '{"mcpServers": {"a": {\n"command": 1}}}',
      2,
      /a\.command must be a string/,
    ],
    [
      'has arguments that are no list',
      '{"mcpServers": {"a": {"command": "a",\n"args": "x"}}}',
      2,
      /args must be an array/,
    ],
    [
      'has a variable that is not set',
      `{"mcpServers": {"a": {"command": "a",\n"args": ["\${NONE}"]}}}`,
      2,
      /args\[0\] needs the environment variable NONE/,
    ],
    [
      'has a variable that is not known',
      `{"mcpServers": {"a": {"command": "\${input:x}"}}}`,
      1,
      /not known, \$\{input:x\}/,
    ],
    [
      'has a URL that is none',
      '{"mcpServers": {"a": {"url": "ftp://a"}}}',
      1,
      /must be a URL of http/,
    ],
    [
      'has a type that does not fit',
      '{"mcpServers": {"a": {"type": "ws", "url": "http://a"}}}',
      1,
      /does not fit a url of http/,
    ],
    [
      'has a type that there is not',
      '{"mcpServers": {"a": {"type": "smtp", "url": "http://a"}}}',
      1,
      /must be one of/,
    ],
    [
      'has a setting that there is not',
      '{"mcpServers": {"a": {"command": "a", "tsmcp": {\n"prefx": ""}}}}',
      2,
      /prefx is not known: there are prefix/,
    ],
    [
      'has a number out of its range',
      '{"mcpServers": {"a": {"command": "a", "tsmcp": {"limits": {"memoryMb": 1}}}}}',
      1,
      /memoryMb must be an integer of 16/,
    ],
    [
      'limits what is no process',
      '{"mcpServers": {"a": {"url": "http://a", "tsmcp": {"limits": {}}}}}',
      1,
      /is for commands only/,
    ],
    [
      'gives two servers one prefix',
      '{"mcpServers": {"a b": {"command": "a"},\n"a_b": {"command": "a"}}}',
      2,
      /has the prefix a_b__, as a b has/,
    ],
  ]
  for (const [what, text, line, reason] of mistakes) {
    test(`is refused with line and reason when it ${what}`, () => {
      const error = refused(text)
      assert.equal(error.line, line, error.message)
      assert.match(error.message, reason)
      assert.ok(error.message.startsWith(`${path}:${line}:`))
    })
  }

  test('is refused without telling secrets', () => {
    const error = refused(
      `{"mcpServers": {"a": {"url": "\${TOKEN}", "headers": {"authorization": "Bearer \${TOKEN}"}}}}`,
    )
    assert.doesNotMatch(error.message, /a-secret-token/)
  })
})

test('a pattern stands for the names that it fits, and no other', () => {
  const fits: [string, string, boolean][] = [
    ['read', 'read', true],
    ['read', 'reader', false],
    ['read_*', 'read_file', true],
    ['read_*', 'write_file', false],
    ['*_file', 'read_file', true],
    ['*', '', true],
    ['a*b*c', 'a--b--c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['*a*a*', 'a', false],
  ]
  for (const [pattern, name, expected] of fits) {
    assert.equal(matchesAny([pattern], name), expected, `${pattern} ${name}`)
  }
})
