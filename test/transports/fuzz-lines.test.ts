import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { McpError } from '../../src/protocol/errors.ts'
import { LineReader } from '../../src/transports/lines.ts'
import { runs } from '../support/fuzz.ts'

/** What a reader makes of bytes that arrive in these pieces: each message, and each fault by its code. */
function read(bytes: Buffer, cuts: readonly number[], maxLineBytes: number): string[] {
  const heard: string[] = []
  const listener = {
    message: (text: string) => heard.push(text),
    fault: (error: McpError) => heard.push(`fault ${error.code}`),
    closed: () => {},
  }
  const reader = new LineReader(listener, maxLineBytes)
  let start = 0
  for (const end of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )) {
    const chunk = Buffer.from(bytes.subarray(start, end))
    if (chunk.length > 0) reader.push(chunk)
    // Whoever reads may use the memory again.
    chunk.fill(0x78)
    start = end
  }
  return heard
}

const cuts = fc.array(fc.nat(), { maxLength: 12 })
const line = fc.string({
  unit: fc.constantFrom('a', '{', '"', ' ', 'é', '€', '💡', '\r', '\u2028'),
})

test('26.stdio.001: any chunking of lines gives the same messages', () => {
  fc.assert(
    fc.property(fc.array(line), cuts, (lines, at) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''))
      const expected = lines.filter((each) => each !== '' && each !== '\r')
      assert.deepEqual(read(bytes, at, 1000), expected)
    }),
    runs(5000),
  )
})

test('26.stdio.001: any chunking gives the same messages and faults where lines are too long', () => {
  fc.assert(
    fc.property(fc.array(line), cuts, fc.integer({ min: 1, max: 20 }), (lines, at, max) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''))
      const expected = lines
        .filter((each) => each !== '' && each !== '\r')
        .map((each) => (Buffer.byteLength(each) > max ? 'fault INVALID_REQUEST' : each))
      const heard = read(bytes, at, max)
      assert.deepEqual(heard, expected)
    }),
    runs(5000),
  )
})

test('26.base.074: any chunking of any bytes gives the same messages, and a fault for each bad line', () => {
  const byte = fc.constantFrom(0x0a, 0x61, 0x62, 0xc3, 0xa9, 0xff, 0xe2, 0x82, 0xac, 0x00)
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40 }), cuts, (bytes, at) => {
      const all = Buffer.from(bytes)
      assert.deepEqual(read(all, at, 1000), read(all, [], 1000))
    }),
    runs(5000),
  )
})

test('a line that never ends costs no more memory than a line may have', () => {
  const heard: string[] = []
  const reader = new LineReader(
    {
      message: (text) => heard.push(text),
      fault: (error) => heard.push(error.message),
      closed: () => {},
    },
    1000,
  )
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const before = process.memoryUsage().arrayBuffers
  for (let index = 0; index < 1000; index += 1) reader.push(chunk)
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024)
  assert.deepEqual(heard, ['Invalid request: a message may have 1000 bytes'])
  reader.push(Buffer.from('the end of it\n{"next":1}\n'))
  assert.deepEqual(heard.slice(1), ['{"next":1}'])
})
