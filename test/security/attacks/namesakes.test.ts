import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../../src/index.ts'
import { clientOf } from '../../../src/server/admission.ts'
import { serveSecured } from '../../support/secured.ts'

const policy = `version: 1
roles:
  root: { allow: { tools: "*" } }
grants:
  - { roles: root, to: { subjects: alice, issuers: "https://one.example" } }
`
const callers = {
  first: { subject: 'alice', issuer: 'https://one.example' },
  namesake: { subject: 'alice', issuer: 'https://two.example' },
  unissued: { subject: 'alice' },
}

function makeServer() {
  const server = defineServer({ name: 'namesakes', version: '1', onError: () => {} })
  server.tool('reset', {}, () => 'done')
  return server
}

suite('an alice of another issuer', () => {
  test('does not have what the policy grants to the first one', async (t) => {
    const { client } = await serveSecured(t, makeServer(), { policy, callers })
    const call = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      const params = { name: 'reset', arguments: {} }
      return (await client.stateless('tools/call', params, { headers })).status
    }
    assert.equal(await call('first'), 200)
    assert.equal(await call('namesake'), 403)
    assert.equal(await call('unissued'), 403)
  })

  test('does not use up the rate of the first one', async (t) => {
    const limits = { rates: [{ per: 'identity', rate: '1/hour', burst: 1 }] } as const
    const { client } = await serveSecured(t, makeServer(), { limits, callers })
    const call = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      const params = { name: 'reset', arguments: {} }
      return (await client.stateless('tools/call', params, { headers })).status
    }
    assert.deepEqual([await call('namesake'), await call('namesake')], [200, 429])
    assert.deepEqual([await call('first'), await call('first')], [200, 429])
  })

  test('waits in a part of the queue of its own, and so does an address that is its name', () => {
    const placeOf = (authInfo: object | undefined, remoteAddress = '192.0.2.1') =>
      clientOf({ peer: { authInfo }, reply: { remoteAddress } } as never, undefined)
    assert.equal(placeOf(callers.first), placeOf({ ...callers.first, clientId: 'other' }))
    assert.notEqual(placeOf(callers.first), placeOf(callers.namesake))
    assert.notEqual(placeOf(callers.first), placeOf(callers.unissued))
    assert.notEqual(placeOf({ subject: '192.0.2.9' }), placeOf(undefined, '192.0.2.9'))
  })
})
