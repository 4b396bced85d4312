/**
 * All that a server can say, in every revision, judged by the official JSON Schema of that revision, which is closed
 * here: a member, method or kind of content that the revision does not have is found, too.
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import * as library from '../../src/index.ts'
import { everything } from '../support/clients-everything.ts'
import { startEndpoint, statelessPost } from '../support/http.ts'
import {
  ableClient,
  allVersions,
  initialize,
  type Message,
  notification,
  request,
  statefulVersions,
} from '../support/messages.ts'
import { officialMethods, officialProblems } from '../support/official-schemas.ts'
import { connectPeer, type Peer } from '../support/peer.ts'

const icons = [{ src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['any'] }]
const _meta = { 'example.com/x': 1 }

/** Everything, and one thing of each kind that says of itself all that can be said. */
function makeServer(): library.Server {
  const server = everything(library)
  const described = { title: 'T', description: 'd', icons, _meta }
  server.tool(
    'described',
    { ...described, output: { type: 'object' }, annotations: { title: 'A', openWorldHint: true } },
    () => ({}),
  )
  server.resource('docs://described', { ...described, name: 'r', size: 3 }, () => 'x')
  server.resourceTemplate('docs://d/{x}', { ...described, name: 't' }, () => 'x')
  server.prompt('described', { ...described, arguments: { a: { title: 'A' } } }, () => 'x')

  const annotations = { audience: ['user' as const], lastModified: '2026-01-01T00:00:00Z' }
  const { audio, embeddedResource, image, resourceLink, text } = library
  const decorated = () =>
    [
      text('t'),
      image('AA==', 'image/png'),
      audio('AA==', 'audio/wav'),
      resourceLink({ uri: 'docs://a', name: 'a', title: 'A', description: 'd', size: 1, icons }),
      embeddedResource({ uri: 'docs://c', text: 'c', mimeType: 'x/y', _meta }),
    ].map((block) => ({ ...block, annotations, _meta }))
  server.tool('decorated', {}, () => library.toolResult({ content: decorated(), _meta }))
  server.prompt('decorated', {}, () => ({
    description: 'd',
    messages: decorated().map((content) => ({ role: 'user' as const, content })),
    _meta,
  }))
  server.resource('docs://decorated', { name: 'd', annotations }, () => ({ text: 'd', _meta }))
  return server
}

const answers: Record<string, object> = {
  'elicitation/create': { action: 'accept', content: { size: 'large', name: 'Ada' } },
  'sampling/createMessage': {
    role: 'assistant',
    model: 'tiny',
    content: { type: 'text', text: 'Hi' },
  },
  'roots/list': { roots: [{ uri: 'file:///a' }] },
}

/** A client that remembers what its requests asked for, and answers what it is asked. */
class Conversation {
  readonly peer: Peer
  readonly isStateful: boolean
  readonly #methods = new Map<unknown, string>()
  #nextId = 1

  constructor(peer: Peer, isStateful: boolean) {
    this.peer = peer
    this.isStateful = isStateful
    const receive = peer.receive.bind(peer)
    peer.receive = (message) => {
      receive(message)
      const { id, method } = message
      if (id !== undefined && method !== undefined) {
        peer.send({ jsonrpc: '2.0', id, result: answers[method] })
      }
    }
  }

  async ask(method: string, params: object = {}, meta: object = {}): Promise<Message> {
    const id = this.#nextId++
    this.#methods.set(id, method)
    const answer = await this.peer.request(method, params, { id, meta })
    const { result } = answer
    if (result?.resultType !== ('input_required' as unknown)) return answer
    const inputResponses = Object.fromEntries(
      Object.entries(result?.inputRequests ?? {}).map(([key, asked]) => [
        key,
        answers[String(asked.method)],
      ]),
    )
    return this.ask(method, { ...params, inputResponses, requestState: result?.requestState }, meta)
  }

  call(name: string, args: object = {}, meta: object = {}): Promise<Message> {
    return this.ask('tools/call', { name, arguments: args }, meta)
  }

