import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import WebSocket from 'ws'
import { serveHttp } from '../../../src/http.ts'
import { defineServer } from '../../../src/index.ts'
import { connectPeer } from '../../support/peer.ts'
import { serveSecured } from '../../support/secured.ts'

const server = defineServer({ name: 'target', version: '1' })
server.tool('echo', { input: { type: 'object' } }, () => 'ok')

suite('JSON that is small to send and large to hold', () => {
  const nested = (open: string, close: string, depth: number) =>
    `${open.repeat(depth)}1${close.repeat(depth)}`
  const message = (args: string) =>
    `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{"a":${args}}},"id":"the \\"id\\""}`

  test('is refused by its depth, width and strings, under its id', async (t) => {
    const json = { maxDepth: 50, maxItems: 1000, maxStringLength: 10_000 }
    const { client } = await serveSecured(t, server, { http: { json } })
    const refusal = async (args: string) => {
      const { status, message: answer } = await client.send({ body: message(args) })
      assert.equal(answer.id, 'the "id"')
      return [status, answer.error?.code, answer.error?.message]
    }
    const tooDeep = [400, -32600, 'Invalid request: at most 50 levels may be nested']
    assert.deepEqual(await refusal(nested('[', ']', 60_000)), tooDeep)
    assert.deepEqual(await refusal(nested('{"a":', '}', 60_000)), tooDeep)
    assert.deepEqual(await refusal(nested('[{"a":', '}]', 30)), tooDeep)
    const tooWide = [400, -32600, 'Invalid request: an array or object may have 1000 items']
    assert.deepEqual(await refusal(`[${'1,'.repeat(1000)}1]`), tooWide)
    const members = Array.from({ length: 1001 }, (_, index) => `"k${index}":1`)
    assert.deepEqual(await refusal(`{${members.join()}}`), tooWide)
    assert.deepEqual(await refusal(`"${'x'.repeat(10_001)}"`), [
      400,
      -32600,
      'Invalid request: a string may have 10000 characters',
    ])
  })

  test('is not mistaken for it: brackets and commas in strings do not count', async (t) => {
    const json = { maxDepth: 5, maxItems: 10, maxStringLength: 10_000 }
    const peer = (await connectPeer(t, server, { json })).goStateless()
    const text = `[[[[[[{{{{{{ ,,,,,,,,,,,,,,,,,, \\" " ] } \\`.repeat(20)
    const answer = await peer.request('tools/call', { name: 'echo', arguments: { text } })
    assert.equal(answer.error, undefined)
  })

  test('is bounded on connections, too, without a setting', async (t) => {
    const peer = await connectPeer(t, server)
    const deep = JSON.parse(nested('[', ']', 200))
    const answer = await peer.request('tools/call', { name: 'echo', arguments: { deep } })
    assert.equal(answer.error?.code, -32600)
  })
})

suite('what would be large when it is unpacked', () => {
  test('is not unpacked: a compressed body is refused', async (t) => {
    const { client } = await serveSecured(t, server)
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
    assert.ok(bomb.length < 100_000)
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip']) {
      const answer = await client.send({ headers: { 'content-encoding': encoding }, body: bomb })
      assert.equal(answer.status, 415, encoding)
    }
  })

  test('is not agreed on over WebSocket', async (t) => {
    const listener = await serveHttp(server, { port: 0, drainMs: 0, webSocketPath: '/ws' })
    t.after(() => listener.close())
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/ws`, 'mcp', {
      perMessageDeflate: true,
    })
    await new Promise((resolve) => socket.once('open', resolve))
    assert.equal(socket.extensions, '')
    socket.terminate()
  })
})
