import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineServer } from '../../../src/index.ts'
import { serveSecured } from '../../support/secured.ts'

const callers = { a: { subject: 'alice' }, m: { subject: 'mallory' } }

test('26.security.037 26.elicitation.034: a requestState of one caller is of no use to another', async (t) => {
  const server = defineServer({ name: 'asks', version: '1' })
  server.tool('transfer', {}, async (_, context) => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } } } as const
    const { action } = await context.elicit({ key: 'sure', message: 'Sure?', schema })
    return action
  })
  const { client } = await serveSecured(t, server, { callers })
  const call = (token: string, more: object = {}) =>
    client.stateless(
      'tools/call',
      { name: 'transfer', ...more },
      {
        capabilities: { elicitation: {} },
        headers: { authorization: `Bearer ${token}` },
      },
    )
  const { result } = (await call('a')).message
  const answer = {
    requestState: result?.requestState,
    inputResponses: { sure: { action: 'accept', content: { ok: true } } },
  }
  const stolen = (await call('m', answer)).message
  assert.equal(stolen.error?.code, -32602)
  assert.match(stolen.error?.message ?? '', /requestState/)
  assert.equal((await call('a', answer)).message.error, undefined)
})
