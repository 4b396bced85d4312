import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { runCli } from './fake-io.ts'
import { CliProcess, freePort, serving, workspace, writeFiles } from './workspace.ts'

const serverSaying = (text: string): string => `
import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'watched', version: '1.0.0' })
server.tool('say', {}, () => ${JSON.stringify(text)})
server.tool('wait', {}, async () => {
  console.log('a call is in flight')
  await new Promise((resolve) => setTimeout(resolve, 800))
  return ${JSON.stringify(text)}
})
export default server
`

const say = async (url: string): Promise<string> => {
  const { out, err } = await runCli(['call', url, 'say'])
  return (out + err).trim()
}
const stop = async (cli: CliProcess): Promise<void> => {
  cli.child.kill('SIGTERM')
  assert.equal(await cli.exited, 0, cli.err)
}

suite('serve --watch', () => {
  test('serves the new version after a change, at the same address', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('one') })
    const { cli, url } = await serving(['server.ts', '--watch'], { cwd })
    assert.equal(await say(url), 'one')
    writeFiles(cwd, { 'server.ts': serverSaying('two') })
    await cli.until(/server\.ts changed\nreloaded in \d+ ms\n/)
    assert.equal(await say(url), 'two')
    await stop(cli)
  })

  test('keeps the old version when the new one does not load, and says why in one line', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('one') })
    const { cli, url } = await serving(['server.ts', '--watch'], { cwd })
    writeFiles(cwd, { 'server.ts': `${serverSaying('two')}\nconst x: = 3\n` })
    await cli.until(/tsmcp: server\.ts:12: SyntaxError: .*: the version before goes on serving\n/)
    assert.equal(await say(url), 'one')
    writeFiles(cwd, { 'server.ts': serverSaying('three') })
    await cli.until(/reloaded in/)
    assert.equal(await say(url), 'three')
    await stop(cli)
  })

  test('sees a change in a file that is imported, and one that replaces the file', async () => {
    const cwd = workspace({
      'lib/text.ts': "export const text: string = 'one'\n",
      'server.ts': serverSaying('x')
        .replaceAll('"x"', 'text')
        .replace('\n', "\nimport { text } from './lib/text.ts'\n"),
    })
    const { cli, url } = await serving(['server.ts', '--watch'], { cwd })
    assert.equal(await say(url), 'one')
    writeFiles(cwd, { 'lib/text.ts': "export const text: string = 'two'\n" })
    await cli.until(/lib\/text\.ts changed\nreloaded in/)
    assert.equal(await say(url), 'two')
    writeFiles(cwd, { 'lib/new.ts': "export const text: string = 'three'\n" })
    renameSync(join(cwd, 'lib/new.ts'), join(cwd, 'lib/text.ts'))
    await cli.until(/changed\nreloaded in[\s\S]*changed\nreloaded in/)
    assert.equal(await say(url), 'three')
    await stop(cli)
  })

  test('a call in flight finishes in the old version while the new one answers', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('one') })
    const { cli, url } = await serving(['server.ts', '--watch'], { cwd })
    const waiting = runCli(['call', url, 'wait'])
    await cli.until(/a call is in flight/)
    writeFiles(cwd, { 'server.ts': serverSaying('two') })
    await cli.until(/reloaded in/)
    assert.equal(await say(url), 'two')
    assert.equal((await waiting).out, 'one\n')
    await stop(cli)
  })

  test('never refuses a connection while it reloads', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('0') })
    const { cli, url } = await serving(['server.ts', '--watch'], { cwd })
    const health = new URL('/health', url)
    let isReloading = true
    const failures: unknown[] = []
    const asking = (async () => {
      while (isReloading) {
        await fetch(health, { headers: { connection: 'close' } }).then(
          (response) => response.text(),
          (error: unknown) => failures.push(error),
        )
      }
    })()
    try {
      for (const round of ['1', '2', '3']) {
        writeFiles(cwd, { 'server.ts': serverSaying(round) })
        await cli.until(new RegExp(`(reloaded in[\\s\\S]*){${round}}`))
      }
    } finally {
      isReloading = false
    }
    await asking
    assert.deepEqual(failures, [])
    await stop(cli)
  })

  test('waits for a change when the first version does not load, or ends by itself', async () => {
    const cwd = workspace({ 'server.ts': 'export default 42\n' })
    const port = await freePort()
    const cli = new CliProcess(['serve', 'server.ts', '--watch', '--port', `${port}`], { cwd })
    await cli.until(/server\.ts exports a number by default: .*: waiting for a change\n/)
    writeFiles(cwd, { 'server.ts': 'process.exit(3)\n' })
    await cli.until(/the serving process ended \(exit code 3\): waiting for a change\n/)
    writeFiles(cwd, { 'server.ts': serverSaying('one') })
    await cli.until(/watching for changes/)
    assert.equal(await say(`http://127.0.0.1:${port}/mcp`), 'one')
    rmSync(join(cwd, 'server.ts'))
    await cli.until(/there is no file server\.ts.*: the version before goes on serving\n/)
    assert.equal(await say(`http://127.0.0.1:${port}/mcp`), 'one')
    await stop(cli)
  })

  test('ends when its port is in use, or there is no file', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('one') })
    const first = await serving(['server.ts'], { cwd })
    const { port } = new URL(first.url)
    const second = new CliProcess(['serve', 'server.ts', '--watch', '--port', port], { cwd })
    assert.equal(await second.exited, 1)
    assert.match(
      second.err,
      /^tsmcp: port \d+ is in use on 127\.0\.0\.1: stop what uses it, or type: .*\n$/,
    )
    await stop(first.cli)
    const third = new CliProcess(['serve', 'absent.ts', '--watch'], { cwd })
    assert.equal(await third.exited, 1)
    assert.match(third.err, /^tsmcp: there is no file absent\.ts/)
  })

  test('drains at SIGTERM, and a second signal stops at once', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('one') })
    const first = await serving(['server.ts', '--watch'], { cwd })
    const waiting = runCli(['call', first.url, 'wait'])
    await first.cli.until(/a call is in flight/)
    await stop(first.cli)
    assert.equal((await waiting).out, 'one\n')

    const second = await serving(['server.ts', '--watch'], { cwd })
    const lost = runCli(['call', second.url, 'wait'])
    await second.cli.until(/a call is in flight/)
    second.cli.child.kill('SIGTERM')
    await second.cli.until(/stopping/)
    second.cli.child.kill('SIGTERM')
    assert.equal(await second.cli.exited, 143)
    assert.equal((await lost).exitCode, 1)
  })

  test('--json prints an object for each thing that happens', async () => {
    const cwd = workspace({ 'server.ts': serverSaying('one') })
    const { cli } = await serving(['server.ts', '--watch', '--json'], { cwd })
    writeFiles(cwd, { 'server.ts': 'export default 42\n' })
    await cli.until(/"event":"failed"/)
    writeFiles(cwd, { 'server.ts': serverSaying('two') })
    await cli.until(/"event":"reloaded"/)
    await stop(cli)
    const events = cli.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    assert.deepEqual(events, [
      'listening',
      'changed',
      'failed',
      'changed',
      'reloaded',
      'stopping',
      'stopped',
    ])
  })
})
