import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { type HttpExchange, maxWaitingBytes } from '../../src/transports/http/exchange.ts'
import { startListener, tell } from '../support/direct-http.ts'
import { rawExchange } from '../support/raw-http.ts'

const post = (body: string, more = '') =>
  `POST /mcp HTTP/1.1\r\nHost: h\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** A connection, and a way to wait for what it receives. */
async function open(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  t.after(() => socket.destroy())
  let text = ''
  let look: (() => void) | undefined
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    look?.()
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return {
    socket,
    get text() {
      return text
    },
    send: (bytes: string | Buffer) => socket.write(bytes),
    until: (pattern: RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        look = () => {
          if (pattern.test(text)) resolve(text)
        }
        socket.once('close', () => reject(new Error(`closed before ${pattern}: ${text}`)))
        look()
      }),
  }
}
const closed = (socket: Socket) => (socket.closed ? undefined : once(socket, 'close'))
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
/** The bodies that were told of, each as its bytes. */
const bodies = (text: string) =>
  [
    ...Buffer.from(text, 'latin1')
      .toString()
      .matchAll(/"body":("(?:[^"\\]|\\.)*"|null)/g),
  ].map(([, body]) => JSON.parse(body ?? ''))

suite('a connection that is read directly', () => {
  test('answers one request after the other, in whatever pieces they come', async (t) => {
    const { port, direct, sockets } = await startListener(t, tell)
    const client = await open(t, port)
    const all = Buffer.from(post('one') + post('zwölf') + post('') + post('four', 'X-A: 4\r\n'))
    client.send(all)
    await client.until(/"body":"four"/)
    assert.deepEqual(bodies(client.text), [
      'one',
      Buffer.from('zwölf').toString('latin1'),
      '',
      'four',
    ])
    assert.equal(direct.requests, 4)
    const first = Buffer.from(post('first'))
    const at = first.indexOf('fir')
    client.send(first.subarray(0, at))
    await until(() => sockets[0]?.bytesRead === all.length + at)
    client.send(first.subarray(at, at + 1))
    client.send(Buffer.concat([first.subarray(at + 1), Buffer.from(post('second'))]))
    await client.until(/"body":"second"/)
    assert.deepEqual(bodies(client.text).slice(4), ['first', 'second'])
    assert.equal(direct.requests, 6)
  })

  test('leaves to Node a head that comes in pieces, other paths and chunked bodies, and loses nothing', async (t) => {
    const { port, direct } = await startListener(t, tell)
    const chunked =
      'POST /mcp HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    for (const [bytes, body] of [
      [post('x').replace('/mcp', '/other'), 'x'],
      [chunked, 'abc'],
      [post('x', `X-A: ${'a'.repeat(10_000)}\r\n`), 'x'],
      [post('x', 'X-A: 1\r\nX-A: 2\r\n'), 'x'],
      [post('y'.repeat(300_000)), 'y'.repeat(300_000)],
    ] as const) {
      const before = direct.requests
      const client = await open(t, port)
      client.send(post('before') + bytes + post('after', 'X-B: last\r\n'))
      await client.until(/"body":"after"/)
      assert.deepEqual(bodies(client.text), ['before', body, 'after'])
      assert.equal(direct.requests - before, 1)
      client.socket.destroy()
    }
    const before = direct.requests
    const client = await open(t, port)
    const bytes = post('cut')
    client.send(bytes.slice(0, 20))
    await until(() => direct.connections?.size === 0)
    client.send(bytes.slice(20))
    assert.deepEqual(bodies(await client.until(/"body":"cut"/)), ['cut'])
    assert.equal(direct.requests, before)
  })

  test('waits for its turn: what was asked later is answered later', async (t) => {
    const exchanges: HttpExchange[] = []
    const { port } = await startListener(t, (exchange) => {
      if (exchange.getHeader('x-a') === 'slow') exchanges.push(exchange)
      else tell(exchange)
    })
    const client = await open(t, port)
    client.send(post('one', 'X-A: slow\r\n') + post('two'))
    client.send(post('three'))
    await until(() => exchanges.length === 1)
    assert.equal(client.text, '')
    tell(exchanges[0] as HttpExchange)
    await client.until(/"body":"three"/)
    assert.deepEqual(bodies(client.text), ['one', 'two', 'three'])
  })

  test('stops reading a client that sends far ahead, and goes on when it is answered', async (t) => {
    const exchanges: HttpExchange[] = []
    const { port, sockets } = await startListener(t, (exchange) => {
      if (exchange.getHeader('x-a') === 'slow') exchanges.push(exchange)
      else tell(exchange)
    })
    const client = await open(t, port)
    client.send(post('one', 'X-A: slow\r\n'))
    await until(() => exchanges.length === 1)
    const many = 40
    const large = 'z'.repeat(200_000)
    for (let count = 0; count < many; count += 1) client.send(post(large))
    // More than what a socket takes without its reader: the rest stays with the client.
    await until(() => sockets[0]?.isPaused() === true)
    assert.ok(client.socket.writableLength > 0)
    tell(exchanges[0] as HttpExchange)
    await until(() => bodies(client.text).length === many + 1)
    assert.ok(bodies(client.text).every((body, index) => index === 0 || body === large))
  })

  test('sends a stream in chunks, and serves the next request after it', async (t) => {
    const { port } = await startListener(t, (exchange) => {
      if (exchange.method !== 'GET') return tell(exchange)
      const stream = exchange.openStream(['content-type', 'text/event-stream'])
      stream.write('data: grüß\n\n')
      stream.write('')
      stream.write('data: 2\n\n')
      stream.close()
      stream.write('too late')
      stream.close()
    })
    const client = await open(t, port)
    client.send(`GET /mcp HTTP/1.1\r\nHost: h\r\n\r\n${post('next')}`)
    const text = Buffer.from(await client.until(/"body":"next"/), 'latin1').toString()
    assert.match(text, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\n/)
    assert.match(
      text,
      /\r\n\r\ne\r\ndata: grüß\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\nHTTP\/1\.1 200 OK/,
    )
  })

  test('cuts off who reads too slowly, and says that it has gone', async (t) => {
    let gone = 0
    const { port } = await startListener(t, (exchange) => {
      exchange.onDisconnect(() => {
        gone += 1
      })
      const stream = exchange.openStream([])
      const piece = 'x'.repeat(maxWaitingBytes)
      const write = () => {
        if (gone > 0) return
        stream.write(piece)
        setImmediate(write)
      }
      write()
    })
    const client = await open(t, port)
    client.socket.pause()
    client.send(post('x'))
    await until(() => gone > 0)
    assert.equal(gone, 1)
  })

  test('tells of a client that goes away in the middle, and of none that had its answer', async (t) => {
    const gone: string[] = []
    const { port } = await startListener(t, (exchange) => {
      const name = exchange.getHeader('x-a') ?? ''
      exchange.onDisconnect(() => gone.push(name))
      if (name === 'answered') tell(exchange)
    })
    const client = await open(t, port)
    client.send(post('x', 'X-A: answered\r\n'))
    await client.until(/"body":"x"/)
    client.send(post('x', 'X-A: waiting\r\n'))
    client.socket.end()
    await until(() => gone.length > 0)
    assert.deepEqual(gone, ['waiting'])
  })

  test('RFC 9112, 9.6: says goodbye when the listener closes, and cuts off idle ones', async (t) => {
    const exchanges: HttpExchange[] = []
    const { port, direct } = await startListener(t, (exchange) => exchanges.push(exchange))
    const [idle, busy, fresh] = [await open(t, port), await open(t, port), await open(t, port)]
    idle.send(post('x'))
    await until(() => exchanges.length === 1)
    tell(exchanges[0] as HttpExchange)
    await idle.until(/"body":"x"/)
    busy.send(post('x'))
    await until(() => exchanges.length === 2 && direct.connections?.size === 3)
    direct.connections?.close()
    await closed(idle.socket)
    // Its request was on its way.
    fresh.send(post('y'))
    await until(() => exchanges.length === 3)
    tell(exchanges[2] as HttpExchange)
    assert.match(await fresh.until(/"body":"y"/), /\r\nconnection: close\r\n/)
    await closed(fresh.socket)
    tell(exchanges[1] as HttpExchange)
    assert.match(await busy.until(/"body":"x"/), /\r\nconnection: close\r\n/)
    await closed(busy.socket)
  })

  test('ends connections that are idle, or whose request does not come whole, for too long', async (t) => {
    const { port, direct, sockets } = await startListener(t, tell)
    const [idle, part] = [await open(t, port), await open(t, port)]
    idle.send(post('x'))
    await idle.until(/"body":"x"/)
    part.send(post('xyz').slice(0, -1))
    await until(() => sockets.every(({ bytesRead }) => bytesRead > 0))
    const now = Date.now()
    direct.connections?.sweep(now + 29_000)
    assert.equal(direct.connections?.size, 2)
    direct.connections?.sweep(now + 31_000)
    await closed(part.socket)
    assert.match(part.text, /^HTTP\/1\.1 408 /)
    direct.connections?.sweep(now + 66_000)
    await closed(idle.socket)
    await until(() => direct.connections?.size === 0)
  })

  test('refuses to send a header that would break the response', async (t) => {
    const problems: unknown[] = []
    const { port } = await startListener(t, (exchange) => {
      try {
        exchange.respond(200, ['x-a', 'a\r\nset-cookie: x'])
      } catch (error) {
        problems.push(error)
        exchange.respond(204, [])
      }
    })
    const answer = await rawExchange(port, Buffer.from(post('x')), [], true)
    assert.match(answer, /^HTTP\/1\.1 204 No Content\r\n/)
    assert.doesNotMatch(answer, /content-length|cookie/)
    assert.match(String(problems[0]), /Invalid value of header x-a/)
  })

  test('reads the body up to the limit of its reader', async (t) => {
    const { port, direct } = await startListener(t, (exchange) =>
      exchange.readBody(3, (body) =>
        exchange.respond(200, [], body === undefined ? 'too long' : Buffer.from(body)),
      ),
    )
    const client = await open(t, port)
    client.send(post('abc') + post('abcd'))
    assert.match(await client.until(/too long/), /\r\n\r\nabcHTTP/)
    assert.equal(direct.requests, 2)
  })
})
