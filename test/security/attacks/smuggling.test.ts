import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { serveHttp } from '../../../src/http.ts'
import { defineServer } from '../../../src/index.ts'
import { serveSecured } from '../../support/secured.ts'

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

async function serving(t: TestContext) {
  const calls: string[] = []
  const server = defineServer({ name: 'target', version: '1' })
  server.tool('admin', {}, () => {
    calls.push('admin')
    return 'done'
  })
  const listener = await serveHttp(server, { port: 0, drainMs: 0 })
  t.after(() => listener.close())
  return { port: listener.port, calls }
}

/** All that comes back for some bytes, until the server is done with them. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.setTimeout(1500, () => socket.destroy())
    socket.on('data', (chunk) => {
      received += String(chunk)
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
    socket.write(text)
  })
}

const headers = (port: number) =>
  `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n`

suite('a request that two readers end in different places', () => {
  test('is refused, and the bytes behind it are no request', async (t) => {
    const { port, calls } = await serving(t)
    const hidden = `POST /mcp HTTP/1.1\r\n${headers(port)}Content-Length: 5\r\n\r\nhello`
    const start = `POST /mcp HTTP/1.1\r\n${headers(port)}`
    for (const [name, text] of [
      [
        'length and chunks',
        `${start}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      ],
      ['two lengths', `${start}Content-Length: 4\r\nContent-Length: 40\r\n\r\n{}{}${hidden}`],
      ['a coding that is none', `${start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
      ['a blank before the colon', `${start}Content-Length : 2\r\n\r\n{}${hidden}`],
      ['a folded header', `${start}X-A: b\r\n c: d\r\nContent-Length: 2\r\n\r\n{}${hidden}`],
      ['a sign before the length', `${start}Content-Length: +2\r\n\r\n{}${hidden}`],
      ['bare line feeds', `${start.replaceAll('\r\n', '\n')}Content-Length: 2\n\n{}${hidden}`],
    ] as const) {
      const answer = await exchange(port, text)
      const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)
      assert.deepEqual(statuses, ['400'], `${name}: ${answer}`)
    }
    assert.deepEqual(calls, [])
  })

  test('in chunks is read to its end by one reader alone', async (t) => {
    const { port } = await serving(t)
    const body = `${ping.length.toString(16)}\r\n${ping}\r\n0\r\n\r\n`
    const text = `POST /mcp HTTP/1.1\r\n${headers(port)}Transfer-Encoding: chunked\r\n\r\n${body}`
    const answer = await exchange(port, text)
    assert.equal([...answer.matchAll(/HTTP\/1\.1 /g)].length, 1, answer)
  })
})

suite('a header that is there twice', () => {
  test('is not what a proxy may have looked at', async (t) => {
    const server = defineServer({ name: 'target', version: '1' })
    const callers = { good: { subject: 'alice' }, evil: { subject: 'mallory' } }
    const { port } = await serveSecured(t, server, { callers })
    const post = (more: string) =>
      exchange(
        port,
        `POST /mcp HTTP/1.1\r\n${headers(port)}${more}Content-Length: ${ping.length}\r\nConnection: close\r\n\r\n${ping}`,
      )
    assert.match(await post('Authorization: Bearer good\r\n'), /HTTP\/1\.1 400/)
    const twice = await post('Authorization: Bearer evil\r\nAuthorization: Bearer good\r\n')
    assert.match(twice, /HTTP\/1\.1 401/)
    assert.match(
      await post('Authorization: Bearer good\r\nHost: evil.example\r\n'),
      /HTTP\/1\.1 40[03]/,
    )
  })
})
