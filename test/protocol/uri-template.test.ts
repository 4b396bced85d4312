import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseUriTemplate } from '../../src/protocol/uri-template.ts'

type Case = [template: string, uri: string, values: Record<string, string> | undefined]

/** Expansions as RFC 6570 gives them in its examples, and what they were made of. */
const cases: Record<string, Case[]> = {
  'simple expansion': [
    ['x://{var}', 'x://value', { var: 'value' }],
    ['x://{hello}', 'x://Hello%20World%21', { hello: 'Hello World!' }],
    ['x://map?{x,y}', 'x://map?1024,768', { x: '1024', y: '768' }],
    ['x://{var:3}', 'x://val', { var: 'val' }],
    ['x://{list*}', 'x://red,green,blue', { list: 'red,green,blue' }],
    ['x://{var}', 'x://a/b', undefined],
    ['x://{var}', 'x://', undefined],
    ['x://{var}', 'y://a', undefined],
  ],
  'reserved expansion {+}': [
    ['x://{+path}/here', 'x://foo/bar/here', { path: 'foo/bar' }],
    ['x://{+path}', 'x://a/b?c#d', { path: 'a/b?c#d' }],
    ['x://{+x,y}', 'x://1024,768', { x: '1024', y: '768' }],
  ],
  'fragments {#}': [
    ['x://p{#var}', 'x://p#value', { var: 'value' }],
    ['x://p{#x,y}', 'x://p#1,2', { x: '1', y: '2' }],
    ['x://p{#var}', 'x://p', undefined],
  ],
  'labels {.}': [
    ['x://p{.x,y}', 'x://p.1024.768', { x: '1024', y: '768' }],
    ['x://p{.list*}', 'x://p.red.green', { list: 'red.green' }],
    ['x://p{.x}', 'x://p', undefined],
  ],
  'segments {/}': [
    ['x:/{/var}', 'x://value', { var: 'value' }],
    ['x:{/x,y}/here', 'x:/1024/768/here', { x: '1024', y: '768' }],
    ['x:{/list*}', 'x:/a/b/c', { list: 'a/b/c' }],
  ],
  'parameters {;}': [
    ['x://p{;x,y}', 'x://p;x=1024;y=768', { x: '1024', y: '768' }],
    ['x://p{;x,empty}', 'x://p;x=1;empty', { x: '1', empty: '' }],
    ['x://p{;x}', 'x://p', {}],
  ],
  'queries {?} and {&}': [
    ['x://p{?x,y}', 'x://p?x=1024&y=768', { x: '1024', y: '768' }],
    ['x://p{?x,y}', 'x://p?y=2&x=1&other=3', { x: '1', y: '2' }],
    ['x://p{?x,y}', 'x://p', {}],
    ['x://p{?x}', 'x://p?x=a%26b%3Dc', { x: 'a&b=c' }],
    ['x://p?fixed=yes{&x}', 'x://p?fixed=yes&x=1024', { x: '1024' }],
  ],
  'what surrounds variables': [
    ['x://{a}-{b}', 'x://one-two-three', { a: 'one', b: 'two-three' }],
    ['x://{a}.json', 'x://b.json', { a: 'b' }],
    ['x://{a}.json', 'x://b.xml', undefined],
    ['x://(a+b)*[c]{v}$', 'x://(a+b)*[c]1$', { v: '1' }],
    ['x://fixed', 'x://fixed', {}],
    ['x://fixed', 'x://fixed/more', undefined],
    ['x://{a}', 'x://%zz', undefined],
    ['x://{a}', 'x://%ff', undefined],
    ['x://p{?q}', 'x://p?q=%ff', undefined],
    ['x://{__proto__}', 'x://a', { ['__proto__']: 'a' }],
    ['x://{a.b}/{c_d}/{e%20}', 'x://1/2/3', { 'a.b': '1', c_d: '2', 'e%20': '3' }],
  ],
}

/** In an order of their own, and with `__proto__` like any other. */
const entries = (values: Record<string, string>) => Object.entries(values).toSorted()

for (const [name, group] of Object.entries(cases)) {
  suite(`26.resources.019 26.resources.020: ${name}`, () => {
    for (const [template, uri, values] of group) {
      test(`${template} and ${uri}: ${values === undefined ? 'no match' : JSON.stringify(values)}`, () => {
        const found = parseUriTemplate(template).match(uri)
        if (values === undefined) assert.equal(found, undefined)
        else assert.deepEqual(entries(found ?? { none: '' }), entries(values))
      })
    }
  })
}

test('the names of the variables stand in their order', () => {
  const { variables, template } = parseUriTemplate('x://{b}/{a:5}{?d,c*}')
  assert.deepEqual(variables, ['b', 'a', 'd', 'c'])
  assert.equal(template, 'x://{b}/{a:5}{?d,c*}')
})

test('26.resources.043: a URI past 8192 characters is no match', () => {
  const template = parseUriTemplate('x://{a}')
  assert.ok(template.match(`x://${'a'.repeat(8188)}`))
  assert.equal(template.match(`x://${'a'.repeat(8189)}`), undefined)
})

test('26.resources.019: what is no template is refused with the reason', () => {
  for (const [template, reason] of [
    ['x://{', /unbalanced braces/],
    ['x://{a', /unbalanced braces/],
    ['x://a}', /unbalanced braces/],
    ['x://{{a}}', /"\{a" is not a variable/],
    ['x://{}', /"" is not a variable/],
    ['x://{a,}', /"" is not a variable/],
    ['x://{a b}', /"a b" is not a variable/],
    ['x://{a:0}', /"a:0" is not a variable/],
    ['x://{a:12345}', /is not a variable/],
    ['x://{=a}', /"=a" is not a variable/],
    ['x://{a**}', /is not a variable/],
  ] as const) {
    assert.throws(() => parseUriTemplate(template), { name: 'TypeError', message: reason })
  }
})
