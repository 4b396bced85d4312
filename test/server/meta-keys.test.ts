import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { checkMeta } from '../../src/protocol/meta.ts'

const own = [
  'name',
  'com.example/x',
  'com.example.mcp/x',
  'example/x',
  'mcp/x',
  'modelcontextprotocol/x',
  'mcpx.dev/x',
  'io.mcp-tools/x',
]
const specified = [
  'io.modelcontextprotocol/related-task',
  'io.modelcontextprotocol/model-immediate-response',
  'io.modelcontextprotocol/serverInfo',
]
const reservedSince1125 = ['dev.mcp/x', 'com.mcp.tools/x', 'io.modelcontextprotocol/x', 'COM.MCP/x']
const reservedIn0618 = [
  'mcp.dev/x',
  'modelcontextprotocol.io/x',
  'api.modelcontextprotocol.org/x',
  'a.b.mcp.c/x',
]
const malformed = ['', '/x', '-x', 'a b', '.com/x', 'com..example/x', 'com.example/x/y', 'x.']

suite('a key of _meta', () => {
  test('may be the server’s own, or one that the specification defines', () => {
    for (const key of [...own, ...specified]) checkMeta({ [key]: 1 })
    checkMeta(undefined)
  })

  const server = defineServer({ name: 's', version: '1' })
  const register: Record<string, (_meta: Record<string, unknown>) => unknown> = {
    tool: (_meta) => server.tool('t', { _meta }, () => 'x'),
    prompt: (_meta) => server.prompt('p', { _meta }, () => 'x'),
    resource: (_meta) => server.resource('docs://r', { _meta }, () => 'x'),
    template: (_meta) => server.resourceTemplate('docs://{t}', { _meta }, () => 'x'),
  }
  for (const [what, add] of Object.entries(register)) {
    test(`26.base.051: of a ${what} cannot have a reserved prefix`, () => {
      for (const key of reservedSince1125) {
        assert.throws(() => add({ [key]: 1 }), /is reserved for the protocol/, key)
      }
    })

    test(`0618.base.003: of a ${what} cannot have a prefix that 2025-06-18 reserves`, () => {
      for (const key of reservedIn0618) {
        assert.throws(() => add({ [key]: 1 }), /is reserved for the protocol/, key)
      }
    })

    test(`26.base.050: of a ${what} has the form of a key`, () => {
      for (const key of malformed)
        assert.throws(() => add({ [key]: 1 }), /Not a key for _meta/, key)
    })
  }
})
