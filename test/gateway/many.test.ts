import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveHttp } from '../../src/http.ts'
import { defineServer } from '../../src/index.ts'
import { connectStateful } from '../support/peer.ts'
import { openGateway } from './support.ts'

const upstreamCount = 200
const toolCount = 50

test('200 upstreams of 50 tools are listed as one, from bytes', async (t) => {
  const server = defineServer({ name: 'many', version: '1.0.0' })
  for (let index = 0; index < toolCount; index++) {
    server.tool(
      `tool_${index}`,
      {
        description: `The tool of number ${index}, which says what it was given`,
        input: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
      },
      ({ text }) => String(text),
    )
  }
  const listener = await serveHttp(server, { port: 0, drainMs: 0 })
  t.after(() => listener.close())
  const before = process.memoryUsage()
  const { gateway } = await openGateway(
    t,
    Object.fromEntries(
      Array.from({ length: upstreamCount }, (_, index) => [`up${index}`, { url: listener.url }]),
    ),
    { listWaitMs: 60_000 },
  )
  const peer = await connectStateful(t, gateway)
  const list = async () => {
    const names: string[] = []
    let cursor: unknown
    let pages = 0
    do {
      const { result } = await peer.request('tools/list', cursor === undefined ? {} : { cursor })
      const tools = (result?.tools ?? []) as unknown as { name: string }[]
      for (const { name } of tools) names.push(name)
      cursor = result?.nextCursor
      pages++
    } while (cursor !== undefined)
    return { names, pages }
  }
  const { names, pages } = await list()
  assert.equal(names.length, upstreamCount * toolCount)
  assert.equal(new Set(names).size, names.length)
  assert.equal(pages, 10)
  assert.deepEqual(
    gateway.status().held.filter(({ kind }) => kind === 'tool'),
    [],
  )
  const called = await peer.request('tools/call', {
    name: 'up199__tool_49',
    arguments: { text: 'the last' },
  })
  assert.equal(called.result?.content?.[0]?.text, 'the last')

  const startedAt = performance.now()
  const rounds = 20
  for (let round = 0; round < rounds; round++) await peer.request('tools/list')
  const ms = (performance.now() - startedAt) / rounds
  const { rss, heapUsed } = process.memoryUsage()
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
  t.diagnostic(
    `a page of 1000 tools in ${ms.toFixed(2)} ms, parsed by its client; ` +
      `${mebibytes(rss - before.rss)} MiB more in memory, of them heap ${mebibytes(heapUsed - before.heapUsed)}`,
  )
})
