import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { runCli } from './fake-io.ts'
import { CliProcess, serving, weatherServer, workspace } from './workspace.ts'

const policy = `version: 1
roles:
  reader: { allow: { tools: "fore*" } }
grants:
  - { roles: reader, to: { subjects: "key:ci" } }
`

suite('tsmcp keys', () => {
  test('makes, lists and revokes keys, and shows a secret once', async () => {
    const cwd = workspace()
    const made = await runCli(['keys', 'create', 'ci', '--scope', 'a', '--expires', '30d'], { cwd })
    assert.equal(made.exitCode, 0)
    const key = made.out.trim()
    assert.match(key, /^tsmcp_[\w-]{12}\.[\w-]{43}$/)
    assert.equal(statSync(join(cwd, 'keys.json')).mode & 0o777, 0o600)
    const listed = await runCli(['keys', 'list'], { cwd })
    assert.match(listed.out, /ci +\S+ +key:ci +a +good until 20/)
    assert.ok(!listed.out.includes(key.slice(-20)))
    const json = JSON.parse((await runCli(['keys', 'list', '--json'], { cwd })).out)
    assert.deepEqual(Object.keys(json[0]).sort(), [
      'createdAt',
      'expiresAt',
      'id',
      'name',
      'scopes',
      'subject',
    ])
    assert.equal((await runCli(['keys', 'revoke', 'ci'], { cwd })).exitCode, 0)
    assert.match((await runCli(['keys', 'list'], { cwd })).out, /revoked 20/)
    const again = await runCli(['keys', 'revoke', 'ci'], { cwd })
    assert.deepEqual(
      [again.exitCode, again.err],
      [1, 'tsmcp: There is no key "ci" that is not revoked\n'],
    )
    const bad = await runCli(['keys', 'create', 'x', '--expires', 'soon'], { cwd })
    assert.equal(bad.exitCode, 2)
  })
})

suite('tsmcp policy', () => {
  test('explains by which rule something is allowed or denied', async () => {
    const cwd = workspace({ 'policy.yaml': policy })
    const explain = (...args: string[]) => runCli(['policy', 'explain', ...args], { cwd })
    const allowed = await explain('--as', 'key:ci', 'tools/call', 'forecast')
    assert.equal(allowed.exitCode, 0)
    assert.equal(
      allowed.out,
      'allowed: key:ci tools/call forecast\n  by policy.yaml:3: role reader allows tools "fore*"\n  policy.yaml:5: has role reader\n',
    )
    const denied = await explain('--as', 'alice', 'tools/call', 'forecast', '--json')
    assert.equal(denied.exitCode, 1)
    assert.deepEqual(JSON.parse(denied.out), {
      allowed: false,
      rule: 'no rule allows it (the caller has no role)',
    })
    assert.equal((await explain('tools/call', 'forecast', '--scope', 'x')).exitCode, 2)
    assert.equal((await explain('tools/call', 'forecast', '--issuer', 'x')).exitCode, 2)
  })

  test('explains what a grant to subjects of one issuer allows', async () => {
    const cwd = workspace({
      'policy.yaml':
        'version: 1\nroles:\n  r: { allow: { tools: "*" } }\ngrants:\n  - { roles: r, to: { subjects: alice, issuers: "https://one.example" } }\n',
    })
    const explain = (issuer: string) =>
      runCli(['policy', 'explain', '--as', 'alice', '--issuer', issuer, 'tools/call', 'a'], { cwd })
    assert.equal((await explain('https://one.example')).exitCode, 0)
    assert.equal((await explain('https://two.example')).exitCode, 1)
  })

  test('checks a file, with line and reason', async () => {
    const cwd = workspace({ 'good.yaml': policy, 'bad.yaml': 'version: 1\nroles:\n  a: 7\n' })
    const good = await runCli(['policy', 'check', 'good.yaml'], { cwd })
    assert.deepEqual([good.exitCode, good.out], [0, 'good.yaml is a valid policy\n'])
    const bad = await runCli(['policy', 'check', 'bad.yaml'], { cwd })
    assert.deepEqual([bad.exitCode, bad.out], [1, 'bad.yaml:3: roles.a must be object\n'])
    assert.equal((await runCli(['policy', 'check', 'none.yaml'], { cwd })).exitCode, 1)
    const { out } = await runCli(['policy', 'schema'], { cwd })
    assert.equal(JSON.parse(out).title, 'tsmcp policy')
  })
})

