import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { defineServer, type JsonSchema } from '../../src/index.ts'
import { firstText, type Loose, list } from '../support/messages.ts'
import { connectPeer, connectStateful, connectStateless, type Peer } from '../support/peer.ts'
import { assertToolError } from '../support/refusals.ts'

const makeServer = () => defineServer({ name: 'schemas', version: '1' })
const draft07 = 'http://json-schema.org/draft-07/schema#'
const draft2020 = 'https://json-schema.org/draft/2020-12/schema'

async function listed(peer: Peer): Promise<Loose> {
  return list((await peer.request('tools/list')).result?.tools)[0]!
}
const call = (peer: Peer, args: unknown) =>
  peer.request('tools/call', { name: 'tool', arguments: args })

suite('a Standard Schema', () => {
  const schemas = {
    zod: z.object({ n: z.number().int().default(7), s: z.string().optional() }),
    valibot: toStandardJsonSchema(
      v.object({ n: v.optional(v.pipe(v.number(), v.integer()), 7), s: v.optional(v.string()) }),
    ),
    arktype: type({ n: 'number.integer = 7', 's?': 'string' }),
  }
  for (const [library, input] of Object.entries(schemas)) {
    test(`26.tools.023 26.tools.024 26.tools.067: of ${library} is listed as JSON Schema, and applied`, async (t) => {
      const server = makeServer()
      server.tool('tool', { input: input as typeof schemas.zod }, (args) => JSON.stringify(args))
      const peer = await connectStateless(t, server)
      const { inputSchema } = await listed(peer)
      assert.equal(inputSchema?.type, 'object')
      assert.equal(inputSchema.properties?.n?.type, 'integer')
      assert.equal(firstText(await call(peer, {})), '{"n":7}')
      assert.equal(firstText(await call(peer, { n: 3, s: 'x' })), '{"n":3,"s":"x"}')
      assertToolError(await call(peer, { n: 'x' }), /^Invalid arguments for tool tool: n/)
      assertToolError(await call(peer, { n: 1.5 }), /n/)
    })
  }

  test('may transform: handlers get what comes out, lists show what goes in', async (t) => {
    const server = makeServer()
    server.tool(
      'tool',
      {
        input: z.object({ day: z.string().transform((day) => day.toUpperCase()) }),
        output: z.object({ at: z.string().default('noon') }),
      },
      ({ day }) => ({ at: day }),
    )
    const peer = await connectStateless(t, server)
    const { inputSchema, outputSchema } = await listed(peer)
    assert.equal(inputSchema?.properties?.day?.type, 'string')
    assert.equal(outputSchema?.properties?.at?.type, 'string')
    assert.deepEqual((await call(peer, { day: 'mon' })).result?.structuredContent, { at: 'MON' })
  })

  test('may check asynchronously', async (t) => {
    const server = makeServer()
    const even = z.number().refine(async (n) => n % 2 === 0, 'must be even')
    server.tool('tool', { input: z.object({ n: even }) }, ({ n }) => `${n} is even`)
    const peer = await connectStateful(t, server)
    assert.equal(firstText(await call(peer, { n: 2 })), '2 is even')
    assertToolError(await call(peer, { n: 3 }), /n: must be even/)
  })

  test('names at most five problems', async (t) => {
    const server = makeServer()
    const shape = Object.fromEntries([...'abcdefgh'].map((name) => [name, z.string()]))
    server.tool('tool', { input: z.object(shape) }, () => 'never')
    const peer = await connectStateful(t, server)
    assert.equal(firstText(await call(peer, {})).split(';').length, 5)
  })

  test('that cannot say its JSON Schema is refused with advice', () => {
    const input = v.object({ n: v.number() })
    const register = () => makeServer().tool('tool', { input }, () => 'never')
    assert.throws(
      register,
      /Tool "tool": The valibot schema cannot say its JSON Schema.*toStandard/,
    )
  })

  test('26.tools.024 25.tools.005: of anything but an object is refused', () => {
    for (const input of [z.string(), z.union([z.object({}), z.string()])]) {
      assert.throws(
        () => makeServer().tool('tool', { input }, () => 'never'),
        /input must have type "object"/,
      )
    }
  })
})

