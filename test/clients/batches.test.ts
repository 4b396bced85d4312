/**
 * A client that sends batches, as 2025-03-26 allows, over each of the HTTP endpoints: the transport of the official
 * client 1, which still takes arrays from whoever drives it. (Connections: test/transports/suite.ts.)
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { atEnd } from '../support/clients.ts'
import { initialize, type Message, notification, request } from '../support/messages.ts'
import { officialProblems } from '../support/official-schemas.ts'
import { places } from '../support/places.ts'

/** Sends one message or many together, and waits for the responses. */
class Batcher {
  readonly received: Message[] = []
  readonly errors: unknown[] = []
  readonly #transport: StreamableHTTPClientTransport
  readonly #answers = new Map<unknown, (message: Message) => void>()

  constructor(url: string) {
    this.#transport = new StreamableHTTPClientTransport(new URL(url))
    this.#transport.onmessage = (message) => this.#receive(message as Message)
    this.#transport.onerror = (error) => this.errors.push(error)
  }

  async open(t: TestContext): Promise<void> {
    atEnd(t, () => this.#transport.close())
    await this.#transport.start()
    const [{ result }] = (await this.exchange(initialize('2025-03-26', { roots: {} }))) as [Message]
    assert.equal(String(result?.protocolVersion), '2025-03-26')
    this.#transport.setProtocolVersion('2025-03-26')
    await this.send(notification('notifications/initialized'))
  }

  async exchange(...messages: object[]): Promise<Message[]> {
    const ids = messages.flatMap((each) => ('id' in each && 'method' in each ? [each.id] : []))
    const answers = ids.map(
      (id) => new Promise<Message>((resolve) => this.#answers.set(id, resolve)),
    )
    await this.send(...messages)
    return Promise.all(answers)
  }

  async send(...messages: object[]): Promise<void> {
    const sent = messages.length === 1 ? messages[0] : messages
    await this.#transport.send(sent as JSONRPCMessage | JSONRPCMessage[])
  }

  #receive(message: Message): void {
    this.received.push(message)
    if (message.method === 'roots/list') {
      void this.send({ jsonrpc: '2.0', id: message.id, result: { roots: [{ uri: 'file:///a' }] } })
    } else this.#answers.get(message.id)?.(message)
  }
}

const call = (id: number, name: string, args: object = {}, _meta?: object) =>
  request('tools/call', { name, arguments: args, ...(_meta && { _meta }) }, id)

for (const [name, { kind, open }] of Object.entries(places)) {
  if (kind !== 'http') continue
  suite(name, () => {
    const connect = async (t: TestContext) => {
      const place = await open()
      atEnd(t, () => place.close())
      const batcher = new Batcher('url' in place ? place.url : '')
      await batcher.open(t)
      return batcher
    }

    test('0326.base.001 0326.http.003: requests of a batch are all answered, in a JSON body', async (t) => {
      const batcher = await connect(t)
      const [listed, sum, read, prompt, refused] = await batcher.exchange(
        request('tools/list', {}, 1),
        call(2, 'add', { a: 1, b: 2 }),
        request('resources/read', { uri: 'docs://item/20' }, 3),
        request('prompts/get', { name: 'plain' }, 4),
        call(5, 'nosuch'),
        notification('notifications/nonsense'),
      )
      assert.equal(Object.values(listed?.result?.tools ?? {}).length, 10)
      assert.deepEqual(sum?.result?.content, [{ type: 'text', text: '{"sum":3}' }])
      assert.ok(read?.result?.contents)
      assert.ok(prompt?.result?.messages)
      assert.equal(refused?.error?.code, -32602)
      assert.deepEqual(batcher.errors, [])
    })

    test('0326.http.004 0326.http.005: a batch that reports and asks is answered on its stream, whole', async (t) => {
      const batcher = await connect(t)
      const counting = batcher.exchange(
        call(10, 'count', { name, to: 1 }, { progressToken: 'p' }),
        call(11, 'ask_roots'),
        call(12, 'echo', { text: 'plain' }),
      )
      while (!batcher.received.some(({ method }) => method === 'notifications/progress')) {
        await batcher.exchange(request('ping', {}, 'ping'))
      }
      await batcher.exchange(call(13, 'go_on', { name }))
      const texts = (await counting).map(({ result }) => result?.content)
      assert.deepEqual(texts, [
        [{ type: 'text', text: 'counted to 1' }],
        [{ type: 'text', text: 'file:///a' }],
        [{ type: 'text', text: 'plain' }],
      ])
      assert.deepEqual(batcher.errors, [])
      for (const message of batcher.received) {
        assert.deepEqual(officialProblems('2025-03-26', message as object), [])
      }
    })
  })
}
