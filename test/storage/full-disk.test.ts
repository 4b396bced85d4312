/** The disk that the data is on takes no more: a limit on the size of files does the same as a full disk, for one process. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { mainFile } from '../cli/workspace.ts'
import { temporaryFolder } from '../support/folder.ts'
import { HttpClient, HttpSession } from '../support/http.ts'
import { initialize, request } from '../support/messages.ts'

const serverFile = fileURLToPath(new URL('./fixtures/server.ts', import.meta.url))
const version = '2025-11-25'
/** KiB that a file may have: room for some hundred sessions in the write-ahead log. */
const fileLimit = 600

/** The port on which it has begun to listen. */
async function listeningPort(stdout: Readable): Promise<number> {
  let printed = ''
  for (;;) {
    const [chunk] = (await once(stdout, 'data')) as [Buffer]
    printed += chunk
    const found = /:(\d+)\/mcp/.exec(printed)?.[1]
    if (found !== undefined) return Number(found)
  }
}

suite('When the disk is full', () => {
  test('new sessions are refused, those that are there go on, and all is kept when there is room again', async (t) => {
    const folder = temporaryFolder(t)
    const serve = [mainFile, 'serve', serverFile, '--port', '0', '--data', folder]
    const command = `ulimit -S -f ${fileLimit}; exec "$0" "$@"`
    const child = spawn('bash', ['-c', command, process.execPath, ...serve], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => child.kill('SIGKILL'))
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const port = await listeningPort(child.stdout)
    const client = new HttpClient(t, port)
    const open = () => client.send({ body: initialize(version) })

    const ids: string[] = []
    let refused = await open()
    for (; refused.status === 200; refused = await open()) {
      ids.push(String(refused.headers['mcp-session-id']))
    }
    assert.ok(ids.length > 10, `${ids.length} sessions`)
    assert.equal(refused.status, 503)
    assert.match(String(refused.headers['retry-after']), /^\d+$/)
    assert.match(String(refused.message.error?.message), /cannot keep anything new at the moment/)
    // What it prints comes by another way than what it answers.
    while (!/Cannot write to .+: .+ Sessions go on in memory, new ones are refused/.test(errors)) {
      await once(child.stderr, 'data')
    }

    const [id = ''] = ids
    const session = new HttpSession(client, id, version, {})
    assert.equal((await session.call('ping')).error, undefined)
    assert.deepEqual((await session.call('resources/subscribe', { uri: 'docs://a' })).result, {})
    const talk = { name: 'talk', arguments: { count: 3 } }
    const opened = await session.open(request('tools/call', talk, 'talk'))
    const first = await opened.events.next()
    assert.equal((await opened.events.rest()).length, 4)
    const tasks = await session.call('tools/call', { name: 'work', task: {} })
    assert.equal(tasks.error?.code, -32603)

    execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited'])
    const deadline = Date.now() + 30_000
    while ((await open()).status !== 200) {
      assert.ok(Date.now() < deadline, 'It never recovers')
      await sleep(50)
    }
    child.kill('SIGKILL')
    await once(child, 'exit')

    const again = spawn(process.execPath, serve, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => again.kill('SIGKILL'))
    const newClient = new HttpClient(t, await listeningPort(again.stdout))
    const [back, ...others] = ids.map((each) => new HttpSession(newClient, each, version, {}))
    for (const each of others) assert.equal((await each.call('ping')).error, undefined)
    if (back === undefined) return assert.fail()
    // What happened while nothing could be written has been written since.
    const replayed = await back.listen(first?.id)
    assert.equal((await replayed.events.rest()).length, 4)
    const listening = await back.listen()
    await back.call('tools/call', { name: 'touch' })
    const message = await listening.events.nextMessage()
    assert.equal(message?.method, 'notifications/resources/updated')
    listening.abort()
  })
})
