import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyReader, readMessage } from '../load/reply.ts'

const json = '{"jsonrpc":"2.0","id":7,"result":{}}'
const withLength = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`

const event = `event: message\ndata: ${json}\n\n`
const half = Math.floor(event.length / 2)
const chunks = [': hello\n\n', event.slice(0, half), event.slice(half)]
const chunked = [
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
  ...chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`),
  '0\r\n\r\n',
].join('')

for (const [kind, bytes] of Object.entries({ withLength, chunked })) {
  test(`a reply ${kind} is the same wherever the network cuts it`, () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      const reader = new ReplyReader()
      // Twice on one connection: nothing of the first reply may remain.
      for (let turn = 0; turn < 2; turn++) {
        if (cut > 0) assert.equal(reader.push(bytes.slice(0, cut)), undefined)
        const reply = reader.push(bytes.slice(cut))
        assert.ok(reply)
        assert.equal(reply.status, 200)
        assert.equal(readMessage(reply).id, 7)
      }
    }
  })
}

test('a reply without a body ends with its head', () => {
  const reader = new ReplyReader()
  const reply = reader.push('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n')
  assert.equal(reply?.status, 202)
  assert.equal(reply?.body, '')
})

test('a second reply that nobody asked for is a fault', () => {
  assert.throws(() => new ReplyReader().push(withLength + withLength), /more than one/)
})

test('a reply of unknown length is a fault', () => {
  assert.throws(() => new ReplyReader().push('HTTP/1.1 200 OK\r\n\r\n'), /without length/)
})
