import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Supervision } from '../../src/gateway/upstream/supervision.ts'
import { temporaryFolder } from '../support/folder.ts'
import { callText, connect, fixture, isAlive, openGateway, until } from './support.ts'

const quick = { restarts: { firstDelayMs: 20, maxDelayMs: 50 } }

suite('an upstream that fails', () => {
  test('is started again, and only the calls in flight fail, with an error that says why', async (t) => {
    const { gateway } = await openGateway(t, { up: fixture(quick), other: fixture() })
    const client = await connect(t, gateway)
    const before = await callText(client, 'up__pid')
    const waiting = assert.rejects(callText(client, 'up__wait', { text: '60000' }), /Upstream up: /)
    await assert.rejects(callText(client, 'up__exit'), /Upstream up: .*ended/)
    await waiting
    // The next call waits for the start.
    const after = await callText(client, 'up__pid')
    assert.notEqual(after, before)
    assert.equal(isAlive(Number(before)), false)
    const [other, up] = gateway.status().upstreams
    assert.equal(up?.restarts, 1)
    assert.equal(up?.state, 'ready')
    assert.equal(other?.restarts, 0)
  })

  test('is put into quarantine with the reason when it fails too often', async (t) => {
    const entry = fixture(
      { restarts: { max: 2, firstDelayMs: 10, maxDelayMs: 10 } },
      { FIXTURE_FAIL: 'no database at db:5432' },
    )
    const { gateway, logged } = await openGateway(t, { up: entry, well: fixture() })
    const { text, level } = await logged(/in quarantine/)
    assert.equal(level, 'error')
    assert.match(text, /its process ended with code 3 \(no database at db:5432\)/)
    const [up] = gateway.status().upstreams
    assert.equal(up?.state, 'quarantined')
    assert.match(up?.reason ?? '', /no database/)
    // The others are served meanwhile.
    const client = await connect(t, gateway)
    assert.equal(await callText(client, 'well__echo', { text: 'a' }), 'a')
    await assert.rejects(callText(client, 'up__echo'), /Unknown tool/)
  })

  test('comes out of quarantine by a later start', async (t) => {
    const folder = temporaryFolder(t)
    const flag = join(folder, 'ok')
    const script = `test -e ${flag} || exit 7; exec ${process.execPath} ${fixture().args[0]}`
    const entry = {
      command: '/bin/sh',
      args: ['-c', script],
      tsmcp: { restarts: { max: 1, firstDelayMs: 10 }, quarantineMs: 200 },
    }
    const { gateway, logged } = await openGateway(t, { up: entry })
    await logged(/in quarantine/)
    writeFileSync(flag, '')
    const client = await connect(t, gateway)
    const listed = Promise.withResolvers<void>()
    client.setNotificationHandler('notifications/tools/list_changed', () => listed.resolve())
    await listed.promise
    assert.equal(await callText(client, 'up__echo', { text: 'b' }), 'b')
  })

  test('that cannot be started at all is said to be so', async (t) => {
    const { gateway } = await openGateway(t, { up: { command: 'no-such-command-anywhere' } })
    const [up] = gateway.status().upstreams
    assert.notEqual(up?.state, 'ready')
    assert.match(up?.reason ?? '', /ENOENT/)
  })

  test('by not answering pings any more is ended and started again', async (t) => {
    const { gateway, logged } = await openGateway(t, {
      up: fixture({ ...quick, probeIntervalMs: 100, probeTimeoutMs: 500 }),
    })
    const client = await connect(t, gateway)
    const pid = Number(await callText(client, 'up__pid'))
    await callText(client, 'up__freeze').catch(() => {})
    await logged(/does not answer ping/)
    await logged(/is back/)
    assert.equal(isAlive(pid), false)
    assert.equal(await callText(client, 'up__echo', { text: 'c' }), 'c')
  })

  test('rests longer each time, and is quarantined beyond its restart intensity', () => {
    const limits = { max: 3, withinMs: 1000, firstDelayMs: 100, maxDelayMs: 300 }
    const supervision = new Supervision(limits, 5000)
    const delays = [0, 1, 2].map((atMs) => supervision.failed('why', atMs).delayMs)
    assert.deepEqual(delays, [100, 200, 300])
    assert.equal(supervision.isQuarantined(3), false)
    assert.deepEqual(supervision.failed('why', 3), { kind: 'quarantine', delayMs: 5000 })
    assert.equal(supervision.isQuarantined(5002), true)
    assert.equal(supervision.restMs(5002), 1)
    assert.equal(supervision.isQuarantined(5003), false)
    // After that it has its restarts again.
    assert.equal(supervision.failed('why', 5004).kind, 'rest')
  })
})

