import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { startEndpoint } from '../support/http.ts'
import { list, statefulVersions } from '../support/messages.ts'
import { connectPeer, connectStateful, connectStateless } from '../support/peer.ts'

function makeServer() {
  const server = defineServer({ name: 'offers', version: '1' })
  server.tool('t', {}, () => 'x')
  server.resource('docs://a', {}, () => 'x')
  server.prompt('p', { arguments: { a: { complete: () => [] } } }, () => 'x')
  return server
}
const capabilities = {
  logging: {},
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
}

suite('what is offered', () => {
  for (const version of statefulVersions) {
    test(`25.tools.002 25.prompts.001 25.resources.001 25.completion.001 0326.completion.001 25.lifecycle.015: is declared at initialize (${version})`, async (t) => {
      const peer = await connectPeer(t, makeServer())
      const { result } = await peer.open(version)
      const { completions, ...before } = capabilities
      // 1105.completion.001: there is no such capability yet.
      const expected = version === '2024-11-05' ? before : { ...before, completions }
      assert.deepEqual(result?.capabilities, expected)
    })

    test(`25.lifecycle.017 25.lifecycle.016 0326.lifecycle.003: what is not is an unknown method (${version})`, async (t) => {
      const server = defineServer({ name: 'bare', version: '1', logging: false })
      const peer = await connectPeer(t, server)
      assert.deepEqual((await peer.open(version)).result?.capabilities, {})
      for (const method of [
        'tools/list',
        'tools/call',
        'prompts/list',
        'prompts/get',
        'resources/list',
        'resources/templates/list',
        'resources/read',
        'resources/subscribe',
        'resources/unsubscribe',
        'completion/complete',
        'logging/setLevel',
      ]) {
        assert.equal((await peer.request(method)).error?.code, -32601, method)
      }
      assert.ok((await peer.request('ping')).result)
    })
  }

  test('26.tools.005 26.prompts.001 26.resources.001: is declared by server/discover', async (t) => {
    const peer = await connectStateless(t, makeServer())
    assert.deepEqual((await peer.request('server/discover')).result?.capabilities, capabilities)
  })

  test('26.tools.006 26.tools.007 26.tools.008: may come and go, and stays declared when it is gone', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    const registration = server.tool('t', {}, () => 'x')
    const peer = await connectStateless(t, server)
    registration.remove()
    assert.deepEqual((await peer.request('tools/list')).result?.tools, [])
    assert.equal((await peer.request('tools/call', { name: 't' })).error?.code, -32602)
    const { result } = await peer.request('server/discover')
    assert.deepEqual(result?.capabilities?.tools, { listChanged: true })
    server.tool('t', {}, () => 'y')
    assert.equal(list((await peer.request('tools/list')).result?.tools).length, 1)
  })

  test('a feature added to a running server is known at once', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    const peer = await connectStateful(t, server)
    assert.equal((await peer.request('prompts/list')).error?.code, -32601)
    server.prompt('p', {}, () => 'x')
    assert.equal(list((await peer.request('prompts/list')).result?.prompts).length, 1)
    assert.equal((await peer.next()).method, 'notifications/prompts/list_changed')
  })

  test('26.tools.009 26.prompts.005 26.resources.006 26.tools.011: is the same for everybody, whatever they have done before', async (t) => {
    const server = makeServer()
    server.tool('u', {}, () => 'x')
    const endpoint = await startEndpoint(t, server)
    const lists = async () =>
      Promise.all(
        ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'].map(
          async (method) => (await endpoint.stateless(method)).text,
        ),
      )
    const first = await lists()
    const session = await endpoint.session('2024-11-05')
    await session.call('tools/call', { name: 't' })
    await session.call('logging/setLevel', { level: 'error' })
    await endpoint.stateless('tools/call', { name: 'u' })
    await endpoint.stateless('nonsense')
    assert.deepEqual(await lists(), first)
  })

  test('26.versioning.019 25.versioning.001: is there for both eras on one endpoint at once', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const session = await endpoint.session()
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        index % 2 === 0
          ? (await endpoint.stateless('tools/list')).message
          : session.call('tools/list'),
      ),
    )
    for (const [index, { result }] of answers.entries()) {
      assert.equal(result?.resultType, index % 2 === 0 ? 'complete' : undefined)
      assert.equal(list(result?.tools).length, 1)
    }
  })

  test('0618.sessions.001 26.http.068: headers have no case', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const { id } = await endpoint.session('2025-06-18')
    const { status } = await endpoint.send({
      headers: { 'Mcp-Session-Id': id, 'MCP-PROTOCOL-VERSION': '2025-06-18' },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    })
    assert.equal(status, 200)
  })
})
