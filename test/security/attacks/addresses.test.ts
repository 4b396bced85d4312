import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { defineServer } from '../../../src/index.ts'
import { clientAddressThrough } from '../../../src/transports/http/client-address.ts'
import { runs } from '../../support/fuzz.ts'
import { serveSecured } from '../../support/secured.ts'

const asked = (remoteAddress: string, headers: Record<string, string> = {}) => ({
  remoteAddress,
  getHeader: (name: string) => headers[name],
})

suite('an address that a client makes up', () => {
  const through = clientAddressThrough(['10.0.0.0/8', '::1'])

  test('is believed of nobody but the named proxies', () => {
    const forged = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' }
    assert.equal(through(asked('198.51.100.7', forged)), '198.51.100.7')
    assert.equal(through(asked('10.1.2.3', forged)), '192.0.2.1')
    assert.equal(through(asked('::ffff:10.1.2.3', forged)), '192.0.2.1')
  })

  test('does not stand before what the proxy has seen', () => {
    const list = { 'x-forwarded-for': '203.0.113.1, 198.51.100.7, 10.9.9.9' }
    assert.equal(through(asked('10.1.2.3', list)), '198.51.100.7')
    const forwarded = {
      forwarded: 'for=203.0.113.1, for="[2001:db8::7]:4711";proto=https, for=10.2.2.2',
    }
    assert.equal(through(asked('::1', forwarded)), '2001:db8::7')
    assert.equal(through(asked('10.1.2.3', { 'x-forwarded-for': '1.1.1.1, unknown' })), '10.1.2.3')
    assert.equal(through(asked('10.1.2.3', { 'x-forwarded-for': '192.0.2.5:1234' })), '192.0.2.5')
    assert.equal(through(asked('10.1.2.3')), '10.1.2.3')
  })

  test('is an address or none, whatever the headers hold', () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, isStandard) => {
        const headers = isStandard ? { forwarded: text } : { 'x-forwarded-for': text }
        assert.match(through(asked('10.0.0.1', headers)) ?? '', /^[0-9a-fA-F.:]+(?:%\S+)?$/)
      }),
      runs(),
    )
  })

  test('does not escape its limit', async (t) => {
    const server = defineServer({ name: 'target', version: '1' })
    server.tool('echo', {}, () => 'ok')
    const limits = { rates: [{ per: 'address', rate: '1/hour', burst: 2 }] } as const
    const post = async (trustedProxies: string[]) => {
      const { client } = await serveSecured(t, server, { limits, http: { trustedProxies } })
      const statuses = []
      for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
        const headers = { 'x-forwarded-for': address }
        statuses.push((await client.stateless('tools/list', {}, { headers })).status)
      }
      return statuses
    }
    assert.deepEqual(await post([]), [200, 200, 429])
    assert.deepEqual(await post(['loopback']), [200, 200, 200])
  })

  test('cannot be trusted when it is none', () => {
    for (const bad of ['proxy.example.com', '10.0.0.0/33', '10.0.0.1/', '*', '']) {
      assert.throws(() => clientAddressThrough([bad]), /Not an address or network/, bad)
    }
  })
})
