import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectStateless } from '../support/peer.ts'

const makeServer = () => defineServer({ name: 'headers', version: '1' })

suite('x-mcp-header', () => {
  const register = (property: object, more: object = {}) => {
    const input = { type: 'object', properties: { a: property }, ...more }
    makeServer().tool('tool', { input }, () => 'x')
  }
  const bad: [string, object, object?][] = [
    ['26.http.041: empty', { type: 'string', 'x-mcp-header': '' }],
    ['26.http.042: with a space', { type: 'string', 'x-mcp-header': 'My Region' }],
    ['26.http.042: with a colon', { type: 'string', 'x-mcp-header': 'a:b' }],
    ['26.http.042: not ASCII', { type: 'string', 'x-mcp-header': 'Région' }],
    ['26.http.043: with a newline', { type: 'string', 'x-mcp-header': 'a\r\nb' }],
    ['26.http.043: with a tab', { type: 'string', 'x-mcp-header': 'Region\t1' }],
    ['26.http.042: a number', { type: 'string', 'x-mcp-header': 5 }],
    ['26.http.045: on a number', { type: 'number', 'x-mcp-header': 'A' }],
    ['26.http.045: on an object', { type: 'object', 'x-mcp-header': 'A' }],
    ['26.http.045: on an array', { type: 'array', 'x-mcp-header': 'A' }],
    ['26.http.045: on null', { type: 'null', 'x-mcp-header': 'A' }],
    ['26.http.045: on no type', { 'x-mcp-header': 'A' }],
    [
      '26.http.044: twice, in another case',
      { type: 'string', 'x-mcp-header': 'Region' },
      {
        properties: {
          a: { type: 'string', 'x-mcp-header': 'Region' },
          b: { type: 'string', 'x-mcp-header': 'REGION' },
        },
      },
    ],
    ['26.http.048: in items', { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } }],
    ['26.http.048: in anyOf', { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] }],
    ['26.http.048: in $defs', {}, { $defs: { d: { type: 'string', 'x-mcp-header': 'A' } } }],
    ['26.http.047: at the root', {}, { 'x-mcp-header': 'A' }],
  ]
  for (const [name, property, more] of bad) {
    test(`${name}: the tool is refused`, () => {
      assert.throws(() => register(property, more), /Tool "tool": x-mcp-header/)
    })
  }

  test('26.http.039 26.tools.030: where it is allowed it is listed', async (t) => {
    const server = makeServer()
    const input = {
      type: 'object',
      properties: {
        a: { type: 'string', 'x-mcp-header': 'A' },
        'x-mcp-header': { type: 'string' },
        deep: { type: 'object', properties: { b: { type: 'integer', 'x-mcp-header': 'B' } } },
      },
    }
    server.tool('tool', { input }, () => 'x')
    const peer = await connectStateless(t, server)
    assert.deepEqual(list((await peer.request('tools/list')).result?.tools)[0]?.inputSchema, input)
  })
})
