import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { makeFixture } from '../support/fixture-server.ts'
import { type Sent, startEndpoint, statelessPost } from '../support/http.ts'
import { initialize, metaOf, request } from '../support/messages.ts'
import { assertAlive, assertRefused, type Refusal } from '../support/refusals.ts'

const good = () => statelessPost('tools/call', { name: 'echo', arguments: { text: 'hi' } })
const withBody = (body: Sent['body']): Sent => ({ ...good(), body })
const withHeaders = (headers: Sent['headers']): Sent => {
  const post = good()
  return { ...post, headers: { ...post.headers, ...headers } }
}
/** A stateless message with one member changed. */
const changed = (members: object): Sent => withBody({ ...good().body, ...members })

const parseError = { status: 400, code: -32700 }
const invalid = { status: 400, code: -32600 }

type Case = [name: string, sent: Sent, refusal: Refusal]

suite('a body that is no message', () => {
  const notUtf8 = Buffer.from(JSON.stringify(good().body).replace('hi', 'h\u00ff'), 'latin1')
  const cases: Case[] = [
    ['26.errors.012: malformed JSON', withBody('{'), { ...parseError, message: /not valid JSON/ }],
    ['26.errors.012: an empty body', withBody(''), { ...parseError, message: /not valid JSON/ }],
    ['26.errors.012: no body', withBody(undefined), { ...parseError, message: /not valid JSON/ }],
    [
      '26.errors.012: JSON cut off, saying where',
      withBody('{"jsonrpc":"2.0","id":1,'),
      { ...parseError, message: /position 24/ },
    ],
    [
      '26.errors.012: two messages in one body',
      withBody(`${JSON.stringify(good().body)}\n${JSON.stringify(good().body)}`),
      { ...parseError, message: /not valid JSON/ },
    ],
    [
      '26.errors.012: a byte order mark',
      withBody(`\ufeff${JSON.stringify(good().body)}`),
      { ...parseError, message: /not valid JSON/ },
    ],
    [
      '26.base.074 25.base.022: invalid UTF-8',
      withBody(notUtf8),
      { ...parseError, message: /UTF-8/ },
    ],
    [
      '26.base.074: UTF-16',
      withBody(Buffer.from(JSON.stringify(good().body), 'utf16le')),
      { ...parseError, message: /Parse error/ },
    ],
    ['26.base.003: a number', withBody('7'), { ...invalid, message: /JSON object/ }],
    ['26.base.003: null', withBody('null'), { ...invalid, message: /JSON object/ }],
    ['26.base.003: a string', withBody('"ping"'), { ...invalid, message: /JSON object/ }],
    ['26.base.003: an empty object', withBody('{}'), { ...invalid, message: /jsonrpc/ }],
  ]
  for (const [name, sent, refusal] of cases) {
    test(`${name}: ${refusal.status} with ${refusal.code} and no id`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      assertRefused(await endpoint.send(sent), refusal)
      await assertAlive(endpoint)
    })
  }
})

