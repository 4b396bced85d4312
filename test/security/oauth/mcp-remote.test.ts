/** mcp-remote, by which desktop hosts sign in: it is sent to the browser, which is us. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { serveHttp } from '../../../src/http.ts'
import { oauth } from '../../../src/security.ts'
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { protectedServer } from '../../support/protected.ts'

const program = fileURLToPath(new URL('../../../node_modules/.bin/mcp-remote', import.meta.url))

/** Starts it, and goes wherever it sends its user. */
async function connect(t: TestContext, url: string, login: AuthorizationServer) {
  const home = mkdtempSync(join(tmpdir(), 'tsmcp-mcp-remote-'))
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, url, '--allow-http', '--transport', 'http-only'],
    // Without a PATH it finds no browser.
    env: { HOME: home, PATH: '' },
    stderr: 'pipe',
  })
  const client = new Client({ name: 'host', version: '1' })
  t.after(async () => {
    await client.close()
    rmSync(home, { recursive: true, force: true })
  })
  const sentTo: URL[] = []
  let said = ''
  transport.stderr?.on('data', (chunk) => {
    said += chunk
    for (const [, place = ''] of said.matchAll(/visiting:\s*(http\S+)\s/g)) {
      if (sentTo.some(({ href }) => href === place)) continue
      const start = new URL(place)
      sentTo.push(start)
      // Its callback listens on this machine.
      void login.authorize(start).then((back) => fetch(back))
    }
  })
  await client.connect(transport)
  return { client, sentTo }
}

test('26.auth.006: signs in with DCR, calls a tool, and steps up', {
  timeout: 120_000,
}, async (t) => {
  const fixture = protectedServer()
  const placeholder = await serveHttp(fixture.server, { port: 0, drainMs: 0 })
  const { url: resource, port } = placeholder
  await placeholder.close()
  const login = await startAuthorizationServer(t, { resource })
  const auth = oauth({ resource, issuers: [login.issuer], requiredScopes: ['mcp'] })
  const listener = await serveHttp(fixture.server, { port, drainMs: 0, authenticate: auth })
  t.after(() => listener.close())
  const { client, sentTo } = await connect(t, resource, login)
  await client.callTool({ name: 'whoami' })
  assert.equal(fixture.callers[0]?.subject, 'alice')
  assert.ok(login.asked.includes('/reg'))
  assert.equal(sentTo.length, 1)
  assert.match(sentTo[0]?.searchParams.get('scope') ?? '', /\bmcp\b/)
  assert.equal(sentTo[0]?.searchParams.get('resource'), resource)

  await client.callTool({ name: 'write' })
  assert.deepEqual(fixture.ran, ['whoami', 'write'])
  assert.equal(sentTo.length, 2)
  assert.match(sentTo[1]?.searchParams.get('scope') ?? '', /files:write/)
})
