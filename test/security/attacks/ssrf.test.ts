import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { defineServer } from '../../../src/index.ts'
import { connectStateless } from '../../support/peer.ts'

/** A server inside the network that nobody from outside should make us call. */
async function canary(t: TestContext) {
  const called: string[] = []
  const listener = createServer((request, response) => {
    called.push(request.url ?? '')
    response.end('{"type":"object"}')
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(() => listener.close())
  return { called, url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}` }
}

suite('nothing that is named by a URI is fetched', () => {
  test('26.base.041: no schema of another document', async (t) => {
    const { called, url } = await canary(t)
    const server = defineServer({ name: 'target', version: '1' })
    const input = { type: 'object', properties: { a: { $ref: `${url}/schema` } } } as const
    assert.throws(() => server.tool('tool', { input }, () => 'ok'), /Invalid JSON Schema/)
    assert.deepEqual(called, [])
  })

  test('25.resources.012: no resource that is not ours', async (t) => {
    const { called, url } = await canary(t)
    const server = defineServer({ name: 'target', version: '1' })
    server.resourceTemplate('docs://{page}', {}, () => 'page')
    const peer = await connectStateless(t, server)
    for (const uri of [
      `${url}/x`,
      'http://169.254.169.254/latest/meta-data',
      'file:///etc/passwd',
    ]) {
      const { error } = await peer.request('resources/read', { uri })
      assert.match(error?.message ?? '', /Resource not found/, uri)
    }
    assert.deepEqual(called, [])
  })

  test('25.base.021: no icon that makes its reader fetch from inside', () => {
    const make = (src: string) => defineServer({ name: 'target', version: '1', icons: [{ src }] })
    for (const src of [
      'http://169.254.169.254/latest/meta-data',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'ftp://internal/x.png',
    ]) {
      assert.throws(() => make(src), /https: or data: URI/, src)
    }
    make('https://example.com/icon.png')
    make('data:image/png;base64,AA==')
  })
})
