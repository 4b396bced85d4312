import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { errorTable, McpError } from '../../src/protocol/errors.ts'
import { revisions } from '../../src/protocol/revisions/index.ts'
import { leaksInternals } from '../support/messages.ts'

/** What each code means, in the specification's own table. */
const specified = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  HEADER_MISMATCH: -32020,
  MISSING_CLIENT_CAPABILITY: -32021,
  UNSUPPORTED_VERSION: -32022,
}

suite('the error table', () => {
  test('26.errors.001 26.errors.006: has the codes that the specification gives', () => {
    for (const [code, number] of Object.entries(specified)) {
      assert.equal(errorTable[code as keyof typeof specified].rpcCode, number)
    }
    const others = Object.entries(errorTable).filter(([code]) => !(code in specified))
    for (const [code, { rpcCode }] of others) {
      assert.ok(![-32020, -32021, -32022, -32700].includes(rpcCode), code)
    }
  })

  test('26.errors.002 26.errors.003 26.errors.005 26.errors.007 26.errors.008 25.versioning.009: no revision sends a code that is not its own', () => {
    const own: Record<string, number[]> = {
      '2026-07-28': [-32020, -32021, -32022],
      '2025-11-25': [-32002, -32042],
    }
    for (const { name, errorCodes } of revisions) {
      for (const code of Object.keys(errorTable) as (keyof typeof errorTable)[]) {
        // Refusals at the door are not answers of a revision: header and version failures come before there is one.
        if (code === 'HEADER_MISMATCH') continue
        const number = new McpError(code).rpcCode(errorCodes)
        const isGeneral = (number <= -32600 && number >= -32603) || number === -32700
        const allowed = [...(own[name] ?? [-32002]), errorTable.APPLICATION_ERROR.rpcCode]
        assert.ok(isGeneral || allowed.includes(number), `${name} ${code} ${number}`)
      }
    }
  })

  test('26.base.018 26.base.020: messages are one sentence without insides', () => {
    for (const { message } of Object.values(errorTable)) {
      assert.ok(message.length > 0 && message.length < 80)
      assert.ok(!leaksInternals(message))
    }
  })

  test('26.http.074 26.base.065 26.http.031: statuses are those of the transport', () => {
    assert.equal(new McpError('HEADER_MISMATCH').httpStatus(), 400)
    assert.equal(new McpError('UNSUPPORTED_VERSION').httpStatus(), 400)
    assert.equal(new McpError('MISSING_CLIENT_CAPABILITY').httpStatus(), 400)
    assert.equal(new McpError('SESSION_NOT_FOUND').httpStatus(), 404)
    assert.equal(new McpError('METHOD_NOT_FOUND').httpStatus({ METHOD_NOT_FOUND: 404 }), 404)
  })
})

suite('an McpError', () => {
  test('says what it is given, else what the table says', () => {
    const plain = new McpError('SESSION_LIMIT')
    assert.equal(plain.message, 'Too many sessions')
    assert.equal(plain.name, 'McpError')
    assert.ok(plain instanceof Error)
    const cause = new Error('inside')
    const full = new McpError('INVALID_PARAMS', 'No such city', { data: { city: 'x' }, cause })
    assert.deepEqual(full.data, { city: 'x' })
    assert.equal(full.cause, cause)
    assert.equal(Object.hasOwn(plain, 'cause'), false)
  })

  test('26.errors.010: numbers of an application lie outside the reserved range', () => {
    assert.equal(new McpError('APPLICATION_ERROR', 'x', { rpcCode: 7 }).rpcCode(), 7)
    assert.equal(new McpError('APPLICATION_ERROR', 'x', { rpcCode: -31999 }).rpcCode(), -31999)
    assert.equal(new McpError('APPLICATION_ERROR', 'x', { rpcCode: -32769 }).rpcCode(), -32769)
    for (const rpcCode of [-32768, -32000, -32600, 0.5, Number.POSITIVE_INFINITY]) {
      assert.throws(() => new McpError('APPLICATION_ERROR', 'x', { rpcCode }), RangeError)
    }
  })
})
