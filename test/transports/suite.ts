import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { defineServer, type Server } from '../../src/index.ts'

/** A client's end of any transport, carrying plain messages so that the tests see the wire. */
export interface Wire {
  send(message: object | string): void
  /** The next message that arrives. */
  receive(): Promise<Message>
  close(): Promise<void>
}
export interface Message {
  jsonrpc: string
  id?: string | number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string }
}

/** Messages as they arrive, for a reader who comes earlier or later. */
export class Inbox {
  readonly #messages: Message[] = []
  readonly #readers: ((message: Message) => void)[] = []

  push(text: string): void {
    const message = JSON.parse(text) as Message
    const reader = this.#readers.shift()
    if (reader === undefined) this.#messages.push(message)
    else reader(message)
  }
  next(): Promise<Message> {
    const message = this.#messages.shift()
    if (message !== undefined) return Promise.resolve(message)
    return new Promise((resolve) => this.#readers.push(resolve))
  }
}

export const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'suite', version: '1' },
  },
}
/** The handshake in an older revision. */
function inRevision(protocolVersion: string, capabilities: object = {}): object {
  return { ...initialize, params: { ...initialize.params, protocolVersion, capabilities } }
}
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

function stateless(id: number, method: string, params: object = {}, meta: object = {}): object {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    ...meta,
  }
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta } }
}

function call(id: number, name: string, args: object = {}, meta?: object): object {
  const params = { name, arguments: args, ...(meta && { _meta: meta }) }
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}

