import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { defineServer } from '../../../src/index.ts'
import { compileLinear } from '../../../src/server/linear-pattern.ts'
import { runs } from '../../support/fuzz.ts'
import { connectStateless } from '../../support/peer.ts'

const inputWith = (schema: object) => ({
  input: { type: 'object', properties: { value: schema } } as const,
})

suite('a text that a pattern takes for ever to refuse', () => {
  test('26.base.046: is refused as fast as any other', async (t) => {
    const server = defineServer({ name: 'target', version: '1' })
    const patterns = [
      '^(a+)+$',
      '^(\\w+\\s?)*$',
      '(x+x+)+y',
      '^([a-zA-Z0-9])(([.-]|_+)?([a-zA-Z0-9]+))*$',
    ]
    for (const [index, pattern] of patterns.entries()) {
      server.tool(`tool-${index}`, inputWith({ type: 'string', pattern }), () => 'ok')
    }
    const names = { type: 'object', patternProperties: { '^(a+)+$': { type: 'string' } } }
    server.tool('names', inputWith(names), () => 'ok')
    const peer = await connectStateless(t, server)
    // JavaScript's own engine would be at the first of them until the machine is scrapped.
    for (const [index] of patterns.entries()) {
      const value = `${'a'.repeat(5000)}!${'x'.repeat(5000)}`
      const answer = await peer.request('tools/call', {
        name: `tool-${index}`,
        arguments: { value },
      })
      assert.match(JSON.stringify(answer), /must match pattern/)
    }
    const value = { [`${'a'.repeat(5000)}!`]: 1 }
    assert.equal(
      (await peer.request('tools/call', { name: 'names', arguments: { value } })).error,
      undefined,
    )
  })

  test('is not possible where the pattern is refused at registration, unless it is allowed', () => {
    const server = defineServer({ name: 'target', version: '1' })
    for (const pattern of ['^(?!x).*$', '(a)\\1', '(?<=a)b', '(?=a)']) {
      const config = inputWith({ type: 'string', pattern })
      assert.throws(
        () => server.tool('tool', config, () => 'ok'),
        /cannot be matched in linear time.*unboundedPatterns/s,
        pattern,
      )
    }
    const config = inputWith({ type: 'string', pattern: '^(?!x).*$' })
    server.tool('tool', { ...config, unboundedPatterns: 'backtracking' }, () => 'ok')
  })

  test('is no different by the linear engine: it finds what JavaScript finds', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '\\s',
      '\\S',
      '\\d',
      '\\w',
      '[a-c]',
      '[^\\s]',
      '[\\s.]',
      '(a|b)',
      '\\.',
      '\\u0041',
      'é',
    )
    const pattern = fc
      .array(fc.tuple(piece, fc.constantFrom('', '*', '+', '?', '{1,3}')), { maxLength: 5 })
      .map((parts) => parts.map((part) => part.join('')).join(''))
    const text = fc.string({
      unit: fc.constantFrom(
        'a',
        'b',
        'c',
        'A',
        '1',
        ' ',
        '\n',
        '\r',
        '\u00a0',
        '\u2028',
        '.',
        'é',
        '😀',
      ),
      maxLength: 10,
    })
    const anchored = fc.tuple(fc.constantFrom('', '^'), pattern, fc.constantFrom('', '$'))
    fc.assert(
      fc.property(anchored, text, (parts, given) => {
        const source = parts.join('')
        assert.equal(compileLinear(source).test(given), new RegExp(source, 'u').test(given), source)
      }),
      runs(),
    )
  })

  test('is none for uniqueItems either, however many items there are', async (t) => {
    const server = defineServer({ name: 'target', version: '1' })
    server.tool('tool', inputWith({ type: 'array', uniqueItems: true }), () => 'ok')
    const peer = await connectStateless(t, server)
    const call = async (value: unknown[]) =>
      JSON.stringify(await peer.request('tools/call', { name: 'tool', arguments: { value } }))
    const many = Array.from({ length: 60_000 }, (_, index) => ({ index }))
    assert.match(await call(many), /"ok"/)
    assert.match(
      await call([
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
      /must NOT have duplicate items/,
    )
    assert.match(await call([1, '1', true, null, [1], { a: 1 }]), /"ok"/)
  })
})
