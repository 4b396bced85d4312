import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { makeFixture } from '../support/fixture-server.ts'
import { bodyText, memberName, plausibleRequest, runs } from '../support/fuzz.ts'
import { startEndpoint, type TestEndpoint } from '../support/http.ts'
import { type Message, metaOf } from '../support/messages.ts'
import { parseAnswer, rawBytes, rawExchange } from '../support/raw-http.ts'
import { assertAlive } from '../support/refusals.ts'

/** Every status that the endpoint gives, Node's own answers to malformed HTTP included. */
const statuses = [200, 202, 204, 400, 403, 404, 405, 406, 413, 415, 417, 431, 501, 503]
/** Every code that the engine gives in any revision. */
const codes = [-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022, -32002]

/** A response is within the specification: a known status, and a body that is JSON-RPC or empty. */
function assertWithinSpecification(status: number, type: string, body: string): void {
  assert.ok(statuses.includes(status), `status ${status}: ${body}`)
  // What is no HTTP never reaches us: Node answers it with an empty body.
  if (body === '') return
  const messages: Message[] = type.startsWith('text/event-stream')
    ? [...body.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? ''))
    : [JSON.parse(body)].flat()
  for (const message of messages) {
    const text = JSON.stringify(message)
    assert.equal(message.jsonrpc, '2.0', text)
    if (message.method !== undefined) continue
    if (message.error === undefined) assert.equal(typeof message.result, 'object', text)
    else {
      assert.ok(codes.includes(message.error.code), text)
      assert.equal(typeof message.error.message, 'string', text)
      assert.notEqual(message.id, null, text)
    }
  }
}

const version = fc.constantFrom('2026-07-28', '2025-11-25', '2025-03-26', 'v999', '')
const headerText = fc.string({ unit: 'grapheme-ascii', maxLength: 20 })
/** Mostly right: a request that is stopped at the door shows little of what is behind it. */
const mostly = (...good: string[]) =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...good) }, headerText)
const looseHeaders = fc.record(
  {
    'mcp-protocol-version': fc.oneof(version, headerText),
    'mcp-method': fc.oneof(
      fc.constantFrom('tools/call', 'tools/list', 'server/discover'),
      headerText,
    ),
    'mcp-name': fc.oneof(fc.constantFrom('echo', 'docs://readme'), headerText),
    'mcp-session-id': fc.oneof(fc.constant('SESSION'), headerText),
    'mcp-param-region': headerText,
    'last-event-id': fc.oneof(fc.constantFrom('1-1', '0-9', '2-3'), headerText),
    accept: mostly('*/*', 'text/event-stream, application/json'),
    'content-type': mostly('application/json', 'application/json; charset=utf-8'),
    origin: mostly('http://localhost:1', 'http://127.0.0.1'),
  },
  { requiredKeys: [] },
)
const method = fc.oneof(
  { weight: 8, arbitrary: fc.constant('POST') },
  fc.constantFrom('DELETE', 'PUT', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE'),
)
const cuts = fc.array(fc.nat({ max: 900 }), { maxLength: 6 })

suite('the HTTP door', () => {
  const fixture = makeFixture()
  let endpoint: TestEndpoint
  let stop: (() => unknown)[]
  before(async () => {
    stop = []
    endpoint = await startEndpoint(
      { after: (each: () => unknown) => stop.push(each) } as never,
      fixture.server,
    )
  })
  after(async () => {
    for (const each of stop) await each()
  })

  /** Everything is as if nothing had happened, and a good request works. */
  async function assertRested(): Promise<void> {
    for (const session of [...endpoint.engine.sessions]) {
      await endpoint.engine.endSession(session, 'The test has ended')
    }
    await assertAlive(endpoint)
    while (endpoint.engine.running > 0) await assertAlive(endpoint)
    assert.equal(endpoint.engine.sessions.size, 0)
    assert.equal(endpoint.engine.subscriptions.size, 0)
  }

  test('answers any request within the specification', async () => {
    const session = await endpoint.session()
    await fc.assert(
      fc.asyncProperty(method, looseHeaders, bodyText, cuts, async (verb, given, body, at) => {
        const headers: Record<string, string> = { ...given }
        if (headers['mcp-session-id'] === 'SESSION') headers['mcp-session-id'] = session.id
        if (verb === 'DELETE') delete headers['mcp-session-id']
        // Requests that do not end their connection are read by another part, and need one after them that does.
        const isKept = verb === 'POST' || verb === 'DELETE'
        const bytes = isKept
          ? Buffer.concat([
              rawBytes({ method: verb, headers: { ...headers, connection: undefined }, body }),
              rawBytes({ method: 'PUT' }),
            ])
          : rawBytes({ method: verb, headers, body })
        const text = await rawExchange(endpoint.port, bytes, at)
        const { status, head, body: answer } = parseAnswer(text)
        const type = /content-type: (.*)/i.exec(head)?.[1] ?? ''
        assertWithinSpecification(status, type, answer)
      }),
      runs(),
    )
    await assertRested()
  })

  test('answers any message in a session within the specification', async () => {
    let session = await endpoint.session('2025-03-26')
    await fc.assert(
      fc.asyncProperty(bodyText, async (body) => {
        const answer = await session.send(body)
        assertWithinSpecification(
          answer.status,
          String(answer.headers['content-type']),
          answer.text,
        )
        assert.notEqual(answer.status, 500, answer.text)
        assert.notEqual(answer.status, 404, answer.text)
      }),
      runs(),
    )
    session = await endpoint.session()
    await assertRested()
  })

  test('answers any stateless call within the specification, and never as if it were at fault', async () => {
    const method = fc.constantFrom(
      'tools/call',
      'prompts/get',
      'resources/read',
      'completion/complete',
    )
    await fc.assert(
      fc.asyncProperty(
        plausibleRequest,
        method,
        fc.dictionary(memberName, fc.jsonValue()),
        async (message, name, extra) => {
          const params = { ...message.params, ...extra, _meta: metaOf({ elicitation: {} }) }
          const named = (params as { name?: unknown; uri?: unknown })[
            name === 'resources/read' ? 'uri' : 'name'
          ]
          const answer = await endpoint.send({
            headers: {
              'mcp-protocol-version': '2026-07-28',
              'mcp-method': name,
              'mcp-name':
                typeof named === 'string'
                  ? `=?base64?${Buffer.from(named).toString('base64')}?=`
                  : undefined,
            },
            body: { ...message, method: name, params },
          })
          assertWithinSpecification(
            answer.status,
            String(answer.headers['content-type']),
            answer.text,
          )
          assert.equal(answer.message.id, message.id)
          // -32603 is for our own failures: no input may bring one about.
          if (answer.message.error?.code === -32603) {
            assert.match(answer.message.error.message, /output schema forbids/)
          }
        },
      ),
      runs(),
    )
    await assertRested()
  })

  test('outlives bytes that are no HTTP, and clients that leave anywhere', async () => {
    const { connect } = await import('node:net')
    const good = rawBytes({ body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' })
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each)),
      fc.nat({ max: good.length }).map((length) => good.subarray(0, length)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (given, isRude) => {
        const socket = connect(endpoint.port, '127.0.0.1')
        socket.on('error', () => {})
        await new Promise((resolve) => socket.write(given, resolve))
        if (isRude) socket.resetAndDestroy()
        else socket.end()
        socket.resume()
        await new Promise((resolve) => socket.once('close', resolve))
      }),
      runs(500),
    )
    await assertRested()
  })
})
