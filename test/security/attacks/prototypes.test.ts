import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineServer } from '../../../src/index.ts'
import { serveSecured } from '../../support/secured.ts'

/** Merges as many libraries once did. */
function merge(target: Record<string, never>, source: object): void {
  for (const [name, value] of Object.entries(source)) {
    if (typeof value === 'object' && value !== null && target[name] !== undefined) {
      merge(target[name], value)
    } else target[name] = value as never
  }
}

test('arguments cannot change what all objects have', async (t) => {
  const server = defineServer({ name: 'careless', version: '1' })
  server.tool('merge', { input: { type: 'object' } }, (args) => {
    merge({}, args)
    return 'merged'
  })
  const { client } = await serveSecured(t, server)
  t.after(() => {
    delete (Object.prototype as { polluted?: unknown }).polluted
  })
  const call = (args: string, id = 7) =>
    client.send({
      headers: {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'merge',
      },
      body: `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"merge","arguments":${args},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`,
    })
  for (const args of [
    '{"__proto__":{"polluted":1}}',
    '{"a":[{"b":{"__proto__":{"polluted":1}}}]}',
    '{"\\u005f_proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"constr\\u0075ctor":{"protot\\u0079pe":{"polluted":1}}}',
  ]) {
    const { status, message } = await call(args)
    assert.equal(status, 400, args)
    assert.equal(message.id, 7)
    assert.equal(({} as { polluted?: unknown }).polluted, undefined, args)
  }
  for (const args of [
    '{"constructor":"a builder"}',
    '{"text":"__proto__ and \\u00e9"}',
    '{"prototype":1}',
  ]) {
    assert.equal((await call(args)).status, 200, args)
  }
})
