import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import type { HttpExchange } from '../../src/transports/http/exchange.ts'
import { startListener, type TestListener, tell } from '../support/direct-http.ts'
import { runs } from '../support/fuzz.ts'
import { rawExchange } from '../support/raw-http.ts'

/** The last request: after it either server ends the connection. */
const farewell = 'GET /bye HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

const token = fc.constantFrom('x-a', 'X-B', 'Mcp-Session-Id', 'Cookie', 'X_c.d~', 'content-type')
const value = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }) },
  fc.constantFrom('', ' ', '\t', ' a b ', '\xa0x\xa0', '\xff', 'a\x7fb', 'a\x00b', 'a\rb', 'a\nb'),
)
/** Lines that decide where a request ends, and those that look as if they did. */
const framingLine = fc.constantFrom(
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'transfer-encoding : chunked',
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 0x3',
  'Content-Length : 3',
  'Content-Length:\t3 ',
  'Content-Length: 003',
  'Content-Length: 99999999999',
  'Connection: close',
  'Connection: Keep-Alive',
  'Connection: keep-alive, x-a',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: nonsense',
  'Trailer: x-a',
  'Host: other',
  ' folded: x',
  'no colon here',
  ': no name',
  'x-a: b\n',
  'x y: z',
)
const line = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(token, value).map(([name, text]) => `${name}: ${text}`) },
  framingLine,
)
const start = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('POST /mcp', 'GET /mcp?q=1', 'DELETE /mcp') },
  fc.constantFrom('PUT /mcp', 'HEAD /mcp', 'POST /other', 'POST mcp', 'POST  /mcp', 'post /mcp'),
  fc.constantFrom(
    'POST http://h/mcp',
    'OPTIONS *',
    'POST /mcp#x',
    'POST /m\x00cp',
    'POST /mcp\xe9',
  ),
)
const version = fc.oneof(
  { weight: 20, arbitrary: fc.constant('HTTP/1.1') },
  fc.constantFrom('HTTP/1.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 ', ''),
)
const body = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }) },
  fc.constantFrom('3\r\nabc\r\n0\r\n\r\n', '0\r\n\r\n', 'POST /mcp HTTP/1.1\r\nHost: h\r\n\r\n'),
)
const ending = fc.oneof(
  { weight: 20, arbitrary: fc.constant('\r\n\r\n') },
  fc.constantFrom('\n\n', '\r\n\n', '\r\r\n'),
)
const request = fc
  .record({ start, version, lines: fc.array(line, { maxLength: 4 }), body, ending })
  .chain((parts) =>
    fc
      .constantFrom(true, true, true, true, false)
      .map((isRight) => requestText({ ...parts, isRight })),
  )

function requestText(parts: {
  start: string
  version: string
  lines: string[]
  body: string
  ending: string
  isRight: boolean
}): string {
  const lines = ['Host: h', ...parts.lines]
  if (parts.isRight) lines.push(`Content-Length: ${parts.body.length}`)
  return `${parts.start} ${parts.version}\r\n${lines.join('\r\n')}${parts.ending}${parts.body}`
}

/** What was answered, without what may differ: the time, the letter case and the order of headers. */
function told(text: string): string[] {
  return text.split(/(?=HTTP\/1\.1 \d{3})/).map((answer) => {
    const [head = '', ...rest] = answer.split('\r\n\r\n')
    const [status = '', ...headers] = head.toLowerCase().split('\r\n')
    const kept = headers.filter((each) => !/^(date|connection|keep-alive):/.test(each))
    return [status, ...kept.sort(), '', ...rest].join('\n')
  })
}

suite('requests that are read from the socket', () => {
  const stop: (() => unknown)[] = []
  const ends = { after: (each: () => unknown) => stop.push(each) } as never
  const asked = { direct: 0, node: 0 }
  const counting = (by: 'direct' | 'node') => (exchange: HttpExchange) => {
    asked[by] += 1
    tell(exchange)
  }
  let direct: TestListener
  let node: TestListener
  before(async () => {
    direct = await startListener(ends, counting('direct'))
    node = await startListener(ends, counting('node'), { direct: false })
  })
  after(() => {
    for (const each of stop) each()
  })

  test('mean the same, and end where the same requests end for Node', async () => {
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 4 })
    const before = direct.direct.requests
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), cuts, async (all, at) => {
        const bytes = Buffer.from(all.join('') + farewell, 'latin1')
        asked.direct = 0
        asked.node = 0
        const [ours, nodes] = await Promise.all([
          rawExchange(direct.port, bytes, at, true),
          rawExchange(node.port, bytes, at, true),
        ])
        // What is no HTTP has a bare answer, which with Node takes the answers before it with it.
        if (!/HTTP\/1\.1 4\d\d [^{]*$/.test(nodes)) assert.deepEqual(told(ours), told(nodes))
        assert.equal(asked.direct, asked.node)
      }),
      runs(1500),
    )
    // Else the property would compare Node with itself.
    assert.ok(direct.direct.requests - before > 100, `${direct.direct.requests} requests`)
  })
})
