import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineServer } from '../../../src/index.ts'
import { runCli } from '../../cli/fake-io.ts'
import { serveSecured } from '../../support/secured.ts'

test('what a caller sends makes one record, whatever it holds', async (t) => {
  const server = defineServer({ name: 'target', version: '1' })
  const evil = 'x\n{"seq":1,"event":"request","who":"root","outcome":"ok"}\r\n\u2028\u001b[2J\u0000'
  const callers = { e: { subject: evil } }
  const secured = await serveSecured(t, server, { audit: {}, callers })
  const named = `=?base64?${Buffer.from(evil).toString('base64')}?=`
  await secured.client.stateless(
    'tools/call',
    { name: evil, arguments: { [evil]: evil } },
    {
      headers: { authorization: 'Bearer e', 'mcp-name': named },
    },
  )
  const before = await secured.records()
  const [name = ''] = readdirSync(secured.directory).filter((each) => each.endsWith('.jsonl'))
  const text = readFileSync(join(secured.directory, name), 'utf8')
  assert.equal(text.split('\n').length - 1, before.length)
  const request = before.find(({ event }) => event === 'request')
  assert.equal(request?.who, evil)
  assert.equal(request?.object, `tool:${evil}`)
  assert.deepEqual(
    before.map(({ seq }) => seq),
    before.map((_, index) => index + 1),
  )

  const { exitCode, out } = await runCli(['audit', 'verify', secured.directory])
  assert.equal(exitCode, 0, out)
  const shown = await runCli(['audit', 'query', secured.directory], { columns: 200 })
  assert.ok(!shown.out.includes('\u001b'))
})
