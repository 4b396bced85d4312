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
  const steppingUp = Promise.withResolvers<URL>()
  let said = ''
  transport.stderr?.on('data', (chunk) => {
    said += chunk
    for (const [, place = ''] of said.matchAll(/visiting:\s*(http\S+)\s/g)) {
      if (sentTo.some(({ href }) => href === place)) continue
      const start = new URL(place)
      sentTo.push(start)
      if (sentTo.length === 1) void login.authorize(start).then((back) => fetch(back))
      else steppingUp.resolve(start)
    }
  })
  await client.connect(transport)
  return { client, sentTo, steppingUp: steppingUp.promise }
}

test('26.auth.006: signs in with DCR, calls a tool, and asks its user again when one needs more', {
  timeout: 120_000,
}, async (t) => {
  const fixture = protectedServer()
  const placeholder = await serveHttp(fixture.server, { port: 0, drainMs: 0 })
  const { url: resource, port } = placeholder
  await placeholder.close()
  const login = await startAuthorizationServer(t, { resource })
  const auth = oauth({
    resource,
    issuers: [login.issuer],
    requiredScopes: ['mcp'],
    initialScopes: ['files:read'],
  })
  const listener = await serveHttp(fixture.server, { port, drainMs: 0, authenticate: auth })
  t.after(() => listener.close())
  const { client, sentTo, steppingUp } = await connect(t, resource, login)
  await client.callTool({ name: 'whoami' })
  assert.equal(fixture.callers[0]?.subject, 'alice')
  assert.ok(login.asked.includes('/reg'))
  assert.equal(sentTo.length, 1)
  const scopes = sentTo[0]?.searchParams.get('scope')?.split(' ').toSorted()
  assert.deepEqual(scopes, ['files:read', 'mcp', 'offline_access'])
  assert.equal(sentTo[0]?.searchParams.get('resource'), resource)
  await client.readResource({ uri: 'vault://ledger' })

  // It sends its user away and does not wait for them to come back: no callback listens any more.
  const call = client.callTool({ name: 'write' }).catch(() => undefined)
  const wider = (await steppingUp).searchParams.get('scope')?.split(' ').toSorted()
  assert.deepEqual(wider, ['files:read', 'files:write', 'mcp', 'offline_access'])
  assert.deepEqual(fixture.ran, ['whoami'])
  await client.close()
  await call
})