suite('an envelope that breaks JSON-RPC', () => {
  const cases: Case[] = [
    [
      '26.base.003: another jsonrpc version',
      changed({ jsonrpc: '1.0' }),
      { ...invalid, id: 1, message: /jsonrpc must be "2.0"/ },
    ],
    [
      '26.base.003: no jsonrpc',
      changed({ jsonrpc: undefined }),
      { ...invalid, id: 1, message: /jsonrpc/ },
    ],
    ['26.base.005 25.base.004: id null', changed({ id: null }), { ...invalid, message: /id must/ }],
    ['26.base.004 25.base.003: id 1.5', changed({ id: 1.5 }), { ...invalid, message: /id must/ }],
    ['26.base.004: id true', changed({ id: true }), { ...invalid, message: /id must/ }],
    ['26.base.004: id {}', changed({ id: {} }), { ...invalid, message: /id must/ }],
    ['26.base.004: an id past 2^53', changed({ id: 2 ** 53 }), { ...invalid, message: /id must/ }],
    [
      '26.base.007 26.errors.013: a method that is no string',
      changed({ method: 5 }),
      { ...invalid, id: 1, message: /method must be a string/ },
    ],
    [
      '26.base.007: params that are an array',
      changed({ params: [] }),
      { status: 200, code: -32602, id: 1, message: /params must be an object/ },
    ],
    [
      '26.base.007: params that are null',
      changed({ params: null }),
      { status: 200, code: -32602, id: 1, message: /params must be an object/ },
    ],
    [
      '26.errors.013: neither method, result nor error',
      withBody({ jsonrpc: '2.0', id: 1 }),
      { ...invalid, id: 1, message: /method, a result or an error/ },
    ],
    [
      '0618.base.002: result and error at once',
      withBody({ jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: 'x' } }),
      { ...invalid, id: 1, message: /not both/ },
    ],
    [
      '26.errors.013: a method with a result',
      changed({ result: {} }),
      { ...invalid, id: 1, message: /no result/ },
    ],
    [
      '26.base.010: a result that is no object',
      withBody({ jsonrpc: '2.0', id: 1, result: 1 }),
      { ...invalid, id: 1, message: /result must be an object/ },
    ],
    [
      '26.base.018: an error without a code',
      withBody({ jsonrpc: '2.0', id: 1, error: { message: 'x' } }),
      { ...invalid, id: 1, message: /integer code/ },
    ],
    [
      '26.http.013 26.http.014: a notification whose method is no string',
      withBody({ jsonrpc: '2.0', method: 5 }),
      { ...invalid, message: /method must be a string/ },
    ],
    [
      '26.base.077: a response to a stateless server',
      withBody({ jsonrpc: '2.0', id: 1, result: {} }),
      { ...invalid, message: /responses are not accepted/ },
    ],
  ]
  for (const [name, sent, refusal] of cases) {
    test(`${name}: ${refusal.status} with ${refusal.code}`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      assertRefused(await endpoint.send(sent), refusal)
      await assertAlive(endpoint)
    })
  }
})

