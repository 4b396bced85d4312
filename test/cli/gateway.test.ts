import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fixture, isAlive, until } from '../gateway/support.ts'
import { statelessPost } from '../support/http.ts'
import { runCli } from './fake-io.ts'
import { serving, workspace } from './workspace.ts'

/** A folder with an mcp.json. */
function folderOf(mcpServers: object): string {
  return workspace({ 'mcp.json': JSON.stringify({ mcpServers }) })
}

suite('an mcp.json', () => {
  test("is served like a server of one's own", async () => {
    const cwd = folderOf({ up: fixture() })
    const { cli, url } = await serving(['mcp.json'], { cwd })
    const { headers, body } = statelessPost('tools/call', { name: 'up__pid', arguments: {} })
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...(headers as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        connection: 'close',
      },
      body: JSON.stringify(body),
    })
    const { result } = (await response.json()) as { result: { content: [{ text: string }] } }
    const pid = Number(result.content[0].text)
    assert.equal(isAlive(pid), true)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
    await until(() => !isAlive(pid))
  })

  test('is listed and called without being served', async () => {
    const cwd = folderOf({ up: fixture() })
    const listed = await runCli(['list', 'mcp.json'], { cwd })
    assert.equal(listed.exitCode, 0, listed.err)
    assert.match(listed.out, /up__echo/)
    const called = await runCli(['call', 'mcp.json', 'up__echo', '{"text":"hello"}'], { cwd })
    assert.equal(called.exitCode, 0, called.err)
    assert.equal(called.out, 'hello\n')
  })

  test('that is wrong is explained with its line', async () => {
    const cwd = workspace({ 'mcp.json': '{\n  "mcpServers": { "a": {} }\n}' })
    const { exitCode, err } = await runCli(['serve', 'mcp.json', '--port', '0'], { cwd })
    assert.equal(exitCode, 1)
    assert.match(err, /mcp\.json:2:\d+: mcpServers\.a needs either a command or a url/)
  })

  test('is followed in any case, so --watch is refused', async () => {
    const { exitCode, err } = await runCli(['serve', 'mcp.json', '--watch'], {
      cwd: folderOf({}),
    })
    assert.equal(exitCode, 2)
    assert.match(err, /followed in any case: leave out --watch/)
  })
})

suite('tsmcp lock', () => {
  test('approves what there is, and lock diff says what has changed since', async () => {
    const cwd = folderOf({ up: fixture() })
    const before = await runCli(['lock', 'diff', 'mcp.json'], { cwd })
    assert.equal(before.exitCode, 1)
    assert.match(before.out, /^new {5}up\/echo$/m)
    assert.equal(existsSync(join(cwd, 'mcp.lock.json')), false)

    const locked = await runCli(['lock', 'mcp.json'], { cwd })
    assert.equal(locked.exitCode, 0, locked.err)
    assert.match(locked.out, /mcp\.lock\.json: \d+ tools are approved/)
    const after = await runCli(['lock', 'diff', 'mcp.json'], { cwd })
    assert.deepEqual([after.exitCode, after.out], [0, 'all tools are as they were approved\n'])

    const path = join(cwd, 'mcp.lock.json')
    const file = JSON.parse(readFileSync(path, 'utf8'))
    file.upstreams.up.tools.echo = 'a'.repeat(64)
    delete file.upstreams.up.tools.pid
    file.upstreams.up.tools.gone = 'b'.repeat(64)
    writeFileSync(path, JSON.stringify(file))
    const { exitCode, out } = await runCli(['lock', 'diff', 'mcp.json', '--json'], { cwd })
    assert.equal(exitCode, 1)
    assert.deepEqual(JSON.parse(out), {
      differences: [
        { upstream: 'up', tool: 'echo', kind: 'changed' },
        { upstream: 'up', tool: 'pid', kind: 'new' },
        { upstream: 'up', tool: 'gone', kind: 'gone' },
      ],
      missing: [],
    })

    const one = await runCli(['lock', 'mcp.json', 'up/echo'], { cwd })
    assert.match(one.out, /^changed up\/echo$/m)
    const rest = await runCli(['lock', 'diff', 'mcp.json'], { cwd })
    assert.deepEqual(rest.out.trim().split('\n'), ['new     up/pid', 'gone    up/gone'])
  })

  test('says which upstream could not be asked, and keeps what was approved of it', async () => {
    const cwd = folderOf({
      up: fixture(),
      bad: { command: 'no-such-command-anywhere' },
    })
    const hash = 'c'.repeat(64)
    const upstreams = { bad: { tools: { x: hash } } }
    writeFileSync(join(cwd, 'mcp.lock.json'), JSON.stringify({ version: 1, upstreams }))
    const { exitCode, err } = await runCli(['lock', 'mcp.json'], { cwd })
    assert.equal(exitCode, 1)
    assert.match(err, /bad could not be asked/)
    const file = JSON.parse(readFileSync(join(cwd, 'mcp.lock.json'), 'utf8'))
    assert.equal(file.upstreams.bad.tools.x, hash)
    assert.ok(file.upstreams.up.tools.echo)
  })

  test('refuses names that there are not, and files that are no mcp.json', async () => {
    const cwd = folderOf({ up: fixture() })
    const wrong = await runCli(['lock', 'mcp.json', 'up/nothing'], { cwd })
    assert.equal(wrong.exitCode, 2)
    assert.match(wrong.err, /'up\/nothing' is none of the file/)
    assert.equal(existsSync(join(cwd, 'mcp.lock.json')), false)
    const module = await runCli(['lock', 'server.ts'], { cwd })
    assert.match(module.err, /is no mcp\.json/)
  })
})