suite('a JSON Schema', () => {
  const full = {
    $schema: draft2020,
    $id: 'https://example.com/full',
    type: 'object',
    $defs: {
      address: { $anchor: 'address', type: 'object', properties: { zip: { type: 'string' } } },
    },
    properties: {
      home: { $ref: '#address' },
      kind: { enum: ['a', 'b'] },
      pair: { prefixItems: [{ type: 'number' }, { type: 'string' }], items: false },
    },
    allOf: [{ required: ['kind'] }],
    anyOf: [{ required: ['home'] }, { required: ['pair'] }],
    not: { required: ['forbidden'] },
    if: { properties: { kind: { const: 'a' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['home'] },
    else: { required: ['pair'] },
    dependentRequired: { pair: ['kind'] },
    unevaluatedProperties: false,
    'x-vendor': { anything: [1, null] },
  }

  for (const version of ['2026-07-28', '2025-11-25']) {
    test(`26.tools.028 26.base.032 25.base.014: is served exactly as given (${version})`, async (t) => {
      const server = makeServer()
      server.tool('tool', { input: full }, () => 'ok')
      const peer =
        version === '2026-07-28'
          ? await connectStateless(t, server)
          : await connectStateful(t, server)
      assert.equal(JSON.stringify((await listed(peer)).inputSchema), JSON.stringify(full))
    })
  }

  test('26.base.031 26.base.033 26.base.036 25.base.015: of 2020-12 is applied', async (t) => {
    const server = makeServer()
    server.tool('tool', { input: full }, () => 'ok')
    const peer = await connectStateless(t, server)
    assert.equal(firstText(await call(peer, { kind: 'a', home: { zip: '1' } })), 'ok')
    assert.equal(firstText(await call(peer, { kind: 'b', pair: [1, 'x'] })), 'ok')
    for (const args of [
      { kind: 'a', pair: [1, 'x'] },
      { kind: 'b', pair: ['x', 1] },
      { kind: 'b', pair: [1, 'x', 2] },
      { kind: 'a', home: { zip: 1 } },
      { kind: 'a', home: {}, more: 1 },
      { kind: 'a', home: {}, forbidden: 1 },
    ]) {
      assertToolError(await call(peer, args), /Invalid arguments/)
    }
  })

  test('26.base.036: the same words mean what the dialect says', async (t) => {
    // Before 2020-12, an array under `items` gives the items one by one; siblings of $ref do not count.
    const schema = { type: 'object', properties: { pair: { items: [{ type: 'number' }] } } }
    const server = makeServer()
    server.tool('tool', { input: { $schema: draft07, ...schema } }, () => 'ok')
    const peer = await connectStateless(t, server)
    assert.equal((await listed(peer)).inputSchema?.$schema, draft07)
    assert.equal(firstText(await call(peer, { pair: [1, 'x'] })), 'ok')
    assertToolError(await call(peer, { pair: ['x'] }), /pair.0: must be number/)
    assert.throws(
      () => server.tool('other', { input: schema }, () => 'never'),
      /Tool "other": Invalid JSON Schema/,
    )
  })

  test('formats are checked', async (t) => {
    const server = makeServer()
    const input = { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } }
    server.tool('tool', { input }, () => 'ok')
    const peer = await connectStateless(t, server)
    assert.equal(firstText(await call(peer, { at: '2026-07-28T12:00:00Z' })), 'ok')
    assertToolError(await call(peer, { at: 'noon' }), /at: must match format "date-time"/)
  })

  test('26.base.037 25.base.015: of an unsupported dialect is refused by its name', () => {
    for (const $schema of ['urn:x', 'http://json-schema.org/draft-04/schema#', 5]) {
      assert.throws(
        () =>
          makeServer().tool(
            'tool',
            { input: { $schema, type: 'object' } as JsonSchema },
            () => 'x',
          ),
        (error: Error) =>
          error.message.includes(`JSON Schema dialect not supported: ${$schema}`) &&
          error.message.includes(draft2020),
      )
    }
  })

  test('26.base.038 25.base.017 26.tools.027: that is invalid is refused at registration', () => {
    for (const input of [
      { type: 'object', properties: { a: { type: 'strng' } } },
      { type: 'object', required: 'a' },
      { type: 'object', properties: { a: { pattern: '(' } } },
      { type: 'object', properties: { a: { $ref: '#/$defs/none' } } },
    ]) {
      assert.throws(
        () => makeServer().tool('tool', { input: input as JsonSchema }, () => 'x'),
        /Tool "tool": Invalid JSON Schema/,
      )
    }
  })

  test('26.base.039 26.base.041 26.base.045: that leads outside is refused, and nothing is fetched', async (t) => {
    let hits = 0
    const probe = createServer((_, response) => {
      hits += 1
      response.end('{"type":"string"}')
    }).listen(0, '127.0.0.1')
    t.after(() => probe.close())
    await new Promise((resolve) => probe.once('listening', resolve))
    const { port } = probe.address() as AddressInfo
    for (const $ref of [
      `http://127.0.0.1:${port}/schema.json`,
      'file:///etc/passwd',
      'other.json',
    ]) {
      for (const side of ['input', 'output'] as const) {
        const schema = { type: 'object', properties: { a: { $ref } } }
        assert.throws(
          () => makeServer().tool('tool', { [side]: schema }, () => ({}) as never),
          /Invalid JSON Schema: can't resolve reference/,
        )
      }
    }
    assert.equal(hits, 0)
  })

  test('two tools may have schemas of one $id', async (t) => {
    const server = makeServer()
    const input = { $id: 'https://example.com/same', type: 'object' }
    server.tool('tool', { input }, () => 'one')
    server.tool('other', { input: { ...input, required: ['a'] } }, () => 'two')
    const peer = await connectStateless(t, server)
    assert.equal(firstText(await call(peer, {})), 'one')
    const other = await peer.request('tools/call', { name: 'other', arguments: {} })
    assertToolError(other, /required property 'a'/)
  })

  test('26.tools.025 25.tools.006 26.tools.026: none at all means no arguments', async (t) => {
    const server = makeServer()
    server.tool('tool', {}, (args) => JSON.stringify(args))
    const peer = await connectStateful(t, server)
    const { inputSchema } = await listed(peer)
    assert.deepEqual(inputSchema, { type: 'object', additionalProperties: false })
    // 26.tools.016
    assert.equal(firstText(await peer.request('tools/call', { name: 'tool' })), '{}')
  })

  test('26.base.046: a schema that refers to itself, and deep arguments, end quickly', async (t) => {
    const server = makeServer()
    const input = {
      type: 'object',
      $defs: {
        node: {
          anyOf: [
            { type: 'null' },
            { type: 'object', properties: { next: { $ref: '#/$defs/node' } } },
          ],
        },
      },
      properties: { list: { $ref: '#/$defs/node' } },
    }
    server.tool('tool', { input }, () => 'ok')
    const options = { json: { maxDepth: 1e6 } }
    const peer = (await connectPeer(t, server, options)).goStateless()
    let deep: object | null = null
    for (let depth = 0; depth < 3000; depth += 1) deep = { next: deep }
    const start = performance.now()
    const answer = await call(peer, { list: deep })
    assert.ok(performance.now() - start < 1000)
    assert.ok(answer.result !== undefined || answer.error?.code === -32603)
    assert.equal(firstText(await call(peer, { list: { next: null } })), 'ok')
  })
})
