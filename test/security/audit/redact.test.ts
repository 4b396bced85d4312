import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRedactor } from '../../../src/security/audit/redact.ts'
import { jsonValue, runs } from '../../support/fuzz.ts'

suite('redaction', () => {
  const redact = createRedactor({ redact: ['pay.card', '*.ssn2'] })
  const kept = (given: unknown) => JSON.parse(redact('pay', given) ?? 'null')

  test('takes away what is called a secret, at any depth', () => {
    const given = {
      city: 'Oslo',
      password: 'p',
      userPassword: 'p',
      api_key: 'k',
      nested: [{ accessToken: 't', fine: 1 }],
      Authorization: 'x',
      card: '4111',
      deep: { ssn2: '1' },
    }
    const hidden = '[redacted]'
    assert.deepEqual(kept(given), {
      city: 'Oslo',
      password: hidden,
      userPassword: hidden,
      api_key: hidden,
      nested: [{ accessToken: hidden, fine: 1 }],
      Authorization: hidden,
      card: hidden,
      deep: { ssn2: hidden },
    })
  })

  test('takes away what looks like a secret, whatever it is called', () => {
    for (const secret of [
      'Bearer abcdef',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x',
      'tsmcp_abcdefghijkl.abc',
      '-----BEGIN PRIVATE KEY-----',
      'AKIAABCDEFGHIJKLMNOP',
      'sk_live_12345',
    ]) {
      assert.deepEqual(kept({ note: secret }), { note: '[redacted]' }, secret)
    }
  })

  test('keeps names only, or nothing, where that is wanted', () => {
    const names = createRedactor({ arguments: 'names' })
    assert.equal(names('x', { a: 'secret', b: [1, { c: 2 }] }), '{"a":null,"b":[null,{"c":null}]}')
    assert.equal(createRedactor({ arguments: 'none' })('x', { a: 1 }), undefined)
  })

  test('gives short JSON without newlines for anything', () => {
    const large = fc.oneof(
      jsonValue,
      fc.string({ maxLength: 5000 }),
      fc.array(fc.string({ maxLength: 300 }), { maxLength: 300 }),
      fc.dictionary(fc.string({ maxLength: 300 }), fc.string({ maxLength: 300 }), { maxKeys: 200 }),
    )
    fc.assert(
      fc.property(large, (given) => {
        const text = redact('x', given)
        if (text === undefined) return
        assert.doesNotMatch(text, /[\n\r]/)
        assert.ok(text.length < 300_000)
        JSON.parse(text)
      }),
      runs(500),
    )
    const bomb = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`)
    assert.ok((redact('x', bomb) ?? '').length < 100)
  })
})
