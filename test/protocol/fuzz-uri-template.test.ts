import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseUriTemplate } from '../../src/protocol/uri-template.ts'
import { runs } from '../support/fuzz.ts'

interface Piece {
  template: string
  names: string[]
  expand(values: Record<string, string>): string
}
const encode = encodeURIComponent
/** Values without the characters that separate them when they are not encoded. */
const value = fc.string({ unit: fc.constantFrom('a', 'Z', '9', ' ', 'é', '%', '💡'), minLength: 1 })

const makers: ((name: string) => Piece)[] = [
  (name) => ({
    template: `{${name}}`,
    names: [name],
    expand: (values) => encode(values[name] ?? ''),
  }),
  (name) => ({
    template: `{/${name}}`,
    names: [name],
    expand: (values) => `/${encode(values[name] ?? '')}`,
  }),
  (name) => ({
    template: `{.${name}}`,
    names: [name],
    expand: (values) => `.${encode(values[name] ?? '')}`,
  }),
  (name) => ({
    template: `{${name},${name}2}`,
    names: [name, `${name}2`],
    expand: (values) => `${encode(values[name] ?? '')},${encode(values[`${name}2`] ?? '')}`,
  }),
]
const query: Piece = {
  template: '{?q,r}',
  names: ['q', 'r'],
  expand: ({ q = '', r = '' }) => `?q=${encode(q)}&r=${encode(r)}`,
}

const templated = fc
  .tuple(
    fc.array(fc.constantFrom(...makers), { minLength: 1, maxLength: 4 }),
    fc.boolean(),
    fc.array(value, { minLength: 10, maxLength: 10 }),
  )
  .map(([chosen, hasQuery, values]) => {
    const pieces = chosen.map((make, index) => make(`v${index}`))
    if (hasQuery) pieces.push(query)
    const names = pieces.flatMap((piece) => piece.names)
    const given = Object.fromEntries(names.map((name, index) => [name, values[index] ?? 'a']))
    return {
      template: `x://host/${pieces.map((piece) => piece.template).join('/-')}`,
      uri: `x://host/${pieces.map((piece) => piece.expand(given)).join('/-')}`,
      given,
    }
  })

test('26.resources.019 26.resources.020: an expansion gives back the values it was made of', () => {
  fc.assert(
    fc.property(templated, ({ template, uri, given }) => {
      assert.deepEqual({ ...parseUriTemplate(template).match(uri) }, given)
    }),
    runs(),
  )
})

test('26.resources.043: any URI matches or does not, and never takes long', () => {
  const templates = [
    'f://{a}-{b}-{c}',
    'f://{+a}/{+b}/{c}/e',
    'f://{a}{b}{c}',
    'f://{/a*}{.b*}{?q*}{&r}{#s}',
    'f://{;x,y}/{a,b,c}',
  ].map(parseUriTemplate)
  const uri = fc
    .string({
      unit: fc.constantFrom('-', '/', 'a', '.', ';', '?', '&', '=', '#', ',', '%', '%41', '%ff'),
      maxLength: 400,
    })
    .map((rest) => `f://${rest}`)
  fc.assert(
    fc.property(uri, (given) => {
      for (const template of templates) {
        const found = template.match(given)
        if (found === undefined) continue
        for (const [name, each] of Object.entries(found)) {
          assert.equal(typeof each, 'string')
          assert.ok(template.variables.includes(name))
        }
      }
    }),
    runs(),
  )
  for (const unit of ['-', '/', 'a', '.', '?q=', '&', 'a-']) {
    const long = `f://${unit.repeat(Math.floor(8000 / unit.length))}`
    const start = performance.now()
    for (const template of templates) template.match(`${long}\0`)
    assert.ok(performance.now() - start < 250, unit)
  }
})

test('26.resources.019: any text is a template or a TypeError', () => {
  const text = fc.string({
    unit: fc.constantFrom('{', '}', 'a', ',', '*', ':', '3', '+', '?', '/', '.', '%', '\\', '$'),
  })
  fc.assert(
    fc.property(text, (template) => {
      try {
        const parsed = parseUriTemplate(template)
        assert.equal(parsed.template, template)
        parsed.match(template)
      } catch (error) {
        assert.ok(error instanceof TypeError, String(error))
        assert.match(error.message, /Invalid URI template/)
      }
    }),
    runs(),
  )
})