  /** What is wrong with all that has arrived. */
  problems(revision: string): string[] {
    return this.peer.received.flatMap((message) => {
      const method = this.#methods.get(message.id) ?? (message.id === 'hello' ? 'initialize' : '')
      const official = { ...message, error: message.error, id: message.id }
      const present = Object.entries(official).filter(([, value]) => value !== undefined)
      const text = JSON.stringify(message).slice(0, 300)
      return officialProblems(revision, Object.fromEntries(present), method).map(
        (problem) => `${problem} in ${text}`,
      )
    })
  }

  /** The methods of all requests that were answered with a result, and of what the server said by itself. */
  get heard(): Set<string> {
    return new Set(
      this.peer.received.flatMap(({ id, method, result }) => {
        if (method !== undefined) return method
        return result === undefined ? [] : (this.#methods.get(id) ?? 'initialize')
      }),
    )
  }
}

async function converse(t: TestContext, revision: string): Promise<Conversation> {
  const peer = await connectPeer(t, makeServer())
  const isStateful = revision !== '2026-07-28'
  const conversation = new Conversation(peer, isStateful)
  if (isStateful) await peer.open(revision, ableClient)
  else peer.goStateless(ableClient, { 'io.modelcontextprotocol/logLevel': 'debug' })
  return conversation
}

/** All pages of a list. */
async function listAll(conversation: Conversation, method: string): Promise<void> {
  let cursor: unknown
  do {
    const { result } = await conversation.ask(method, cursor === undefined ? {} : { cursor })
    cursor = result?.nextCursor
  } while (cursor !== undefined)
}

async function useEverything(conversation: Conversation): Promise<void> {
  const { isStateful } = conversation
  const lists = ['tools', 'resources', 'resources/templates', 'prompts']
  for (const list of lists) await listAll(conversation, `${list}/list`)

  if (isStateful) {
    await conversation.ask('ping')
    await conversation.ask('logging/setLevel', { level: 'debug' })
    await conversation.ask('resources/subscribe', { uri: 'docs://text' })
  } else {
    await conversation.ask('server/discover')
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: ['docs://text'],
    }
    void conversation.ask('subscriptions/listen', { notifications })
  }

  await conversation.call('echo', { text: 'hi' })
  await conversation.call('add', { a: 1, b: 2 })
  await conversation.call('mixed')
  await conversation.call('decorated')
  await conversation.call('fail')
  await conversation.call('chatter')
  await conversation.call('who_am_i')
  const counted = conversation.call('count', { name: 'n', to: 1 }, { progressToken: 'p' })
  await conversation.call('go_on', { name: 'n' })
  await counted
  for (const tool of ['ask_form', 'ask_url', 'ask_model', 'ask_roots', 'ask_all', 'ask_twice']) {
    await conversation.call(tool)
  }

  for (const uri of ['docs://text', 'docs://pixel', 'docs://several', 'docs://decorated']) {
    await conversation.ask('resources/read', { uri })
  }
  for (const uri of ['docs://asked', 'docs://item/20']) {
    await conversation.ask('resources/read', { uri })
  }
  for (const name of ['plain', 'asked', 'decorated'])
    await conversation.ask('prompts/get', { name })
  await conversation.ask('prompts/get', { name: 'compare', arguments: { city: 'Bern' } })
  await conversation.ask('completion/complete', {
    ref: { type: 'ref/prompt', name: 'compare' },
    argument: { name: 'city', value: 'W' },
  })
  await conversation.ask('completion/complete', {
    ref: { type: 'ref/resource', uri: 'docs://item/{id}' },
    argument: { name: 'id', value: '1' },
  })

  for (const what of ['tool', 'prompt', 'resource']) {
    await conversation.call('toggle', { what })
    await conversation.call('toggle', { what })
  }
  await conversation.call('touch', { uri: 'docs://text' })
  if (isStateful) await conversation.ask('resources/unsubscribe', { uri: 'docs://text' })
}

