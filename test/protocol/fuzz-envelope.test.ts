import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { McpError } from '../../src/protocol/errors.ts'
import {
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  isRequestId,
  openEnvelope,
} from '../../src/protocol/json-rpc.ts'
import { parseJson } from '../../src/protocol/json-text.ts'
import { bodyText, jsonValue, mutatedRequest, requestId, runs } from '../support/fuzz.ts'
import { leaksInternals } from '../support/messages.ts'

function hasMember(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, name) || Object.values(value).some((each) => hasMember(each, name))
}

test('26.errors.012: any text is parsed as JSON.parse does, or refused with -32700', () => {
  const check = (text: string): void => {
    let expected: unknown
    try {
      expected = JSON.parse(text)
    } catch {
      assert.throws(
        () => parseJson(text),
        (error) =>
          error instanceof McpError &&
          error.code === 'PARSE_ERROR' &&
          error.message.length < 100 &&
          !leaksInternals(error.message),
      )
      return
    }
    // Elsewhere it would be a member like others, but what copies it would get another prototype.
    if (hasMember(expected, '__proto__')) {
      const isRefused = (error: unknown) =>
        error instanceof McpError && error.code === 'INVALID_REQUEST'
      assert.throws(() => parseJson(text), isRefused)
    } else assert.deepEqual(parseJson(text), expected)
  }
  fc.assert(fc.property(bodyText, check), runs(5000))
})

test('26.errors.013: any value is a request, a notification, a response or a fault with a known code', () => {
  const value = fc.oneof(mutatedRequest, jsonValue, fc.anything())
  fc.assert(
    fc.property(value, (given) => {
      const envelope = openEnvelope(given)
      if (envelope.kind === 'fault') {
        assert.ok([-32600, -32602].includes(envelope.error.rpcCode()))
        assert.ok(envelope.id === undefined || isRequestId(envelope.id))
        return
      }
      const { message } = envelope
      assert.equal(message.jsonrpc, '2.0')
      assert.equal(message, given)
      switch (envelope.kind) {
        case 'request':
          assert.ok(isRequestId(envelope.message.id))
          assert.equal(typeof envelope.message.method, 'string')
          break
        case 'notification':
          assert.ok(!('id' in message) || message.id === undefined)
          break
        case 'response': {
          const { result, error } = envelope.message
          assert.equal(Number(result !== undefined) + Number(error !== undefined), 1)
        }
      }
    }),
    runs(5000),
  )
})

test('what is encoded opens again as the same', () => {
  const result = fc.dictionary(fc.string(), jsonValue)
  fc.assert(
    fc.property(requestId, fc.string({ minLength: 1 }), result, (id, method, members) => {
      // As it comes out of JSON, where -0 is 0 and __proto__ a member like others.
      const given = JSON.parse(JSON.stringify(members))
      const open = (json: string) => openEnvelope(JSON.parse(json))
      assert.deepEqual(open(encodeResult(id, JSON.stringify(given))), {
        kind: 'response',
        message: { jsonrpc: '2.0', id, result: given },
      })
      assert.deepEqual(open(encodeRequest(id, method, given)), {
        kind: 'request',
        message: { jsonrpc: '2.0', id, method, params: given },
      })
      assert.deepEqual(open(encodeNotification(method, given)), {
        kind: 'notification',
        message: { jsonrpc: '2.0', method, params: given },
      })
      const error = new McpError('INVALID_PARAMS', method, { data: given })
      assert.deepEqual(open(encodeError(id, error)), {
        kind: 'response',
        message: { jsonrpc: '2.0', id, error: { code: -32602, message: method, data: given } },
      })
    }),
    runs(),
  )
})

test('26.stdio.002: nothing that is encoded holds a newline', () => {
  const text = fc.string({ unit: fc.constantFrom('\n', '\r', '\u2028', 'a', '"', '\\') })
  fc.assert(
    fc.property(text, (value) => {
      for (const json of [
        encodeNotification(value, { value }),
        encodeRequest(value, value, { value }),
        encodeResult(value, JSON.stringify({ value })),
        encodeError(value, new McpError('INTERNAL_ERROR', value, { data: value })),
      ]) {
        assert.doesNotMatch(json, /[\n\r]/)
      }
    }),
    runs(),
  )
})
