import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { answer, eras } from './connect.ts'

for (const framework of ['hono', 'fastify']) {
  test(`the server inside ${framework} answers both eras, and ends on SIGTERM`, async (t) => {
    const { child, url } = await start(t, `in-${framework}.ts`)
    for (const { versionNegotiation } of eras) {
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation })
      await client.connect(new StreamableHTTPClientTransport(new URL(url)))
      assert.deepEqual(await answer(client, 'typical_weather', { city: 'Cairo', month: 1 }), {
        celsius: 14,
        chance_of_rain: 0.01,
      })
      await client.close()
    }
    const page = await fetch(new URL('/', url))
    assert.equal(await page.text(), 'An app with weather at /mcp')
    const malformed = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{',
    })
    assert.equal(malformed.status, 400)
    const { error } = (await malformed.json()) as { error: { code: number } }
    assert.equal(error.code, -32700)

    child.kill('SIGTERM')
    const [exitCode] = await once(child, 'exit')
    assert.equal(exitCode, 0)
  })
}

async function start(t: TestContext, name: string): Promise<{ child: ChildProcess; url: string }> {
  const file = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) return { child, url: line }
  throw new Error(`${name} ended before it listened`)
}
