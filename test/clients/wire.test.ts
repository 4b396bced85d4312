/** That the tests of this folder notice when a server sends what it should not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Message, Wire } from '../support/clients-wire.ts'

const protocolVersion = 'io.modelcontextprotocol/protocolVersion'
const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'a', version: '1' } }
const complete = { resultType: 'complete', _meta: serverInfo }

/** What is found wrong with messages of a server, after requests of a client in that revision. */
function problems(revision: string, requests: Message[], ...answers: Message[]): string {
  const wire = new Wire()
  if (revision === '2025-11-25') {
    wire.onSent({ jsonrpc: '2.0', id: 'init', method: 'initialize' })
    const result = {
      protocolVersion: revision,
      capabilities: {},
      serverInfo: { name: 'a', version: '1' },
    }
    wire.onReceived({ jsonrpc: '2.0', id: 'init', result })
  }
  for (const request of requests) {
    const _meta = revision === '2025-11-25' ? {} : { [protocolVersion]: revision }
    wire.onSent({ jsonrpc: '2.0', ...request, params: { _meta, ...request.params } })
  }
  for (const answer of answers) wire.onReceived({ jsonrpc: '2.0', ...answer })
  return wire.problems.join('\n')
}

const call = { id: 1, method: 'tools/call' }
const list = { id: 1, method: 'tools/list' }

test('good messages are found good', () => {
  const content = [{ type: 'text', text: 'a' }]
  const tools = [{ name: 'a', inputSchema: { type: 'object' } }]
  assert.equal(problems('2025-11-25', [call], { id: 1, result: { content } }), '')
  assert.equal(problems('2025-11-25', [list], { id: 1, result: { tools } }), '')
  assert.equal(problems('2026-07-28', [call], { id: 1, result: { content, ...complete } }), '')
  const cached = { tools, ttlMs: 0, cacheScope: 'private', ...complete }
  assert.equal(problems('2026-07-28', [list], { id: 1, result: cached }), '')
  assert.equal(problems('2026-07-28', [list], { id: 1, error: { code: -32603, message: 'a' } }), '')
})

test('results that are off schema are found', () => {
  const content = [{ type: 'image', data: 1 }]
  const tools = [{ name: 'a', inputSchema: { type: 'string' } }]
  assert.match(problems('2025-11-25', [call], { id: 1, result: { content } }), /tools\/call is off/)
  assert.match(problems('2025-11-25', [list], { id: 1, result: { tools } }), /tools\/list is off/)
  const result = { content, ...complete }
  assert.match(problems('2026-07-28', [call], { id: 1, result }), /tools\/call is off/)
})

test('members of the other era are found', () => {
  const result = { content: [] }
  const answer = { id: 1, result: { ...result, ...complete } }
  assert.match(problems('2025-11-25', [call], answer), /resultType is not of this revision/)
  assert.match(problems('2026-07-28', [call], { id: 1, result }), /resultType is neither/)
  const listed = { id: 1, result: { tools: [], ...complete } }
  assert.match(problems('2026-07-28', [list], listed), /26.caching/)
})

test('answers to nothing, and second answers, are found', () => {
  const answer = () => ({ id: 1, result: { content: [], ...complete } })
  assert.match(problems('2026-07-28', [], answer()), /a response to nothing/)
  assert.match(problems('2026-07-28', [call], answer(), answer()), /answered twice/)
})

test('progress of nothing in progress is found', () => {
  const progress = { method: 'notifications/progress', params: { progressToken: 7, progress: 1 } }
  const asked = {
    ...call,
    params: { _meta: { [protocolVersion]: '2026-07-28', progressToken: 7 } },
  }
  assert.equal(problems('2026-07-28', [asked], progress), '')
  assert.match(problems('2026-07-28', [call], progress), /no request that is in progress/)
  const answer = { id: 1, result: { content: [], ...complete } }
  assert.match(problems('2026-07-28', [asked], answer, progress), /no request that is in progress/)
})

test('a request of the server is found in 2026-07-28 only', () => {
  const request = { id: 1, method: 'roots/list' }
  assert.equal(problems('2025-11-25', [call], request), '')
  assert.match(problems('2026-07-28', [call], request), /26.base.076/)
})

test('input that is asked for in a wrong way is found', () => {
  const asked = (request: object) => ({
    id: 1,
    result: {
      resultType: 'input_required',
      inputRequests: { a: request },
      _meta: serverInfo,
    },
  })
  const roots = { method: 'roots/list', params: {} }
  assert.equal(problems('2026-07-28', [call], asked(roots)), '')
  assert.match(problems('2026-07-28', [list], asked(roots)), /26.mrtr.005/)
  assert.match(problems('2026-07-28', [call], asked({ ...roots, id: 1 })), /26.schema.019/)
  assert.match(problems('2026-07-28', [call], asked({ method: 'ping' })), /26.mrtr.008/)
  const url = { mode: 'url', message: 'a', url: 'https://a.example', elicitationId: '1' }
  const page = { method: 'elicitation/create', params: url }
  assert.match(problems('2026-07-28', [call], asked(page)), /26.elicitation.028/)
})

test('changes outside a subscription are found in 2026-07-28 only', () => {
  const changed = { method: 'notifications/tools/list_changed' }
  assert.equal(problems('2025-11-25', [call], changed), '')
  assert.match(problems('2026-07-28', [call], changed), /26.schema.015/)
})
