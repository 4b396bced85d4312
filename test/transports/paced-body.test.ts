/** Streamed responses to clients that do not keep up, on either HTTP stack. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { maxWaitingBytes } from '../../src/transports/http/exchange.ts'
import { startListener } from '../support/direct-http.ts'

const request = 'GET /mcp HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
const plain = 'GET /mcp HTTP/1.1\r\nHost: h\r\n\r\n'
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A client that has asked and reads nothing yet. */
async function dawdler(t: TestContext, port: number, direct: boolean) {
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(direct ? plain : request)
  return socket
}

/** The pieces of a chunked body, in the order in which they have come. */
function pieces(text: string): string[] {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  return [...body.matchAll(/[0-9a-f]+\r\n(<\d+>)x*\r\n/g)].map(([, name]) => name ?? '')
}

for (const direct of [true, false]) {
  suite(`a streamed response (${direct ? 'read directly' : "on Node's server"})`, () => {
    test('waits, in order and to the last piece, for a client that reads again', async (t) => {
      const sent: string[] = []
      const { port } = await startListener(
        t,
        (exchange) => {
          const stream = exchange.openStream([])
          // More than the sockets of both sides hold, less than may wait.
          for (let each = 0; each < 90; each += 1) {
            sent.push(`<${each}>`)
            stream.write(`<${each}>${'x'.repeat(10_000)}`)
          }
          stream.close()
        },
        { direct },
      )
      const socket = await dawdler(t, port, direct)
      while (sent.length === 0) await turn()
      let text = ''
      socket.setEncoding('latin1')
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.resume()
      while (!text.endsWith('\r\n0\r\n\r\n')) await turn()
      assert.deepEqual(pieces(text), sent)
    })

    test('is cut off when more waits than may', async (t) => {
      const { promise: hasGone, resolve: gone } = Promise.withResolvers<void>()
      let written = 0
      const { port } = await startListener(
        t,
        (exchange) => {
          let isOver = false
          exchange.onDisconnect(() => {
            isOver = true
            gone()
          })
          const stream = exchange.openStream([])
          const write = (): void => {
            if (isOver) return
            stream.write('x'.repeat(50_000))
            written += 50_000
            setImmediate(write)
          }
          write()
        },
        { direct },
      )
      await dawdler(t, port, direct)
      await hasGone
      assert.ok(written > maxWaitingBytes)
    })
  })
}
