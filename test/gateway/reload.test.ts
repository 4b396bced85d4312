import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { FileGateway } from '../../src/gateway/file-gateway.ts'
import { temporaryFolder } from '../support/folder.ts'
import { callText, connect, fixture, isAlive, until } from './support.ts'

/** A gateway of a file, and what writes the file anew. */
async function open(t: TestContext, mcpServers: object) {
  const path = join(temporaryFolder(t), 'mcp.json')
  const write = (servers: object) =>
    writeFileSync(path, JSON.stringify({ mcpServers: servers }, undefined, 2))
  write(mcpServers)
  const logs: string[] = []
  const served = new FileGateway(path, {
    env: {},
    log: ({ level, upstream = '', text }) => logs.push(`${level} ${upstream} ${text}`),
  })
  t.after(() => served.close())
  await served.gateway.ready()
  const logged = (pattern: RegExp) => until(() => logs.some((line) => pattern.test(line)))
  return { served, gateway: served.gateway, path, write, logged, logs }
}

suite('changing mcp.json', () => {
  test('adds and removes upstreams; sessions and calls in flight go on', async (t) => {
    const { served, gateway, write, logged } = await open(t, { one: fixture(), two: fixture() })
    const client = await connect(t, served)
    const changed = Promise.withResolvers<void>()
    client.setNotificationHandler('notifications/tools/list_changed', () => changed.resolve())
    const pid = await callText(client, 'one__pid')
    const leaving = Number(await callText(client, 'two__pid'))
    const call = callText(client, 'two__wait', { text: '1500' })
    await until(() => gateway.status().upstreams.some(({ running }) => running === 1))

    write({ one: fixture(), three: fixture() })
    await logged(/the new configuration is served/)
    await changed.promise
    // What has not changed was not touched.
    assert.equal(await callText(client, 'one__pid'), pid)
    assert.match(await callText(client, 'three__pid'), /^\d+$/)
    await assert.rejects(callText(client, 'two__pid'), /Unknown tool: two__pid/)
    // The call to what is removed is answered all the same; then its process ends.
    assert.equal(await call, `waited in ${leaving}`)
    await until(() => !isAlive(leaving))
  })

  test('replaces an upstream: the old one serves until the new one runs, and finishes its calls', async (t) => {
    const { served, gateway, write, logged } = await open(t, { one: fixture({}, { V: '1' }) })
    const client = await connect(t, served)
    const before = await callText(client, 'one__pid')
    const call = callText(client, 'one__wait', { text: '2000' })
    await until(() => gateway.status().upstreams[0]?.running === 1)
    let failures = 0
    let isReplaced = false
    const calling = (async () => {
      while (!isReplaced) await callText(client, 'one__echo', { text: 'x' }).catch(() => failures++)
    })()

    write({ one: fixture({}, { V: '2' }) })
    await logged(/is replaced/)
    isReplaced = true
    await calling
    assert.equal(failures, 0)
    assert.notEqual(await callText(client, 'one__pid'), before)
    assert.match(await callText(client, 'one__env'), /"V":"2"/)
    assert.equal(await call, `waited in ${before}`)
    await until(() => !isAlive(Number(before)))
  })

  test('keeps subscriptions over a replacement', async (t) => {
    const { served, write, logged } = await open(t, { one: fixture({}, { V: '1' }) })
    const client = await connect(t, served)
    await client.subscribeResource({ uri: 'fixture://readme' })
    write({ one: fixture({}, { V: '2' }) })
    await logged(/is replaced/)
    const updated = Promise.withResolvers<string>()
    client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
      updated.resolve(params.uri),
    )
    const touching = setInterval(() => void callText(client, 'one__touch'), 50)
    assert.equal(await updated.promise, 'fixture://readme')
    clearInterval(touching)
  })

  test('to something that is not valid is refused with line and reason, and the old one goes on', async (t) => {
    const { served, path, logged, logs } = await open(t, { one: fixture() })
    const client = await connect(t, served)
    const pid = await callText(client, 'one__pid')
    writeFileSync(path, '{\n  "mcpServers": {\n    "one": { "command": 5 }\n  }\n}')
    await logged(/mcp\.json:3:\d+: mcpServers\.one\.command must be a string: the configuration/)
    assert.equal(await callText(client, 'one__pid'), pid)
    rmSync(path)
    await logged(/cannot be read \(ENOENT\)/)
    assert.equal(await callText(client, 'one__pid'), pid)
    assert.equal(logs.filter((line) => /is served/.test(line)).length, 0)
  })

  test('to an upstream that does not start lets the others be, and says why', async (t) => {
    const { served, write, logged } = await open(t, { one: fixture() })
    const client = await connect(t, served)
    write({ one: fixture(), bad: { command: 'no-such-command-anywhere' } })
    await logged(/bad .*ENOENT/)
    assert.match(await callText(client, 'one__pid'), /^\d+$/)
  })
})
