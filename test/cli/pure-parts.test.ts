import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { bannerLines, nextCommand } from '../../src/cli/banner.ts'
import { columns } from '../../src/cli/columns.ts'
import { readField } from '../../src/cli/elicitation.ts'
import { exampleArguments, shellQuoted } from '../../src/cli/example-arguments.ts'
import { nearestName } from '../../src/cli/nearest-name.ts'

suite('the nearest name', () => {
  const cases: [string, string[], string | undefined][] = [
    ['forcast', ['forecast', 'alerts'], 'forecast'],
    ['froecast', ['forecast', 'alerts'], 'forecast'],
    ['FORECAST', ['forecast'], 'forecast'],
    ['sevre', ['serve', 'call', 'list', 'init'], 'serve'],
    ['fore', ['forecast'], 'forecast'],
    ['banana', ['forecast', 'alerts'], undefined],
    ['x', [], undefined],
  ]
  for (const [typed, names, nearest] of cases) {
    test(`to ${typed} is ${nearest}`, () => assert.equal(nearestName(typed, names), nearest))
  }
})

suite('example arguments', () => {
  const ajv = new Ajv2020({ strict: false })
  // The package is CommonJS: its default export is one level down for types, and not at run time.
  ;(addFormats as unknown as (instance: Ajv2020) => void)(ajv)
  const schemas: Record<string, object> = {
    text: { properties: { city: { type: 'string' } }, required: ['city'] },
    'default wins': { properties: { n: { type: 'integer', default: 7 } }, required: ['n'] },
    bounds: {
      properties: { n: { type: 'integer', minimum: 10, maximum: 12 } },
      required: ['n'],
    },
    'exclusive bounds': {
      properties: { n: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 5 } },
      required: ['n'],
    },
    'negative maximum': { properties: { n: { type: 'integer', maximum: -3 } }, required: ['n'] },
    steps: { properties: { n: { multipleOf: 5, minimum: 11, type: 'integer' } }, required: ['n'] },
    choice: { properties: { unit: { enum: ['celsius', 'kelvin'] } }, required: ['unit'] },
    constant: { properties: { kind: { const: 'point' } }, required: ['kind'] },
    length: {
      properties: { code: { type: 'string', minLength: 6, maxLength: 8 } },
      required: ['code'],
    },
    short: { properties: { code: { type: 'string', maxLength: 2 } }, required: ['code'] },
    formats: {
      properties: Object.fromEntries(
        ['date', 'date-time', 'email', 'uri', 'uuid', 'ipv4', 'ipv6', 'hostname', 'duration'].map(
          (format) => [format, { type: 'string', format }],
        ),
      ),
      required: [
        'date',
        'date-time',
        'email',
        'uri',
        'uuid',
        'ipv4',
        'ipv6',
        'hostname',
        'duration',
      ],
    },
    list: {
      properties: { cities: { type: 'array', items: { type: 'string' }, minItems: 2 } },
      required: ['cities'],
    },
    nested: {
      properties: {
        place: {
          type: 'object',
          properties: { latitude: { type: 'number', minimum: -90, maximum: 90 } },
          required: ['latitude'],
        },
      },
      required: ['place'],
    },
    reference: {
      properties: { place: { $ref: '#/$defs/place' } },
      required: ['place'],
      $defs: {
        place: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      },
    },
    nullable: {
      properties: {
        a: { anyOf: [{ type: 'null' }, { type: 'integer' }] },
        b: { type: ['null', 'boolean'] },
      },
      required: ['a', 'b'],
    },
    'all of': {
      properties: {
        both: {
          allOf: [
            { type: 'object', properties: { x: { type: 'string' } }, required: ['x'] },
            { type: 'object', properties: { y: { type: 'boolean' } }, required: ['y'] },
          ],
        },
      },
      required: ['both'],
    },
  }
  for (const [name, body] of Object.entries(schemas)) {
    test(`fit the schema: ${name}`, () => {
      const schema = { type: 'object', ...body }
      const given = exampleArguments(schema)
      assert.ok(given !== undefined)
      const isValid = ajv.validate(schema, given)
      assert.ok(isValid, `${JSON.stringify(given)}: ${ajv.errorsText()}`)
    })
  }
  test('are absent when nothing is required', () => {
    assert.equal(
      exampleArguments({ type: 'object', properties: { a: { type: 'string' } } }),
      undefined,
    )
    assert.equal(exampleArguments(undefined), undefined)
  })
  test('of a schema that contains itself come to an end', () => {
    const schema = {
      type: 'object',
      properties: { child: { $ref: '#' } },
      required: ['child'],
    }
    assert.ok(JSON.stringify(exampleArguments(schema)).length < 500)
  })
})

