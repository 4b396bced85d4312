import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { serveHttp } from '../../src/http.ts'
import { connectInMemory } from '../../src/memory.ts'
import { temporaryFolder } from '../support/folder.ts'
import { callText, eras, fixture, installed, isAlive, openGateway, until } from './support.ts'

/** A client that says who it is. */
async function connectAs(t: TestContext, url: string, subject: string, era: string) {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: era === '2025-11-25' ? 'legacy' : { pin: era } } },
  )
  const headers = { authorization: `Bearer ${subject}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  )
  t.after(() => client.close())
  return client
}

suite('clients that are kept apart by identity', () => {
  test('share a process with their own sessions and requests, in either era, and with no other', async (t) => {
    const { gateway } = await openGateway(t, {
      up: fixture({ isolation: 'identity', idleStopMs: 60_000 }),
    })
    const listener = await serveHttp(gateway, {
      port: 0,
      drainMs: 0,
      authenticate: ({ getHeader }) => ({
        subject: (getHeader('authorization') ?? '').replace('Bearer ', ''),
      }),
    })
    t.after(() => listener.close())
    const pids = new Map<string, Set<string>>()
    for (const subject of ['ada', 'bob']) {
      for (const era of [...eras, '2025-11-25']) {
        const client = await connectAs(t, listener.url, subject, era)
        const seen = pids.get(subject) ?? new Set()
        pids.set(subject, seen.add(await callText(client, 'up__pid')))
      }
    }
    const [ada = [], bob = []] = [...pids.values()].map((seen) => [...seen])
    assert.equal(ada.length, 1)
    assert.equal(bob.length, 1)
    assert.notEqual(ada[0], bob[0])
  })
})

suite('a server of a session alone', () => {
  test('works in the roots of its client, and hears when they change', async (t) => {
    const folder = temporaryFolder(t)
    const [one, other] = [join(folder, 'one'), join(folder, 'other')]
    for (const each of [one, other]) mkdirSync(each)
    const { gateway } = await openGateway(t, {
      files: {
        command: installed('mcp-server-filesystem'),
        args: [folder],
        tsmcp: { isolation: 'session' },
      },
    })
    let root = one
    const client = new Client(
      { name: 'test', version: '1' },
      { capabilities: { roots: { listChanged: true } }, versionNegotiation: { mode: 'legacy' } },
    )
    client.setRequestHandler('roots/list', async () => ({ roots: [{ uri: `file://${root}` }] }))
    await client.connect(connectInMemory(gateway) as never)
    t.after(() => client.close())
    const allowed = () => callText(client, 'files__list_allowed_directories')
    const becomes = async (path: string) => {
      while (!(await allowed()).endsWith(path))
        await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await becomes(one)
    root = other
    await client.sendRootsListChanged()
    await becomes(other)
  })

  test('ends when its client is gone, and is another for the next', async (t) => {
    const { gateway } = await openGateway(t, { up: fixture({ isolation: 'session' }) })
    const listener = await serveHttp(gateway, { port: 0, drainMs: 0 })
    t.after(() => listener.close())
    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: 'legacy' } },
    )
    const transport = new StreamableHTTPClientTransport(new URL(listener.url))
    await client.connect(transport)
    const pid = Number(await callText(client, 'up__pid'))
    assert.equal(isAlive(pid), true)
    await transport.terminateSession()
    await client.close()
    await until(() => !isAlive(pid))
  })
})