suite('HTTP around the body', () => {
  const cases: Case[] = [
    [
      'a wrong content type',
      withHeaders({ 'content-type': 'text/plain' }),
      { status: 415, code: -32600, message: /Content-Type must be application\/json/ },
    ],
    [
      'a content type that only begins the same',
      withHeaders({ 'content-type': 'application/json-seq' }),
      { status: 415, code: -32600, message: /Content-Type/ },
    ],
    [
      'no content type',
      withHeaders({ 'content-type': undefined }),
      { status: 415, code: -32600, message: /Content-Type/ },
    ],
    [
      'an Accept without event streams',
      withHeaders({ accept: 'application/json' }),
      { status: 406, code: -32600, message: /application\/json and text\/event-stream/ },
    ],
    [
      'an Accept without JSON',
      withHeaders({ accept: 'text/event-stream' }),
      { status: 406, code: -32600, message: /Accept must list/ },
    ],
    [
      'an Accept of neither',
      withHeaders({ accept: 'text/html' }),
      { status: 406, code: -32600, message: /Accept must list/ },
    ],
    [
      'a body over the limit',
      withBody(`{"jsonrpc":"2.0","id":1,"pad":"${'x'.repeat(3000)}"}`),
      { status: 413, code: -32600, message: /too large: at most 2000 bytes/ },
    ],
  ]
  for (const [name, sent, refusal] of cases) {
    test(`${name}: ${refusal.status} with a JSON-RPC error and no id`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server, { maxBodyBytes: 2000 })
      assertRefused(await endpoint.send(sent), refusal)
      await assertAlive(endpoint)
    })
  }

  const accepted: [string, Sent][] = [
    ['a charset', withHeaders({ 'content-type': 'application/json; charset=utf-8' })],
    ['another case', withHeaders({ 'content-type': 'Application/JSON' })],
    ['no Accept at all (RFC 9110, 12.5.1)', withHeaders({ accept: undefined })],
    ['Accept */*', withHeaders({ accept: '*/*' })],
    ['Accept with qualities', withHeaders({ accept: 'text/*;q=0.5, application/*' })],
    ['Accept in the other order', withHeaders({ accept: 'text/event-stream,application/json' })],
  ]
  for (const [name, sent] of accepted) {
    test(`${name} is fine`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      assert.equal((await endpoint.send(sent)).status, 200)
    })
  }

  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'HEAD']) {
    test(`${method}: 405 that lists what is allowed`, async (t) => {
      const endpoint = await startEndpoint(t, makeFixture().server)
      const { headers } = good()
      const answer = await endpoint.send({ method, headers })
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.allow, 'POST, GET, DELETE')
      await assertAlive(endpoint)
    })
  }

  test('26.http.083: GET and DELETE of a stateless client: 405', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server)
    for (const method of ['GET', 'DELETE']) {
      const { headers } = good()
      const answer = await endpoint.send({ method, headers: { ...headers } })
      assertRefused(answer, { status: 405, code: -32600, message: /only POST/ })
    }
  })

  test('a client that sends far too much still sees why it is refused', async (t) => {
    const endpoint = await startEndpoint(t, makeFixture().server, { maxBodyBytes: 1000 })
    const answer = await endpoint.send(withBody('x'.repeat(5_000_000)))
    assert.equal(answer.status, 413)
    await assertAlive(endpoint)
  })

  test('a body of exactly the limit is read', async (t) => {
    const body = JSON.stringify(good().body)
    const endpoint = await startEndpoint(t, makeFixture().server, { maxBodyBytes: body.length })
    assert.equal((await endpoint.send(withBody(body))).status, 200)
    assert.equal((await endpoint.send(withBody(`${body} `))).status, 413)
  })
})

test('26.base.009 25.base.006: ids come back as they came, string or number', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  for (const id of ['7', 7, 0, -1, '', 'a"b\\c\u2028', Number.MAX_SAFE_INTEGER]) {
    const answer = await endpoint.stateless('tools/list', {}, { id })
    assert.equal(answer.message.id, id)
    const { message } = await endpoint.send({ body: initialize('2025-11-25', {}, id) })
    assert.equal(message.id, id)
  }
})

test('26.base.021 25.base.008 26.schema.023: unknown notifications are taken and not answered', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  const session = await endpoint.session()
  const unknown = { jsonrpc: '2.0', method: 'notifications/nonsense', params: { a: 1 } }
  for (const answer of [
    await session.send(unknown),
    await endpoint.send({ ...good(), body: { ...unknown, params: { _meta: metaOf() } } }),
  ]) {
    assert.equal(answer.status, 202)
    assert.equal(answer.text, '')
  }
})

test('an error never repeats what was sent at length', async (t) => {
  const endpoint = await startEndpoint(t, makeFixture().server)
  const long = 'x'.repeat(100_000)
  for (const answer of [
    await endpoint.stateless(long, {}, { headers: { 'mcp-method': 'x' } }),
    await endpoint.send({ body: request(long) }),
    await endpoint.send(withBody(`{"${long}`)),
  ]) {
    assert.ok(answer.text.length < 1000, answer.text.slice(0, 200))
  }
  const session = await endpoint.session()
  for (const message of [
    await session.call(long),
    await session.call('tools/call', { name: long }),
    await session.call('prompts/get', { name: long }),
    await session.call('resources/read', { uri: `docs://${long}` }),
    await session.call('completion/complete', {
      ref: { type: 'ref/prompt', name: long },
      argument: { name: 'a', value: '' },
    }),
  ]) {
    assert.ok((message.error?.message.length ?? 0) < 1000, message.error?.message.slice(0, 200))
  }
})