test('texts are quoted for a shell only where they need it', () => {
  assert.equal(shellQuoted('http://127.0.0.1:8080/mcp'), 'http://127.0.0.1:8080/mcp')
  assert.equal(shellQuoted(`{"a":"it's"}`), `'{"a":"it'\\''s"}'`)
})

test('columns line up, and the last is cut at the width of the terminal', () => {
  assert.deepEqual(
    columns(
      [
        ['a', 'bb', 'ccc'],
        ['aaaa', '', 'c c c c c'],
      ],
      14,
    ),
    ['a     bb  ccc', 'aaaa      c c…'],
  )
})

suite('an answer to a question of a server', () => {
  const cases: [string, object, boolean, unknown][] = [
    ['', { type: 'string' }, false, { value: undefined }],
    ['', { type: 'string' }, true, { problem: 'an answer is needed here' }],
    ['', { type: 'string', default: 'x' }, true, { value: 'x' }],
    ['7', { type: 'integer' }, true, { value: 7 }],
    ['7.5', { type: 'integer' }, true, { problem: 'a whole number is needed' }],
    ['7.5', { type: 'number' }, true, { value: 7.5 }],
    ['7', { type: 'integer', minimum: 8 }, true, { problem: 'at least 8' }],
    ['9', { type: 'integer', maximum: 8 }, true, { problem: 'at most 8' }],
    ['Y', { type: 'boolean' }, true, { value: true }],
    ['no', { type: 'boolean' }, true, { value: false }],
    ['perhaps', { type: 'boolean' }, true, { problem: 'yes or no' }],
    ['Kelvin', { type: 'string', enum: ['celsius', 'kelvin'] }, true, { value: 'kelvin' }],
    [
      'ell',
      { type: 'string', enum: ['celsius', 'kelvin'] },
      true,
      { problem: 'one of: celsius, kelvin' },
    ],
    ['Cold', { type: 'string', oneOf: [{ const: 'c', title: 'Cold' }] }, true, { value: 'c' }],
    ['Cold', { type: 'string', enum: ['c'], enumNames: ['Cold'] }, true, { value: 'c' }],
    ['a, b', { type: 'array', items: { enum: ['a', 'b', 'c'] } }, true, { value: ['a', 'b'] }],
    ['a, d', { type: 'array', items: { enum: ['a', 'b'] } }, true, { problem: 'one of: a, b' }],
    [
      'a',
      { type: 'array', minItems: 2, items: { enum: ['a', 'b'] } },
      true,
      { problem: 'at least 2 of them' },
    ],
    [
      'b',
      { type: 'array', items: { anyOf: [{ const: 'b', title: 'B' }] } },
      true,
      { value: ['b'] },
    ],
    ['ab', { type: 'string', minLength: 3 }, true, { problem: 'at least 3 characters' }],
  ]
  for (const [text, field, isRequired, read] of cases) {
    test(`'${text}' for ${JSON.stringify(field)}`, () => {
      assert.deepEqual(readField(text, field as Record<string, unknown>, isRequired), read)
    })
  }
})

suite('the banner', () => {
  const introduction = {
    name: 'weather',
    version: '1.0.0',
    tools: [
      {
        name: 'forecast',
        inputSchema: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
        },
      },
    ],
    counts: { tools: 1, resources: 2, templates: 0, prompts: 1 },
  }
  test('says where the server listens and what to type next', () => {
    assert.deepEqual(bannerLines({ url: 'http://127.0.0.1:8080/mcp', introduction }), [
      'weather 1.0.0 is serving 1 tool, 2 resources, 1 prompt',
      '  MCP       http://127.0.0.1:8080/mcp',
      '  JSON-RPC  http://127.0.0.1:8080/json-rpc  (the same endpoint)',
      '  health    http://127.0.0.1:8080/health',
      'Try it:',
      `  npx tsmcp call http://127.0.0.1:8080/mcp forecast '{"city":"text"}'`,
    ])
  })
  test('names an address that can be called when the server listens on all of them', () => {
    const lines = bannerLines({ url: 'http://0.0.0.0:8080/mcp', introduction })
    assert.ok(lines.includes('  MCP       http://127.0.0.1:8080/mcp'))
    assert.match(lines.join('\n'), /listens on 0\.0\.0\.0:8080/)
  })
  test('suggests list when there is no tool', () => {
    const url = 'http://127.0.0.1:8080/mcp'
    assert.equal(nextCommand({ url, introduction: undefined }), `npx tsmcp list ${url}`)
  })
})
