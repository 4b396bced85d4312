/** One audit log of several serving processes: `serve --audit` with --workers and --watch. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { queryAudit } from '../../src/security/audit/query.ts'
import { statelessPost } from '../support/http.ts'
import { runCli } from './fake-io.ts'
import { serving, workspace, writeFiles } from './workspace.ts'

const server = (version: string) => `
import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'who', version: '${version}' })
server.tool('pid', { input: { type: 'object' } }, () => String(process.pid))
export default server
`
const cwd = workspace({ 'who.ts': server('1.0.0'), 'reloaded.ts': server('1.0.0') })

/** One call over a connection of its own: any worker may get it. @returns who has answered; undefined when nobody did */
async function call(url: string, number: number): Promise<number | undefined> {
  const params = { name: 'pid', arguments: { number } }
  const { headers, body } = statelessPost('tools/call', params)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...(headers as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        connection: 'close',
      },
      body: JSON.stringify(body),
      // A connection that was being handed to a worker when that was killed is answered by nobody.
      signal: AbortSignal.timeout(2000),
    })
    const { result } = (await response.json()) as { result: { content: [{ text: string }] } }
    return Number(result.content[0].text)
  } catch {
    return undefined
  }
}

/** How often each call is in the log. */
async function recorded(folder: string): Promise<Map<number, number>> {
  const times = new Map<number, number>()
  for await (const record of queryAudit(join(cwd, folder), { object: 'tool:pid' })) {
    const { number } = record.arguments as { number: number }
    times.set(number, (times.get(number) ?? 0) + 1)
  }
  return times
}

async function isWhole(folder: string): Promise<void> {
  const { exitCode, out, err } = await runCli(['audit', 'verify', folder], { cwd })
  assert.equal(exitCode, 0, out + err)
}

suite('the audit log of several processes', () => {
  test('has each call of each worker once, and is whole, also when a worker was killed', async () => {
    const flags = ['--workers', '2', '--audit', 'audit-workers', '--json']
    const { cli, url } = await serving(['who.ts', ...flags], { cwd })
    await cli.until(/\n/)
    const { workers } = JSON.parse(cli.out.split('\n')[0] ?? '') as { workers: number[] }
    const answered = new Map<number, number>()
    const callAll = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number += 4) {
        const some = [0, 1, 2, 3].map((each) => number + each)
        const pids = await Promise.all(some.map((each) => call(url, each)))
        for (const [index, pid] of pids.entries()) {
          if (pid !== undefined) answered.set(some[index] as number, pid)
        }
      }
    }
    await callAll(0, 100)
    assert.deepEqual(new Set(answered.values()), new Set(workers))
    // What a process has recorded is with the one that writes the log a moment later.
    await delay(500)
    const before = new Set(answered.keys())
    process.kill(workers[0] as number, 'SIGKILL')
    await callAll(100, 200)
    await cli.until(/"event":"restarted"/)
    await callAll(200, 300)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0, cli.err)

    const times = await recorded('audit-workers')
    assert.deepEqual(
      [...times.values()].filter((count) => count !== 1),
      [],
    )
    assert.equal(before.size, 100)
    // The one that was killed may have answered in its last moment what it could not record any more.
    for (const [number, pid] of answered) {
      if (pid !== workers[0] || before.has(number)) assert.ok(times.has(number), `call ${number}`)
    }
    await isWhole('audit-workers')
  })

  test('goes on over a reload', async () => {
    const flags = ['--watch', '--audit', 'audit-watch']
    const { cli, url } = await serving(['reloaded.ts', ...flags], { cwd })
    const first = await call(url, 1)
    writeFiles(cwd, { 'reloaded.ts': server('2.0.0') })
    await cli.until(/reloaded in/)
    const second = await call(url, 2)
    assert.notEqual(first, second)
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0, cli.err)
    assert.deepEqual(
      await recorded('audit-watch'),
      new Map([
        [1, 1],
        [2, 1],
      ]),
    )
    await isWhole('audit-watch')
    assert.match(readFileSync(join(cwd, 'audit-key.pem'), 'utf8'), /PRIVATE KEY/)
  })
})
