import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { McpError } from '../../src/protocol/errors.ts'
import { checkHeaderParameters, headerParameters } from '../../src/protocol/header-parameters.ts'
import { checkStandardHeaders, decodeHeaderValue } from '../../src/protocol/headers.ts'
import { jsonValue, memberName, runs } from '../support/fuzz.ts'

/** As the specification has a client encode a value (26.http.053, 26.http.054, 26.http.057). */
function encode(value: string): string {
  const isPlain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value) || value === ''
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=')
  if (isPlain && !looksEncoded) return value
  return `=?base64?${Buffer.from(value).toString('base64')}?=`
}
const isMismatch = (error: unknown): boolean =>
  error instanceof McpError && error.code === 'HEADER_MISMATCH'

const text = fc.oneof(
  fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed()),
  fc.string(),
  fc.string().map((value) => `=?base64?${value}?=`),
  fc.string().map((value) => `  ${value}\t`),
)

test('26.http.056 26.http.057: every value survives the encoding of a header', () => {
  fc.assert(
    fc.property(text, (value) => assert.equal(decodeHeaderValue('X', encode(value)), value)),
    runs(5000),
  )
})

test('26.http.060 26.http.072: any raw value decodes or is a header mismatch, in no time', () => {
  const raw = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String().map((value) => `=?base64?${value}?=`),
    fc.uint8Array().map((bytes) => `=?base64?${Buffer.from(bytes).toString('base64')}?=`),
    fc.string({ unit: fc.constantFrom(' ', '\t', 'a', '=', '?'), maxLength: 2000 }),
  )
  const start = performance.now()
  fc.assert(
    fc.property(raw, (value) => {
      try {
        assert.equal(typeof decodeHeaderValue('X', value), 'string')
      } catch (error) {
        assert.ok(isMismatch(error), String(error))
      }
    }),
    runs(5000),
  )
  assert.ok(performance.now() - start < 20_000)
})

test('26.http.070: a header agrees with the body exactly when it encodes the same name', () => {
  fc.assert(
    fc.property(text, text, fc.boolean(), (name, other, isSame) => {
      const headers: Record<string, string> = {
        'mcp-method': 'tools/call',
        'mcp-name': encode(isSame ? name : other),
      }
      const check = () => checkStandardHeaders((each) => headers[each], 'tools/call', { name })
      if (isSame || name === other) check()
      else assert.throws(check, isMismatch)
    }),
    runs(),
  )
})

test('26.http.061: argument headers agree exactly when they encode the arguments', () => {
  const parameters = headerParameters({
    type: 'object',
    properties: {
      s: { type: 'string', 'x-mcp-header': 'S' },
      i: { type: 'integer', 'x-mcp-header': 'I' },
      b: { type: 'boolean', 'x-mcp-header': 'B' },
    },
  })
  const args = fc.record({ s: text, i: fc.maxSafeInteger(), b: fc.boolean() }, { requiredKeys: [] })
  const change = fc.option(fc.constantFrom('s', 'i', 'b'), { nil: undefined })
  fc.assert(
    fc.property(args, change, (given, changed) => {
      const headers = new Map(
        Object.entries(given).map(([name, value]) => [`mcp-param-${name}`, encode(String(value))]),
      )
      const check = () => checkHeaderParameters(parameters, given, (name) => headers.get(name))
      check()
      if (changed === undefined) return
      const header = `mcp-param-${changed}`
      headers.set(header, `${headers.get(header) ?? ''}x`)
      assert.throws(check, isMismatch)
    }),
    runs(),
  )
})

test('26.http.062: whatever arguments and headers there are, the check passes or is a mismatch', () => {
  const parameters = headerParameters({
    type: 'object',
    properties: {
      a: { type: 'string', 'x-mcp-header': 'A' },
      toString: { type: 'boolean', 'x-mcp-header': 'B' },
      deep: { properties: { x: { type: 'integer', 'x-mcp-header': 'C' } } },
    },
  })
  const name = fc.oneof(memberName, fc.constantFrom('a', 'toString', 'deep'))
  const args = fc.dictionary(name, fc.oneof(jsonValue, fc.dictionary(name, jsonValue)))
  fc.assert(
    fc.property(args, fc.option(fc.string(), { nil: undefined }), (given, raw) => {
      try {
        checkHeaderParameters(parameters, given, () => raw)
      } catch (error) {
        assert.ok(isMismatch(error), String(error))
      }
    }),
    runs(),
  )
})