async function beRefused(conversation: Conversation): Promise<Message[]> {
  const refused = [
    await conversation.ask('no/such'),
    await conversation.call('nosuch'),
    await conversation.call('refuse'),
    await conversation.ask('tools/call', {}),
    await conversation.ask('tools/list', { cursor: 'nonsense' }),
    await conversation.ask('resources/read', { uri: 'docs://nosuch' }),
    await conversation.ask('prompts/get', { name: 'nosuch' }),
    await conversation.ask('prompts/get', { name: 'compare', arguments: {} }),
    await conversation.ask('completion/complete', { ref: { type: 'ref/prompt', name: 'x' } }),
  ]
  if (conversation.isStateful) {
    refused.push(await conversation.ask('logging/setLevel', { level: 'shout' }))
  } else {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }
    const unsupported = conversation.peer.answerTo('v')
    conversation.peer.send(request('tools/list', { _meta }, 'v'))
    refused.push(await unsupported)
    conversation.peer.goStateless({}, {})
    refused.push(await conversation.call('ask_form'))
  }
  return refused
}

/** What a server never sends, or only in ways that are tested elsewhere. */
const unsent = new Set([
  'notifications/initialized',
  'notifications/roots/list_changed',
  // Only to take back what it asked, or at its end: below, and in drain.test.ts.
  'notifications/cancelled',
  // There is no page that could tell us.
  'notifications/elicitation/complete',
  // tasks/schemas.test.ts
  ...['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel', 'notifications/tasks/status'],
])

for (const revision of allVersions) {
  suite(`what is sent in ${revision}`, () => {
    test('is valid by the official schema, and nothing of it is of another revision', async (t) => {
      const conversation = await converse(t, revision)
      await useEverything(conversation)
      assert.deepEqual(conversation.problems(revision), [])
      const { heard } = conversation
      const never = [...officialMethods(revision)].filter((method) => !heard.has(method))
      // In 2026-07-28 what the server asks comes in results, and the listening goes on.
      const inResults = [...Object.keys(answers), 'subscriptions/listen']
      const known = conversation.isStateful ? unsent : new Set([...unsent, ...inResults])
      assert.deepEqual(
        never.filter((method) => !known.has(method)),
        [],
      )
    })

    test('is valid where something is refused', async (t) => {
      const conversation = await converse(t, revision)
      const refused = await beRefused(conversation)
      for (const { error } of refused) assert.ok(Number.isInteger(error?.code))
      assert.deepEqual(conversation.problems(revision), [])
    })

    test('is valid where HTTP is answered with an error', async (t) => {
      const endpoint = await startEndpoint(t, makeServer())
      const version = { 'mcp-protocol-version': revision }
      const session = revision === '2026-07-28' ? {} : (await endpoint.session(revision)).headers
      const bodies = [
        await endpoint.send({ headers: { ...version, ...session }, body: '{' }),
        await endpoint.send({ headers: { ...version, ...session }, body: { id: 1 } }),
        await endpoint.send({ headers: { ...version, ...session }, body: [] }),
        await endpoint.send({ headers: { ...version, 'content-type': 'text/plain' }, body: '{}' }),
        await endpoint.send({ headers: { ...version, accept: 'text/html' }, body: '{}' }),
        await endpoint.send({ method: 'PUT', headers: { ...version, ...session } }),
        await endpoint.send({ headers: { ...version, origin: 'http://evil.example' }, body: '{}' }),
        revision === '2026-07-28'
          ? await endpoint.send({
              ...statelessPost('tools/list'),
              headers: { ...version, 'mcp-method': 'ping' },
            })
          : await endpoint.send({
              headers: { ...version, 'mcp-session-id': 'nosuch' },
              body: request('tools/list'),
            }),
      ]
      for (const { status, message } of bodies) {
        assert.ok(status >= 400, String(status))
        assert.deepEqual(officialProblems(revision, message as object), [])
      }
    })
  })
}

test('the answer to a batch is valid by the schema of 2025-03-26, the one that has batches', async (t) => {
  const endpoint = await startEndpoint(t, makeServer())
  const session = await endpoint.session('2025-03-26')
  const batch = [request('tools/list', {}, 1), request('no/such', {}, 2), { id: 3 }]
  const { message } = await session.send(batch)
  assert.equal((message as unknown[]).length, 3)
  assert.deepEqual(officialProblems('2025-03-26', message as object), [])
  assert.deepEqual(officialProblems('2025-06-18', message as object), ['batches do not exist'])
})