/** What every connection that carries messages both ways must do, whatever is beneath. */
export function connectionSuite(
  name: string,
  connect: (server: Server) => Promise<{ wire: Wire; stop: () => Promise<void> }>,
): void {
  const run = (
    title: string,
    body: (wire: Wire, server: Server, signals: AbortSignal[]) => Promise<void>,
    handshake = true,
  ) =>
    test(title, async () => {
      const signals: AbortSignal[] = []
      const server = suiteServer(signals)
      const { wire, stop } = await connect(server)
      try {
        if (handshake) {
          wire.send(initialize)
          await wire.receive()
          wire.send(initialized)
        }
        await body(wire, server, signals)
      } finally {
        await wire.close()
        await stop()
      }
    })

  describe(`${name}: the transport suite`, () => {
    run(
      '25.lifecycle.003 25.lifecycle.009: the handshake names version, capabilities and server',
      async (wire) => {
        wire.send(initialize)
        const { id, result } = await wire.receive()
        assert.equal(id, 1)
        assert.equal(result?.protocolVersion, '2025-11-25')
        assert.deepEqual(result?.serverInfo, { name: 'suite', version: '1.0.0' })
      },
      false,
    )

    run(
      '25.lifecycle.001: a request before the handshake is refused, a ping is not',
      async (wire) => {
        wire.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
        assert.equal((await wire.receive()).error?.code, -32600)
        wire.send({ jsonrpc: '2.0', id: 2, method: 'ping' })
        assert.deepEqual((await wire.receive()).result, {})
      },
      false,
    )

    run('26.versioning.017 26.versioning.018: both eras on one connection', async (wire) => {
      wire.send(stateless(2, 'tools/call', { name: 'echo', arguments: { text: 'new' } }))
      const modern = await wire.receive()
      assert.equal(modern.result?.resultType, 'complete')
      wire.send(call(3, 'echo', { text: 'old' }))
      const legacy = await wire.receive()
      assert.equal(legacy.result?.resultType, undefined)
      assert.deepEqual(legacy.result?.content, [{ type: 'text', text: 'old' }])
    })

    run(
      '26.errors.012: what is no JSON is answered without an id, and the next message is served',
      async (wire) => {
        wire.send('{"jsonrpc":"2.0","id":2,')
        const { error, id } = await wire.receive()
        assert.equal(error?.code, -32700)
        assert.equal(id, undefined)
        wire.send(call(3, 'echo', { text: 'ok' }))
        assert.equal((await wire.receive()).id, 3)
      },
    )

    run('26.stdio.002 26.base.074: newlines and all of Unicode pass unharmed', async (wire) => {
      const text = 'a\nb\r\n\u2028\u0000"\\ é 漢 😀'
      wire.send(call(2, 'echo', { text }))
      const { result } = await wire.receive()
      assert.deepEqual(result?.content, [{ type: 'text', text }])
    })

    run('a message of a megabyte passes in both directions', async (wire) => {
      const text = '漢'.repeat(350_000)
      wire.send(call(2, 'echo', { text }))
      const { result } = await wire.receive()
      assert.deepEqual(result?.content, [{ type: 'text', text }])
    })

    run('25.progress.002 25.progress.006: progress comes before the result', async (wire) => {
      wire.send(call(2, 'progress', {}, { progressToken: 'p' }))
      const first = await wire.receive()
      assert.equal(first.method, 'notifications/progress')
      assert.deepEqual(first.params, { progressToken: 'p', progress: 1 })
      assert.equal((await wire.receive()).id, 2)
    })

    run('25.stdio.007 25.elicitation.003: the server asks, the client answers', async (wire) => {
      wire.send(call(2, 'ask'))
      const question = await wire.receive()
      assert.equal(question.method, 'elicitation/create')
      wire.send({
        jsonrpc: '2.0',
        id: question.id,
        result: { action: 'accept', content: { name: 'Ada' } },
      })
      const { result } = await wire.receive()
      assert.deepEqual(result?.content, [{ type: 'text', text: 'Ada' }])
    })

    run('26.stdio.009 26.mrtr.001: in 2026-07-28 the question is the result', async (wire) => {
      wire.send(stateless(2, 'tools/call', { name: 'ask' }))
      const { result } = await wire.receive()
      assert.equal(result?.resultType, 'input_required')
      assert.deepEqual(Object.keys(result?.inputRequests as object), ['name'])
    })

    run(
      '25.cancel.004 26.stdio.014: after a cancellation the handler stops and nothing more is said',
      async (wire, _server, signals) => {
        wire.send(call(2, 'hang'))
        await until(() => signals.length === 1)
        wire.send({
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { requestId: 2, reason: 'enough' },
        })
        await until(() => signals[0]?.aborted === true)
        wire.send(call(3, 'echo', { text: 'next' }))
        assert.equal((await wire.receive()).id, 3)
      },
    )

    run('25.tools.017: a changed list is announced', async (wire, server) => {
      server.tool('another', {}, () => 'here')
      assert.equal((await wire.receive()).method, 'notifications/tools/list_changed')
    })

    run(
      '26.subscribe.005 26.subscribe.011: a subscription of 2026-07-28 is acknowledged, then told',
      async (wire, server) => {
        wire.send(
          stateless(7, 'subscriptions/listen', {
            notifications: { resourceSubscriptions: ['test://a'] },
          }),
        )
        const acknowledgement = await wire.receive()
        assert.equal(acknowledgement.method, 'notifications/subscriptions/acknowledged')
        server.resourceUpdated('test://b')
        server.resourceUpdated('test://a')
        const { method, params } = await wire.receive()
        assert.equal(method, 'notifications/resources/updated')
        assert.deepEqual(params, {
          _meta: { 'io.modelcontextprotocol/subscriptionId': 7 },
          uri: 'test://a',
        })
      },
    )

    run(
      '0326.base.001 0326.base.003 0326.stdio.001: a batch of 2025-03-26 is answered with one array, what it tells comes before',
      async (wire) => {
        wire.send(inRevision('2025-03-26'))
        assert.equal((await wire.receive()).result?.protocolVersion, '2025-03-26')
        wire.send(initialized)
        wire.send([
          call(2, 'later', { text: 'slow' }),
          { jsonrpc: '2.0', id: 'p', method: 'ping' },
          { jsonrpc: '2.0', method: 'notifications/nonsense' },
          call(3, 'progress', {}, { progressToken: 't' }),
          call(4, 'nosuch'),
        ])
        const told = await wire.receive()
        assert.equal(told.params?.progressToken, 't')
        const answers = (await wire.receive()) as unknown as Message[]
        const byId = new Map(answers.map((each) => [each.id, each]))
        assert.equal(answers.length, 4)
        assert.deepEqual(byId.get(2)?.result?.content, [{ type: 'text', text: 'slow' }])
        assert.deepEqual(byId.get('p')?.result, {})
        assert.deepEqual(byId.get(3)?.result?.content, [{ type: 'text', text: 'done' }])
        assert.equal(byId.get(4)?.error?.code, -32602)
      },
      false,
    )

    run(
      '0326.base.006: a batch of notifications is answered with nothing, one of responses reaches who asked',
      async (wire) => {
        wire.send(inRevision('2025-03-26', { roots: {} }))
        await wire.receive()
        wire.send([initialized, { jsonrpc: '2.0', method: 'notifications/nonsense' }])
        wire.send([call(2, 'roots'), call(3, 'roots')])
        const questions = [await wire.receive(), await wire.receive()]
        wire.send(
          questions.map(({ id, method }) => {
            assert.equal(method, 'roots/list')
            return { jsonrpc: '2.0', id, result: { roots: [{ uri: 'file:///a' }] } }
          }),
        )
        const answers = (await wire.receive()) as unknown as Message[]
        assert.deepEqual(answers.map(({ id }) => id).toSorted(), [2, 3])
        for (const { result } of answers) {
          assert.deepEqual(result?.content, [{ type: 'text', text: 'file:///a' }])
        }
      },
      false,
    )

    run(
      '25.cancel.004: a request of a batch is cancelled like any other, and the others are answered',
      async (wire, _server, signals) => {
        wire.send(inRevision('2025-03-26'))
        await wire.receive()
        wire.send(initialized)
        wire.send([call(2, 'hang'), call(3, 'echo', { text: 'b' })])
        await until(() => signals.length === 1)
        const params = { requestId: 2 }
        wire.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
        await until(() => signals[0]?.aborted === true)
        const answers = (await wire.receive()) as unknown as Message[]
        assert.deepEqual(
          answers.map(({ id }) => id),
          [3],
        )
      },
      false,
    )

    run('0326.base.007 1105.base.001: a batch of any other revision is refused', async (wire) => {
      wire.send([call(2, 'echo', { text: 'a' })])
      const { error } = await wire.receive()
      assert.equal(error?.code, -32600)
      assert.match(error.message, /batches do not exist in 2025-11-25/)
      wire.send(call(3, 'echo', { text: 'b' }))
      assert.equal((await wire.receive()).id, 3)
    })

    run('a hundred calls at once are each answered once', async (wire) => {
      for (let id = 100; id < 200; id += 1) wire.send(call(id, 'later', { text: String(id) }))
      const seen = new Set<unknown>()
      while (seen.size < 100) {
        const { id, result } = await wire.receive()
        assert.deepEqual(result?.content, [{ type: 'text', text: String(id) }])
        assert.equal(seen.has(id), false)
        seen.add(id)
      }
    })

    run('a client that goes away stops what it had started', async (wire, _server, signals) => {
      wire.send(call(2, 'hang'))
      await until(() => signals.length === 1)
      await wire.close()
      await until(() => signals[0]?.aborted === true)
    })
  })
}

function suiteServer(signals: AbortSignal[]): Server {
  const server = defineServer({ name: 'suite', version: '1.0.0' })
  const input = { type: 'object', properties: { text: { type: 'string' } } }
  server.tool('echo', { input }, ({ text }) => String(text))
  server.tool('later', { input }, async ({ text }) => {
    await turn()
    return String(text)
  })
  server.tool('progress', {}, async (_, { progress }) => {
    progress(1)
    await turn()
    progress(1) // not larger: dropped
    return 'done'
  })
  server.tool('ask', {}, async (_, { elicit }) => {
    const schema = { type: 'object', properties: { name: { type: 'string' } } } as const
    const answer = await elicit({ key: 'name', message: 'Who?', schema })
    return String(answer.content?.name)
  })
  server.tool('roots', {}, async (_, { roots }) => (await roots()).map(({ uri }) => uri).join(' '))
  server.tool('hang', {}, (_, { signal }) => {
    signals.push(signal)
    return new Promise(() => {})
  })
  server.resource('test://a', {}, () => 'a')
  server.resource('test://b', {}, () => 'b')
  return server
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}