suite('an upstream', () => {
  test('that starts on demand runs once to be known, stops when idle, and starts for a call', async (t) => {
    const starts = join(temporaryFolder(t), 'starts')
    writeFileSync(starts, '')
    const entry = fixture({ start: 'on-demand', idleStopMs: 1 }, { FIXTURE_STARTS: starts })
    const { gateway } = await openGateway(t, { up: entry })
    const pids = () => readFileSync(starts, 'utf8').trim().split('\n').map(Number)
    await until(() => gateway.status().upstreams[0]?.state === 'stopped')
    await until(() => !pids().some(isAlive))
    assert.equal(pids().length, 1)
    const client = await connect(t, gateway)
    // What it offers is still known.
    assert.ok((await client.listTools()).tools.some(({ name }) => name === 'up__echo'))
    assert.equal(pids().length, 1)
    assert.equal(await callText(client, 'up__echo', { text: 'd' }), 'd')
    assert.equal(pids().length, 2)
  })

  test('ends with all that it has started', async (t) => {
    const { gateway } = await openGateway(t, { up: fixture(quick) })
    const client = await connect(t, gateway)
    const child = Number(await callText(client, 'up__child'))
    assert.equal(isAlive(child), true)
    // Also when it ends by itself.
    await assert.rejects(callText(client, 'up__exit'))
    await until(() => !isAlive(child))
    const second = Number(await callText(client, 'up__child'))
    const pid = Number(await callText(client, 'up__pid'))
    await gateway.close()
    await until(() => !isAlive(second) && !isAlive(pid))
  })

  test('does not outlive a gateway that is killed, nor does what it has started', async (t) => {
    const program = fileURLToPath(new URL('./fixture-gateway.ts', import.meta.url))
    const gateway = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => gateway.kill('SIGKILL'))
    let said = ''
    gateway.stdout.setEncoding('utf8').on('data', (chunk) => {
      said += chunk
    })
    await until(() => said.includes('\n'))
    const pids = said.trim().split(' ').map(Number)
    assert.equal(pids.length, 2)
    assert.ok(pids.every(isAlive))
    gateway.kill('SIGKILL')
    await until(() => !pids.some(isAlive))
  })

  test('may use no more than its limits', async (t) => {
    const { gateway, logs } = await openGateway(t, {
      up: {
        command: '/bin/sh',
        args: [
          '-c',
          `ulimit -n >&2; ulimit -t >&2; ulimit -d >&2; exec ${process.execPath} ${fixture().args[0]}`,
        ],
        tsmcp: { limits: { openFiles: 321, cpuSeconds: 654, memoryMb: 1024 } },
      },
    })
    const client = await connect(t, gateway)
    assert.equal(await callText(client, 'up__echo', { text: 'e' }), 'e')
    const lines = logs.map(({ text }) => text)
    for (const limit of ['321', '654', '1048576']) assert.ok(lines.includes(limit), limit)
  })
})

suite('clients that are kept apart', () => {
  test('by session have a process each, which ends with the session', async (t) => {
    const { gateway } = await openGateway(t, { up: fixture({ isolation: 'session' }) })
    const [one, other] = [await connect(t, gateway), await connect(t, gateway)]
    const pids = [await callText(one, 'up__pid'), await callText(other, 'up__pid')].map(Number)
    assert.notEqual(pids[0], pids[1])
    assert.equal(Number(await callText(one, 'up__pid')), pids[0])
    await one.close()
    await until(() => !isAlive(pids[0] as number))
    assert.equal(isAlive(pids[1] as number), true)
  })

  test('by session are each asked their own questions, at the same time', async (t) => {
    const { gateway } = await openGateway(t, {
      up: fixture({ isolation: 'session', revisions: ['2025-11-25'] }),
    })
    const names = ['Ada', 'Bob', 'Eve']
    const clients = await Promise.all(
      names.map((name) => connect(t, gateway, '2025-11-25', { name })),
    )
    const answers = await Promise.all(clients.map((client) => callText(client, 'up__ask')))
    assert.deepEqual(
      answers,
      names.map((name) => `accept ${name}`),
    )
    const roots = await Promise.all(clients.map((client) => callText(client, 'up__roots')))
    for (const [index, name] of names.entries()) assert.ok(roots[index]?.includes(name))
  })

  test('and are more than there may be processes are told to come again', async (t) => {
    const { gateway } = await openGateway(t, {
      up: fixture({ isolation: 'session', maxConnections: 1 }),
    })
    const [one, other] = [await connect(t, gateway), await connect(t, gateway)]
    const call = callText(one, 'up__wait', { text: '500' })
    await until(() => gateway.status().upstreams[0]?.running === 1)
    await assert.rejects(callText(other, 'up__pid'), /connections are in use/)
    await call
    // One that is idle makes room.
    assert.match(await callText(other, 'up__pid'), /^\d+$/)
  })

  test('not: a question that could be for several is not asked of the wrong one', async (t) => {
    const { gateway } = await openGateway(t, { up: fixture({ revisions: ['2025-11-25'] }) })
    const [one, other] = [await connect(t, gateway), await connect(t, gateway)]
    const call = callText(one, 'up__wait', { text: '500' })
    await until(() => gateway.status().upstreams[0]?.running === 1)
    const result = await other.callTool({ name: 'up__ask', arguments: {} }).catch(String)
    assert.match(JSON.stringify(result), /could belong to requests of several clients/)
    await call
    // When there is no doubt, it is.
    assert.equal(await callText(other, 'up__ask'), 'accept Ada')
  })

  test('not, with several processes: a busy one is helped by another', async (t) => {
    const { gateway } = await openGateway(t, { up: fixture({ maxConnections: 2 }) })
    const client = await connect(t, gateway)
    const calls = [1, 2, 3].map(() => callText(client, 'up__wait', { text: '300' }))
    await Promise.all(calls)
    await until(() => gateway.status().upstreams[0]?.connections === 2)
    const pids = await Promise.all(
      [1, 2, 3, 4].map(() => callText(client, 'up__wait', { text: '50' })),
    )
    assert.equal(new Set(pids).size, 2)
  })
})
