import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, type ServerOptions } from '../../src/index.ts'
import { startEndpoint } from '../support/http.ts'
import { key, leaksInternals, request } from '../support/messages.ts'
import { connectAs } from '../support/peer.ts'

type Options = Pick<ServerOptions, 'logging'>

for (const version of ['2026-07-28', '2025-11-25'] as const) {
  /** What the client gets of what a handler logs. */
  async function sent(t: Parameters<typeof connectAs>[0], data: unknown, options: Options = {}) {
    const server = defineServer({ name: 'log', version: '1', ...options })
    server.tool('log', {}, (_args, { log }) => {
      log('error', data)
      return 'done'
    })
    const peer = await connectAs(t, server, version)
    const meta = version === '2026-07-28' ? { [key.logLevel]: 'debug' } : {}
    const { result } = await peer.request('tools/call', { name: 'log' }, { meta })
    assert.ok(result)
    const messages = peer.received.filter(({ method }) => method === 'notifications/message')
    assert.equal(messages.length, 1)
    return messages[0]?.params?.data as unknown
  }

  suite(`what a handler logs (${version})`, () => {
    test('26.logging.016 26.logging.018 25.logging.008 25.logging.010: goes out without what looks like a secret', async (t) => {
      const data = await sent(t, {
        user: { name: 'ada', password: 'hunter2', apiKey: 7, hasPassword: true, token: null },
        headers: { Authorization: 'Bearer abc.def', cookie: 'sid=1', accept: '*/*' },
        list: [{ client_secret: { deep: 'x' } }],
        url: 'https://ada:hunter2@example.com/',
        text: 'sent Bearer abc.def-1~2 to Basic YWRh=',
        tokens: 17,
      })
      assert.deepEqual(data, {
        user: {
          name: 'ada',
          password: '[redacted]',
          apiKey: '[redacted]',
          hasPassword: true,
          token: null,
        },
        headers: { Authorization: '[redacted]', cookie: '[redacted]', accept: '*/*' },
        list: [{ client_secret: '[redacted]' }],
        url: 'https://[redacted]@example.com/',
        text: 'sent Bearer [redacted] to Basic [redacted]',
        tokens: 17,
      })
      assert.equal(await sent(t, 'Bearer abc'), 'Bearer [redacted]')
    })

    test('26.logging.019 26.logging.016 25.logging.010: and without what the server says must not go', async (t) => {
      const redact = (data: unknown) =>
        JSON.parse(JSON.stringify(data).replace(/[\w.]+@[\w.]+/g, '[somebody]')) as unknown
      const logging = { redact }
      const data = await sent(t, { from: 'ada@example.com', password: 'x' }, { logging })
      assert.deepEqual(data, { from: '[somebody]', password: '[redacted]' })
      const failing = {
        redact: () => {
          throw new Error('broken')
        },
      }
      assert.equal(await sent(t, 'ada@example.com', { logging: failing }), '[cannot be redacted]')
    })

    test('26.logging.020 25.logging.010: an error is told without its stack', async (t) => {
      const error = new RangeError('out of range')
      const data = await sent(t, { error })
      assert.deepEqual(data, { error: 'RangeError: out of range' })
      assert.ok(!leaksInternals(JSON.stringify(data)))
      assert.equal(await sent(t, error), 'RangeError: out of range')
    })

    test('26.logging.022 25.logging.011: is JSON, whatever it was', async (t) => {
      const cycle: Record<string, unknown> = { name: 'a' }
      cycle.self = cycle
      const shared = { x: 1 }
      let deep: unknown = 'end'
      for (let level = 0; level < 50; level += 1) deep = [deep]
      const trap = {
        get broken(): never {
          throw new Error('no')
        },
      }
      const cases: [data: unknown, told: unknown][] = [
        [cycle, { name: 'a', self: '[circular]' }],
        [
          [shared, shared],
          [shared, shared],
        ],
        [10n, '10'],
        [{ n: 1n, gone: undefined }, { n: '1' }],
        [Symbol('s'), 'Symbol(s)'],
        [Number.NaN, null],
        [new Date(0), '1970-01-01T00:00:00.000Z'],
        [new Map([['k', 1]]), [['k', 1]]],
        [trap, '[cannot be read]'],
        ['x'.repeat(2_000_000), '[too long to be sent: 2000000 characters]'],
      ]
      for (const [data, told] of cases) assert.deepEqual(await sent(t, data), told)
      assert.match(JSON.stringify(await sent(t, deep)), /^\[+"\[nested too deep\]"\]+$/)
      const many = (await sent(
        t,
        Array.from({ length: 5000 }, () => 1),
      )) as unknown[]
      assert.equal(many.length, 1000)
      assert.equal(typeof (await sent(t, () => 1)), 'string')
    })
  })
}

test('26.logging.023 25.logging.011: log messages reach the client whose request it is, and no other', async (t) => {
  const server = defineServer({ name: 'log', version: '1' })
  server.tool('log', {}, (_args, { log }) => {
    log('emergency', 'for you alone')
    return 'done'
  })
  const endpoint = await startEndpoint(t, server)
  const caller = await endpoint.session()
  const other = await endpoint.session()
  const streams = [await caller.listen(), await other.listen()]
  const answer = await caller.send(request('tools/call', { name: 'log' }))
  assert.equal(answer.messages.length, 2)
  await endpoint.engine.close(0)
  for (const { events } of streams) assert.deepEqual(await events.rest(), [])
})
