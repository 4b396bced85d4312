import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { makeFixture } from '../support/fixture-server.ts'
import { type Headers, startEndpoint, statelessPost } from '../support/http.ts'
import { firstText } from '../support/messages.ts'
import { rawRequest } from '../support/raw-http.ts'
import { assertAlive, assertRefused } from '../support/refusals.ts'

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`
const call = (args: object, headers: Headers = {}) =>
  statelessPost('tools/call', { name: 'region', arguments: args }, { headers })

suite('standard headers', () => {
  const refused: [name: string, method: string, params: object, headers: Headers, what: RegExp][] =
    [
      [
        '26.http.071: no Mcp-Method',
        'tools/list',
        {},
        { 'mcp-method': undefined },
        /Mcp-Method is required/,
      ],
      [
        '26.http.070: another Mcp-Method',
        'tools/list',
        {},
        { 'mcp-method': 'prompts/list' },
        /Mcp-Method does not agree/,
      ],
      [
        '26.http.069: an Mcp-Method in capitals',
        'tools/list',
        {},
        { 'mcp-method': 'TOOLS/LIST' },
        /Mcp-Method does not agree/,
      ],
      [
        '26.http.071: an empty Mcp-Method',
        'tools/list',
        {},
        { 'mcp-method': '' },
        /Mcp-Method does not agree/,
      ],
      [
        '26.http.071: no Mcp-Name on tools/call',
        'tools/call',
        { name: 'echo' },
        { 'mcp-name': undefined },
        /Mcp-Name is required/,
      ],
      [
        '26.http.070: another Mcp-Name on tools/call',
        'tools/call',
        { name: 'echo' },
        { 'mcp-name': 'throws' },
        /Mcp-Name does not agree/,
      ],
      [
        '26.http.070: another Mcp-Name before an unknown tool is looked for',
        'tools/call',
        { name: 'unknown' },
        { 'mcp-name': 'echo' },
        /Mcp-Name does not agree/,
      ],
      [
        '26.http.071: no Mcp-Name on prompts/get',
        'prompts/get',
        { name: 'greet' },
        { 'mcp-name': undefined },
        /Mcp-Name is required/,
      ],
      [
        '26.http.070: another Mcp-Name on resources/read',
        'resources/read',
        { uri: 'docs://readme' },
        { 'mcp-name': 'docs://other' },
        /Mcp-Name does not agree/,
      ],
      [
        '26.http.071: no Mcp-Name on resources/read',
        'resources/read',
        { uri: 'docs://readme' },
        { 'mcp-name': undefined },
        /Mcp-Name is required/,
      ],
      [
        '26.http.072: Mcp-Name with bad Base64',
        'tools/call',
        { name: 'echo' },
        { 'mcp-name': '=?base64?ZWNobw?=' },
        /Mcp-Name is not valid Base64/,
      ],
    ]
  for (const [name, method, params, headers, what] of refused) {
    test(`${name}: 400 with -32020 and the id`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const answer = await endpoint.stateless(method, params, { id: 'h', headers })
      // 26.http.074 26.http.075 26.schema.016
      assertRefused(answer, { status: 400, code: -32020, id: 'h', message: what })
      await assertAlive(endpoint)
    })
  }

  test('26.http.072: Mcp-Name with raw bytes past ASCII: 400 with -32020', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const { body, headers } = statelessPost('tools/call', { name: 'écho' })
    const raw = await rawRequest(endpoint.port, {
      headers: { ...headers, 'mcp-name': Buffer.from('écho').toString('latin1') },
      body: JSON.stringify(body),
    })
    assert.equal(raw.status, 400)
    assert.match(raw.body, /-32020.*Mcp-Name has characters outside visible ASCII/)
    await assertAlive(endpoint)
  })

  const accepted: [name: string, headers: Headers][] = [
    ['26.http.056: a name in Base64', { 'mcp-name': base64('echo') }],
    [
      '26.http.076: white space around values',
      { 'mcp-name': '  echo  ', 'mcp-method': '  tools/call\t' },
    ],
    ['26.http.068: names in capitals', { 'mcp-name': undefined, 'MCP-NAME': 'echo' }],
    ['26.http.059: an Mcp-Param that no tool knows', { 'mcp-param-foo': 'bar' }],
    ['26.http.086: a Last-Event-ID', { 'last-event-id': '1-1' }],
  ]
  for (const [name, headers] of accepted) {
    test(`${name} is fine`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const params = { name: 'echo', arguments: { text: 'hi' } }
      const answer = await endpoint.stateless('tools/call', params, { headers })
      assert.equal(answer.status, 200, answer.text)
      assert.equal(firstText(answer.message), 'hi')
    })
  }

  test('26.http.085: no session id on answers of either kind', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const method of ['server/discover', 'unknown', 'tools/list']) {
      const { headers } = await endpoint.stateless(method)
      assert.equal(headers['mcp-session-id'], undefined)
    }
  })

  test('26.http.084: a session id on a stateless request is ignored', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const headers = { 'mcp-session-id': 'made-up' }
    assert.equal((await endpoint.stateless('tools/list', {}, { headers })).status, 200)
  })

  test('25.versioning.002: a session needs none of them', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    const message = await session.call('tools/call', { name: 'echo', arguments: { text: 'hi' } })
    assert.equal(firstText(message), 'hi')
  })
})

suite('Mcp-Param headers', () => {
  const refused: [name: string, args: object, headers: Headers, what: RegExp][] = [
    [
      '26.http.067: none for an argument that is',
      { region: 'eu' },
      {},
      /mcp-param-region is required/,
    ],
    [
      '26.http.061: another value',
      { region: 'eu' },
      { 'mcp-param-region': 'us' },
      /mcp-param-region does not agree/,
    ],
    ['26.http.069: another case', { region: 'eu' }, { 'mcp-param-region': 'EU' }, /does not agree/],
    [
      '26.http.060: Base64 with bad padding',
      { region: 'Hello' },
      { 'mcp-param-region': '=?base64?SGVsbG8?=' },
      /not valid Base64/,
    ],
    [
      '26.http.060: Base64 with other characters',
      { region: 'Hello' },
      { 'mcp-param-region': '=?base64?SGVs!!!bG8=?=' },
      /not valid Base64/,
    ],
    [
      '26.http.060: Base64 of bytes that are no UTF-8',
      { region: 'Hello' },
      { 'mcp-param-region': '=?base64?/w==?=' },
      /does not decode to UTF-8/,
    ],
    ['26.http.061: another number', { count: 42 }, { 'mcp-param-count': '43' }, /does not agree/],
    ['26.http.061: no number', { count: 42 }, { 'mcp-param-count': 'x' }, /does not agree/],
    ['26.http.061: an empty number', { count: 0 }, { 'mcp-param-count': '' }, /does not agree/],
    [
      '26.http.046: an integer past 2^53',
      { count: 2 ** 53 },
      { 'mcp-param-count': String(2 ** 53) },
      /does not agree/,
    ],
    ['26.http.061: another truth', { urgent: true }, { 'mcp-param-urgent': 'false' }, /does not/],
    ['26.http.069: a truth in capitals', { urgent: true }, { 'mcp-param-urgent': 'True' }, /not/],
    [
      '26.http.047: none for a nested argument',
      { place: { city: 'Oslo' } },
      {},
      /mcp-param-city is required, for argument place.city/,
    ],
    [
      '26.http.061: one for an argument that is not',
      {},
      { 'mcp-param-region': 'eu' },
      /is given for an argument that is not/,
    ],
  ]
  for (const [name, args, headers, what] of refused) {
    test(`${name}: 400 with -32020`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const answer = await endpoint.send(call(args, headers))
      // 26.http.062
      assertRefused(answer, { status: 400, code: -32020, id: 1, message: what })
      await assertAlive(endpoint)
    })
  }

  const accepted: [name: string, args: object, headers: Headers][] = [
    ['26.http.061: the same value', { region: 'eu' }, { 'mcp-param-region': 'eu' }],
    ['26.http.056: the value in Base64', { region: 'é ' }, { 'mcp-param-region': base64('é ') }],
    ['26.http.066: no argument and no header', {}, {}],
    ['26.http.076: white space around', { region: 'eu' }, { 'mcp-param-region': ' eu ' }],
    [
      'a value that only ends like Base64',
      { region: 'SGVsbG8=' },
      { 'mcp-param-region': 'SGVsbG8=' },
    ],
    [
      'Base64 that never ends is a literal',
      { region: '=?base64?SGVsbG8=' },
      { 'mcp-param-region': '=?base64?SGVsbG8=' },
    ],
    [
      '26.http.073 26.base.079: a number written another way',
      { count: 42 },
      { 'mcp-param-count': '42.0' },
    ],
    ['a truth', { urgent: false }, { 'mcp-param-urgent': 'false' }],
    ['26.http.047: a nested value', { place: { city: 'Oslo' } }, { 'mcp-param-city': 'Oslo' }],
    ['an empty string', { region: '' }, { 'mcp-param-region': '' }],
  ]
  for (const [name, args, headers] of accepted) {
    test(`${name} is fine, and the body counts`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const answer = await endpoint.send(call(args, headers))
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(JSON.parse(firstText(answer.message)), args)
    })
  }

  test('26.http.066: null needs no header, and is judged by the schema', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const { message, status } = await endpoint.send(call({ region: null }))
    assert.equal(status, 200)
    assert.match(firstText(message), /region: must be string/)
  })

  test('25.tools.021: in a session they have no meaning', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const session = await endpoint.session()
    const message = await session.call('tools/call', { name: 'region', arguments: { count: 1 } })
    assert.equal(firstText(message), '{"count":1}')
  })

  test('a header of blanks is read in no time', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    const blanks = `a${' '.repeat(14_000)}b`
    const start = performance.now()
    const answer = await endpoint.send(call({ region: 'eu' }, { 'mcp-param-region': blanks }))
    assert.equal(answer.status, 400)
    assert.ok(performance.now() - start < 300)
  })
})
