import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  checkElicitationSchema,
  elicitedContentProblem,
  shapeElicitationSchema,
} from '../../src/protocol/elicitation-schema.ts'
import { findRevision } from '../../src/protocol/revisions/index.ts'
import type { ElicitationSchema } from '../../src/protocol/types.ts'

const form = (
  properties: ElicitationSchema['properties'],
  required?: string[],
): ElicitationSchema => ({
  type: 'object',
  properties,
  ...(required !== undefined && { required }),
})

suite('the schema of a form', () => {
  test('26.elicitation.017 26.elicitation.019 26.elicitation.020 26.elicitation.021 26.elicitation.022 26.elicitation.023 26.elicitation.024: may hold these', () => {
    for (const property of [
      { type: 'string' },
      { type: 'string', minLength: 1, maxLength: 2, default: 'x' },
      ...['email', 'uri', 'date', 'date-time'].map((format) => ({ type: 'string', format })),
      { type: 'string', enum: ['a'], enumNames: ['A'] },
      { type: 'string', oneOf: [{ const: 'a', title: 'A' }] },
      { type: 'number', minimum: 0.5, maximum: 1.5, default: 1 },
      { type: 'integer', default: 1 },
      { type: 'boolean', default: false },
      { type: 'array', items: { type: 'string', enum: ['a'] }, minItems: 1, maxItems: 2 },
      { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] }, default: ['a'] },
    ]) {
      checkElicitationSchema(form({ p: property }))
    }
    checkElicitationSchema({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...form({}) })
  })

  test('26.elicitation.018: must be flat', () => {
    const refused: [object, RegExp][] = [
      [
        { type: 'object', properties: {} },
        /must be a string, number, integer, boolean or a choice/,
      ],
      [{ type: 'null' }, /must be a string/],
      [{}, /must be a string/],
      [{ $ref: '#' }, /must be a string/],
      [{ type: 'array' }, /must list its choices/],
      [{ type: 'array', items: { type: 'string' } }, /must list its choices/],
      [{ type: 'array', items: { type: 'object' } }, /must list its choices/],
      [{ type: 'string', format: 'ipv4' }, /has format ipv4; allowed: email, uri, date, date-time/],
      [{ type: 'boolean', default: 'yes' }, /has a default that is no boolean/],
    ]
    for (const [property, what] of refused) {
      assert.throws(() => checkElicitationSchema(form({ p: property as never })), {
        name: 'TypeError',
        message: new RegExp(`Elicitation property "p" ${what.source}`),
      })
    }
    assert.throws(
      () => checkElicitationSchema(form({ p: true as never })),
      /must be a schema object/,
    )
    for (const schema of [{}, { type: 'string' }, { type: 'object' }, [], null]) {
      assert.throws(() => checkElicitationSchema(schema as never), /type "object" and properties/)
    }
  })

  test('0618.elicitation.002: is put into the words of 2025-06-18, and left alone elsewhere', () => {
    const schema = form({
      c: { type: 'string', title: 'C', oneOf: [{ const: 'a', title: 'A' }, { const: 'b' }] },
      n: { type: 'number', default: 1 },
      s: { type: 'string', default: 'x' },
      b: { type: 'boolean', default: true },
    })
    const old = shapeElicitationSchema(findRevision('2025-06-18')!, schema)
    assert.deepEqual(old.properties, {
      c: { type: 'string', title: 'C', enum: ['a', 'b'], enumNames: ['A', 'b'] },
      n: { type: 'number' },
      s: { type: 'string' },
      b: { type: 'boolean', default: true },
    })
    for (const name of ['2025-11-25', '2026-07-28']) {
      assert.equal(shapeElicitationSchema(findRevision(name)!, schema), schema)
    }
  })
})

suite('26.elicitation.064: the content of a form', () => {
  const cases: [property: object, good: unknown[], bad: [unknown, RegExp][]][] = [
    [
      { type: 'string' },
      ['', 'x'],
      [
        [5, /p must be a string/],
        [null, /string/],
        [[], /string/],
      ],
    ],
    [
      { type: 'string', minLength: 2, maxLength: 3 },
      ['ab', 'abc', '💡💡'],
      [
        ['a', /at least 2 characters/],
        ['abcd', /at most 3 characters/],
        ['💡', /at least 2/],
      ],
    ],
    [
      { type: 'string', format: 'email' },
      ['a@b'],
      [
        ['ab', /valid email/],
        ['a b@c', /email/],
      ],
    ],
    [{ type: 'string', format: 'uri' }, ['https://x', 'urn:x'], [['x y', /valid uri/]]],
    [
      { type: 'string', format: 'date' },
      ['2026-07-28'],
      [
        ['2026-7-28', /valid date/],
        ['2026-13-01', /valid date/],
        ['28.7.2026', /date/],
      ],
    ],
    [
      { type: 'string', format: 'date-time' },
      ['2026-07-28T10:00:00Z', '2026-07-28t10:00:00+02:00'],
      [
        ['2026-07-28', /valid date-time/],
        ['2026-07-28T99:00:00Z', /valid date-time/],
      ],
    ],
    [{ type: 'string', enum: ['a', 'b'] }, ['a'], [['c', /one of a, b/]]],
    [{ type: 'string', oneOf: [{ const: 'a' }, { const: 'b' }] }, ['b'], [['c', /one of a, b/]]],
    [
      { type: 'number', minimum: 0.5, maximum: 1.5 },
      [0.5, 1, 1.5],
      [
        [0.4, /at least 0.5/],
        [2, /at most 1.5/],
        ['1', /must be a number/],
        [null, /number/],
      ],
    ],
    [
      { type: 'integer' },
      [0, -5],
      [
        [1.5, /must be an integer/],
        [true, /must be a number/],
      ],
    ],
    [
      { type: 'boolean' },
      [true, false],
      [
        [1, /must be a boolean/],
        ['true', /boolean/],
      ],
    ],
    [
      { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 1, maxItems: 2 },
      [['a'], ['a', 'b']],
      [
        ['a', /must be an array/],
        [[], /at least 1/],
        [['a', 'b', 'c'], /at most 2/],
        [['x'], /hold only/],
      ],
    ],
    [{ type: 'array', items: { anyOf: [{ const: 'a' }] } }, [[], ['a']], [[['b'], /hold only a/]]],
  ]
  for (const [property, good, bad] of cases) {
    test(JSON.stringify(property), () => {
      const schema = form({ p: property as never })
      for (const p of good) assert.equal(elicitedContentProblem(schema, { p }), undefined)
      for (const [p, problem] of bad)
        assert.match(elicitedContentProblem(schema, { p }) ?? '', problem)
    })
  }

  test('must have what is required; more than was asked is let through', () => {
    const schema = form({ p: { type: 'string' }, q: { type: 'string' } }, ['p'])
    assert.match(elicitedContentProblem(schema, {}) ?? '', /p is required/)
    assert.match(elicitedContentProblem(schema, { q: 'x' }) ?? '', /p is required/)
    assert.equal(elicitedContentProblem(schema, { p: 'x', more: {} }), undefined)
    const inherited = form({}, ['toString'])
    assert.match(elicitedContentProblem(inherited, {}) ?? '', /toString is required/)
    for (const content of [undefined, null, 'x', []]) {
      assert.match(elicitedContentProblem(schema, content) ?? '', /content must be an object/)
    }
  })
})
