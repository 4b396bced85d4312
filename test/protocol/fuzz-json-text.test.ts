import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { McpError } from '../../src/protocol/errors.ts'
import { idInText, parseJson } from '../../src/protocol/json-text.ts'
import { bodyText, requestId, runs } from '../support/fuzz.ts'

const value = fc.jsonValue({ maxDepth: 6 })
const bounds = { maxDepth: 4, maxItems: 5, maxStringLength: 8 }

/** What a value has most of, found out by walking through it. */
function sizesOf(given: unknown): { depth: number; items: number; length: number } {
  if (typeof given === 'string') {
    return { depth: 0, items: 0, length: JSON.stringify(given).length - 2 }
  }
  if (typeof given !== 'object' || given === null) return { depth: 0, items: 0, length: 0 }
  const names = Array.isArray(given) ? [] : Object.keys(given)
  const inner = [...Object.values(given), ...names].map(sizesOf)
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    items: Math.max(Object.keys(given).length, ...inner.map(({ items }) => items)),
    length: Math.max(0, ...inner.map(({ length }) => length)),
  }
}

test('what is within the bounds is parsed, what is not is refused, and nothing else', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, 2), (given, indent) => {
      const text = JSON.stringify(given, undefined, indent)
      const { depth, items, length } = sizesOf(JSON.parse(text))
      const isWithin =
        depth <= bounds.maxDepth && items <= bounds.maxItems && length <= bounds.maxStringLength
      const pollutes = text.includes('__proto__')
      if (isWithin && !pollutes) assert.deepEqual(parseJson(text, bounds), JSON.parse(text))
      else if (!isWithin) {
        assert.throws(
          () => parseJson(text, bounds),
          (error) => error instanceof McpError && error.code === 'INVALID_REQUEST',
        )
      }
    }),
    runs(5000),
  )
})

test('the id of a refused message is found wherever it stands, and nowhere else', () => {
  fc.assert(
    fc.property(requestId, value, fc.boolean(), (id, params, isFirst) => {
      const message = isFirst ? { id, params } : { params: { id: 'inner', params }, id }
      assert.equal(idInText(JSON.stringify(message)), id)
      assert.equal(idInText(JSON.stringify({ params: { id } })), undefined)
    }),
    runs(),
  )
})

test('any text has an id or none', () => {
  fc.assert(
    fc.property(bodyText, (text) => {
      const id = idInText(text)
      assert.ok(id === undefined || typeof id === 'string' || Number.isSafeInteger(id))
    }),
    runs(5000),
  )
})
