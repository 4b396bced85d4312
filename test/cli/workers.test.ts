import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { statelessPost } from '../support/http.ts'
import { runCli } from './fake-io.ts'
import { CliProcess, freePort, serving, workspace } from './workspace.ts'

const cwd = workspace({
  'who.ts': `
import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'who', version: '1.0.0' })
server.tool('pid', {}, () => String(process.pid))
server.tool('wait', {}, async () => {
  console.log('a call is in flight')
  await new Promise((resolve) => setTimeout(resolve, 500))
  return 'finished'
})
server.tool('crash', {}, () => {
  setImmediate(() => process.kill(process.pid, 'SIGKILL'))
  return 'going'
})
export default server
`,
  'broken.ts': "throw new Error('no database')\n",
  'short.ts': `
import { defineServer } from 'tsmcp'
setTimeout(() => process.exit(3), 200)
export default defineServer({ name: 'short', version: '1.0.0' })
`,
})

/** What every post has, on a connection that carries nothing else. */
const ownConnection = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  connection: 'close',
}

/** One message of a session, over a connection of its own: any worker may get it. */
async function post(url: string, message: object, sessionId?: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      ...ownConnection,
      ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  })
}
async function pidInSession(url: string, sessionId: string): Promise<number> {
  const params = { name: 'pid', arguments: {} }
  const response = await post(url, { id: 1, method: 'tools/call', params }, sessionId)
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return Number(JSON.parse(text).result.content[0].text)
}

/** One call over a connection of its own. */
async function pidAt(url: string): Promise<number> {
  const { headers, body } = statelessPost('tools/call', { name: 'pid', arguments: {} })
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...(headers as Record<string, string>), ...ownConnection },
    body: JSON.stringify(body),
  })
  const { result } = (await response.json()) as { result: { content: [{ text: string }] } }
  return Number(result.content[0].text)
}
async function pids(url: string, count = 12): Promise<number[]> {
  const all = new Set<number>()
  for (let each = 0; each < count; each += 1) all.add(await pidAt(url))
  return [...all].sort()
}

suite('serve --workers', () => {
  test('serves with so many processes on one port, and says when one is replaced', async () => {
    const { cli, url } = await serving(['who.ts', '--workers', '3', '--json'], { cwd })
    await cli.until(/\n/)
    const { event, workers } = JSON.parse(cli.out.split('\n')[0] ?? '')
    assert.equal(event, 'listening')
    assert.deepEqual(await pids(url), [...workers].sort())
    process.kill(workers[0], 'SIGKILL')
    await cli.until(/"event":"ended","worker":1,"how":"SIGKILL","restartInMs":100/)
    // The others go on without a gap.
    assert.deepEqual(
      (await pids(url)).filter((pid) => !workers.slice(1).includes(pid)),
      [],
    )
    await cli.until(/"event":"restarted","worker":1/)
    const now = await pids(url)
    assert.equal(now.length, 3)
    assert.ok(!now.includes(workers[0]))
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0, cli.err)
    assert.match(cli.out, /"event":"stopping"\}\n.*"event":"stopped","exitCode":0/)
    await assert.rejects(pidAt(url))
  })

  test('is one service for people, too: a call in flight finishes when it is stopped', async () => {
    const { cli, url } = await serving(['who.ts', '--workers', '2'], { cwd })
    await cli.until(/2 workers\n/)
    const call = runCli(['call', url, 'wait'])
    await cli.until(/a call is in flight/)
    cli.child.kill('SIGTERM')
    assert.equal((await call).out, 'finished\n')
    assert.equal(await cli.exited, 0, cli.err)
    assert.match(cli.err, /stopping: .*\nstopped\n/)
  })

  test('goes on when all of its workers end, at the same port', async () => {
    const { cli, url } = await serving(['who.ts', '--workers', '2'], { cwd })
    await cli.until(/2 workers\n/)
    const before = await pids(url)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await cli.until(/worker [12] is back[\s\S]*worker [12] is back/)
    const now = await pids(url)
    assert.equal(now.length, 2)
    assert.ok(now.every((pid) => !before.includes(pid)))
    cli.child.kill('SIGINT')
    assert.equal(await cli.exited, 0, cli.err)
  })

  test('sessions are in one worker, reached through each, and go on in another when it ends', async () => {
    const { cli, url } = await serving(['who.ts', '--workers', '3'], { cwd })
    await cli.until(/3 workers\n/)
    const sessions = new Map<string, number>()
    for (let count = 0; count < 12; count += 1) {
      const params = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'test', version: '1' },
      }
      const opened = await post(url, { id: 1, method: 'initialize', params })
      const id = String(opened.headers.get('mcp-session-id'))
      await opened.text()
      sessions.set(id, await pidInSession(url, id))
    }
    assert.equal(new Set(sessions.values()).size, 3)
    for (const [id, pid] of sessions) {
      for (let time = 0; time < 4; time += 1) assert.equal(await pidInSession(url, id), pid)
    }
    const [killed = 0] = sessions.values()
    process.kill(killed, 'SIGKILL')
    await cli.until(/worker \d ended \(SIGKILL\)/)
    for (const [id, pid] of sessions) {
      const now = await pidInSession(url, id)
      if (pid === killed) assert.notEqual(now, pid)
      else assert.equal(now, pid)
      // Whoever has taken it over keeps it.
      assert.equal(await pidInSession(url, id), now)
    }
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0, cli.err)
  })

  test('says once what is wrong with the file or the address, and ends', async () => {
    const broken = new CliProcess(['serve', 'broken.ts', '--workers', '3', '--port', '0'], { cwd })
    assert.equal(await broken.exited, 1)
    assert.equal(broken.err.match(/no database/g)?.length, 1, broken.err)
    const port = await freePort()
    const first = new CliProcess(['serve', 'who.ts', '--port', String(port)], { cwd })
    await first.until(/\/mcp/)
    const second = new CliProcess(['serve', 'who.ts', '--workers', '2', '--port', String(port)], {
      cwd,
    })
    assert.equal(await second.exited, 1)
    assert.match(second.err, new RegExp(`port ${port} is in use`))
    first.child.kill('SIGTERM')
    await first.exited
  })

  test('gives up when workers do not stay, with the reason', async () => {
    const cli = new CliProcess(['serve', 'short.ts', '--workers', '2', '--port', '0'], { cwd })
    assert.equal(await cli.exited, 1)
    assert.match(cli.err, /worker \d ended \(exit code 3\): starting another in 100 ms/)
    assert.match(
      cli.err,
      /worker \d ended \(exit code 3\), as workers did 6 times within 60 s: giving up/,
    )
  })

  test('is not for stdio nor for watching', async () => {
    for (const flag of ['--stdio', '--watch']) {
      const { exitCode, err } = await runCli(['serve', 'who.ts', '--workers', '2', flag], { cwd })
      assert.equal(exitCode, 2)
      assert.match(err, /--workers is for serving over HTTP without --watch/)
    }
  })
})