suite('tsmcp serve, guarded', () => {
  test('lets callers with a key in, to what the policy allows, and records it', async () => {
    const cwd = workspace({ 'weather.ts': weatherServer, 'policy.yaml': policy })
    const key = (await runCli(['keys', 'create', 'ci'], { cwd })).out.trim()
    const args = [
      'weather.ts',
      '--api-keys',
      'keys.json',
      '--policy',
      'policy.yaml',
      '--audit',
      'audit',
    ]
    const { cli, url } = await serving(args, { cwd })
    const post = async (
      method: string,
      name: string | undefined,
      headers: Record<string, string>,
    ) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(name !== undefined && { 'mcp-name': name }),
          ...headers,
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method,
          params: {
            ...(name !== undefined && { name, arguments: { city: 'Oslo' } }),
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      })
      return response.status
    }
    assert.equal(await post('tools/call', 'forecast', { 'x-api-key': key }), 200)
    assert.equal(await post('tools/call', 'other', { 'x-api-key': key }), 403)
    assert.equal(await post('tools/call', 'forecast', {}), 401)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)

    const audit = (...more: string[]) => runCli(['audit', ...more], { cwd })
    const verified = await audit('verify', 'audit')
    assert.equal(verified.exitCode, 0, verified.out)
    assert.match(verified.out, /^intact: \d+ records/)
    const denied = await audit('query', 'audit', '--outcome', 'denied')
    assert.match(denied.out, /denied +key:ci +127\.0\.0\.1 +tool:other +no rule allows it/)
    const csv = await audit('export', 'audit', '--format', 'csv', '--event', 'request')
    assert.equal(csv.out.trimEnd().split('\n').length, 3)
    const [file = ''] = (await audit('query', 'audit', '--json', '--event', 'file')).out.split('\n')
    const path = join(cwd, 'audit', JSON.parse(file).file)
    writeFileSync(path, readFileSync(path, 'utf8').replace('Oslo', 'Rome'))
    const tampered = await audit('verify', 'audit')
    assert.equal(tampered.exitCode, 1)
    assert.match(tampered.out, /was changed: its hash is wrong[\s\S]*NOT intact/)
    assert.equal((await audit('query', 'audit', '--since', 'then')).exitCode, 2)
    assert.equal((await runCli(['audit', 'verify'], { cwd })).exitCode, 2)
  })

  test('refuses files that are none before it listens', async () => {
    const cwd = workspace({
      'weather.ts': weatherServer,
      'bad.yaml': 'version: 2\n',
      'keys.json': '[]',
    })
    for (const [args, problem] of [
      [['--policy', 'bad.yaml'], /--policy: bad\.yaml:1: version must be 1/],
      [['--api-keys', 'keys.json'], /--api-keys: .*no file of keys/],
      [['--trusted-proxy', 'proxy.example'], /--trusted-proxy is 'proxy\.example'/],
    ] as const) {
      const { exitCode, err } = await runCli(['serve', 'weather.ts', '--port', '0', ...args], {
        cwd,
      })
      assert.notEqual(exitCode, 0)
      assert.match(err, problem)
    }
  })
})

suite('the production profile', () => {
  test('refuses what must not be in production, and names each setting', async () => {
    const cwd = workspace({ 'weather.ts': weatherServer })
    await runCli(['keys', 'create', 'ci'], { cwd })
    const refusal = async (args: string[], env: Record<string, string> = {}) => {
      const { exitCode, err } = await runCli(['serve', 'weather.ts', '--port', '0', ...args], {
        cwd,
        env: { TSMCP_PROFILE: 'production', ...env },
      })
      assert.equal(exitCode, 1, err)
      return err
    }
    assert.match(await refusal([]), /--host: callers are not authenticated/)
    const keyed = ['--api-keys', 'keys.json']
    const open = [...keyed, '--host', '0.0.0.0']
    assert.match(
      await refusal(open),
      /--host: 0\.0\.0\.0 is reached from other machines without TLS/,
    )
    assert.match(await refusal([...keyed, '--http', '0.0.0.0:0']), /--http: 0\.0\.0\.0 is reached/)
    assert.match(await refusal([...keyed, '--tcp', ':0']), /--tcp: callers are not authenticated/)
    const weak = { TSMCP_STATE_SECRET: 'changeme-changeme' }
    assert.match(await refusal(keyed, weak), /TSMCP_STATE_SECRET: this secret can be guessed/)
    chmodSync(join(cwd, 'keys.json'), 0o644)
    assert.match(await refusal(keyed), /--api-keys: others than its owner may read .*keys\.json/)
    writeFileSync(join(cwd, 'secret'), 'k3J9x0Qm7VtWzR2yLpN8sDfGhB5cEaUi\n', { mode: 0o644 })
    const file = { TSMCP_STATE_SECRET_FILE: join(cwd, 'secret') }
    assert.match(await refusal(keyed, file), /TSMCP_STATE_SECRET_FILE: others than its owner/)
    const both = { ...file, ...weak }
    assert.match(await refusal(keyed, both), /are given both/)
  })

  test('starts when all is as it must be; erlmcp’s name for it counts as well', async () => {
    const cwd = workspace({ 'weather.ts': weatherServer })
    await runCli(['keys', 'create', 'ci'], { cwd })
    writeFileSync(join(cwd, 'tsmcp-state-secret'), 'k3J9x0Qm7VtWzR2yLpN8sDfGhB5cEaUi\n', {
      mode: 0o600,
    })
    const env = { ERLMCP_PROFILE: 'production', CREDENTIALS_DIRECTORY: cwd }
    const args = [
      'weather.ts',
      '--api-keys',
      'keys.json',
      '--host',
      '0.0.0.0',
      '--trusted-proxy',
      '10.0.0.0/8',
    ]
    const cli = new CliProcess(['serve', ...args, '--port', '0'], { cwd, env })
    await cli.until(/listens on 0\.0\.0\.0:\d+/)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
  })
})