for (const revision of statefulVersions) {
  test(`what takes a question back is valid in ${revision}`, async (t) => {
    const server = makeServer()
    const peer = await connectPeer(t, server)
    await peer.open(revision, ableClient)
    const call = peer.request('tools/call', { name: 'ask_roots' }, { id: 'asking' })
    const question = await peer.next()
    assert.equal(question.method, 'roots/list')
    peer.send(notification('notifications/cancelled', { requestId: 'asking' }))
    const takenBack = await peer.next()
    assert.equal(takenBack.params?.requestId, question.id as unknown)
    assert.deepEqual(officialProblems(revision, takenBack as object), [])
    void call
  })
}

suite('the schemas notice', () => {
  const tool = { name: 'a', inputSchema: { type: 'object' } }
  const listed = (revision: string, more: object) => {
    const extra = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
    const result = { tools: [{ ...tool, ...more }], ...(revision === '2026-07-28' && extra) }
    return officialProblems(revision, { jsonrpc: '2.0', id: 1, result } as object, 'tools/list')
  }
  const called = (revision: string, block: object) => {
    const resultType = revision === '2026-07-28' ? { resultType: 'complete' } : {}
    const result = { content: [block], ...resultType }
    return officialProblems(revision, { jsonrpc: '2.0', id: 1, result } as object, 'tools/call')
  }
  const since = (first: string) => (revision: string) => revision >= first

  /** What a revision brought, and whether a message that uses it is good. */
  const news: [what: string, since: string, problems: (revision: string) => string[]][] = [
    ['tool annotations', '2025-03-26', (each) => listed(each, { annotations: { title: 'a' } })],
    ['titles of tools', '2025-06-18', (each) => listed(each, { title: 'a' })],
    ['output schemas', '2025-06-18', (each) => listed(each, { outputSchema: { type: 'object' } })],
    ['icons', '2025-11-25', (each) => listed(each, { icons })],
    [
      'audio',
      '2025-03-26',
      (each) => called(each, { type: 'audio', data: 'AA==', mimeType: 'audio/wav' }),
    ],
    [
      'resource links',
      '2025-06-18',
      (each) => called(each, { type: 'resource_link', uri: 'docs://a', name: 'a' }),
    ],
    [
      'messages of progress',
      '2025-03-26',
      (each) =>
        officialProblems(
          each,
          notification('notifications/progress', { progressToken: 1, progress: 1, message: 'm' }),
        ),
    ],
    [
      'elicitation',
      '2025-06-18',
      (each) => {
        const requestedSchema = { type: 'object', properties: {} }
        const params = { message: 'm', requestedSchema }
        const asked = { id: 1, ...notification('elicitation/create', params) }
        const inResult = { method: 'elicitation/create', params }
        if (each !== '2026-07-28') return officialProblems(each, asked as object)
        const result = { resultType: 'input_required', inputRequests: { a: inResult } }
        return officialProblems(each, { jsonrpc: '2.0', id: 1, result } as object, 'tools/call')
      },
    ],
  ]
  for (const [what, first, problems] of news) {
    test(`${what} before ${first}, and only there`, () => {
      for (const revision of allVersions) {
        assert.equal(problems(revision).length === 0, since(first)(revision), revision)
      }
    })
  }

  test('values of a wrong type, in every revision', () => {
    for (const revision of allVersions) {
      assert.deepEqual(listed(revision, {}), [])
      assert.notDeepEqual(listed(revision, { inputSchema: 'none' }), [])
      assert.notDeepEqual(listed(revision, { description: 1 }), [])
      assert.deepEqual(called(revision, { type: 'text', text: 'a' }), [])
      assert.notDeepEqual(called(revision, { type: 'text' }), [])
      assert.notDeepEqual(
        officialProblems(revision, { jsonrpc: '2.0', id: 1, error: { code: 1 } } as object),
        [],
      )
    }
  })

  test('a wrong answer to initialize', () => {
    for (const revision of statefulVersions) {
      const result = { protocolVersion: revision, capabilities: {}, serverInfo: { name: 'a' } }
      const message = { jsonrpc: '2.0', id: initialize(revision).id, result }
      assert.notDeepEqual(officialProblems(revision, message as object, 'initialize'), [])
    }
  })
})
