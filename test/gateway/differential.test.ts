import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { connectInMemory } from '../../src/memory.ts'
import { able, everything, openGateway } from './support.ts'

/** What comes to a client beside answers. */
interface Watched {
  readonly client: Client
  readonly heard: { method: string; params: unknown }[]
}

const prefix = 'up__'

/** The same client twice: at server-everything itself, and at a gateway before it. */
async function both(t: TestContext): Promise<{ direct: Watched; through: Watched }> {
  const { command, args } = everything()
  const direct = watched()
  await direct.client.connect(new StdioClientTransport({ command, args, stderr: 'ignore' }))
  t.after(() => direct.client.close())
  // With a session's own upstream, as a host has it.
  const { gateway } = await openGateway(t, { up: everything({ isolation: 'session' }) })
  const through = watched()
  await through.client.connect(connectInMemory(gateway) as never)
  t.after(() => through.client.close())
  return { direct, through }
}

function watched(): Watched {
  const client = new Client(
    { name: 'differential', version: '1' },
    { capabilities: able, versionNegotiation: { mode: 'legacy' } },
  )
  const heard: Watched['heard'] = []
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    heard.push({ method: 'elicitation/create', params })
    return params.mode === 'url'
      ? { action: 'accept' }
      : { action: 'accept', content: { name: 'Ada', firstLine: 'x', check: true } }
  })
  client.setRequestHandler('sampling/createMessage', async ({ params }) => {
    heard.push({ method: 'sampling/createMessage', params })
    return { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled' } }
  })
  client.setRequestHandler('roots/list', async () => ({
    roots: [{ uri: 'file:///home/ada', name: 'home' }],
  }))
  return { client, heard }
}

/** An answer, or the error instead of it. */
async function outcome(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return { result: await ask() }
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string }
    return { code, message }
  }
}

/** What is different from one run to the next, made the same; and names as the upstream has them. */
function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value)
      .replaceAll(prefix, '')
      .replace(/\d{1,2}:\d{2}:\d{2}( [AP]M)?/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
      .replace(/"(progressToken|id)":\d+/g, '"$1":0'),
  )
}

function sortedBy(items: unknown[], key: string): unknown[] {
  const at = (item: unknown): string => String((item as Record<string, unknown>)[key])
  return items.toSorted((a, b) => (at(a) < at(b) ? -1 : 1))
}

/** Arguments with which each tool of server-everything does what it is for. */
const calls: Record<string, Record<string, unknown>[]> = {
  echo: [{ message: 'hello' }, {}, { message: 5 }],
  'get-annotated-message': [
    { messageType: 'error', includeImage: true },
    { messageType: 'success' },
    { messageType: 'none of them' },
  ],
  'get-resource-links': [{ count: 3 }, {}, { count: 99 }],
  'get-resource-reference': [{ resourceType: 'Text', resourceId: 1 }, { resourceId: -1 }],
  'get-roots-list': [{}],
  'get-structured-content': [{ location: 'Chicago' }, { location: 'Atlantis' }],
  'get-sum': [{ a: 1, b: 2 }, { a: 'x' }],
  'get-tiny-image': [{}],
  'gzip-file-as-resource': [
    { name: 'a.gz', data: 'data:text/plain;base64,aGVsbG8=', outputType: 'resource' },
    { name: 'b.gz', data: 'data:text/plain;base64,aGVsbG8=', outputType: 'resourceLink' },
  ],
  'simulate-research-query': [{ topic: 'tides' }],
  'trigger-elicitation-request': [{}],
  'trigger-long-running-operation': [{ duration: 0.2, steps: 2 }],
  'trigger-sampling-request': [{ prompt: 'say something', maxTokens: 10 }],
  'trigger-url-elicitation': [{ url: 'https://example.com/login' }, {}],
  'toggle-subscriber-updates': [{}, {}],
  'toggle-simulated-logging': [{}, {}],
}
/** These tell of their own process, which is another. */
const ownProcess = ['get-env']

suite('server-everything answers through the gateway as it does directly', () => {
  test('its lists, but for names and order', async (t) => {
    const { direct, through } = await both(t)
    const lists: [string, string, (client: Client) => Promise<Record<string, unknown>>][] = [
      ['tools', 'name', (client) => client.listTools()],
      ['prompts', 'name', (client) => client.listPrompts()],
      ['resources', 'uri', (client) => client.listResources()],
      ['resourceTemplates', 'uriTemplate', (client) => client.listResourceTemplates()],
    ]
    for (const [member, key, list] of lists) {
      const own = normal((await list(direct.client))[member]) as unknown[]
      const served = normal((await list(through.client))[member]) as unknown[]
      assert.ok(own.length > 0, member)
      assert.deepEqual(sortedBy(served, key), sortedBy(own, key))
    }
  })

  test('every tool, with what it asks and reports meanwhile', async (t) => {
    const { direct, through } = await both(t)
    const { tools } = await direct.client.listTools()
    for (const { name } of tools) {
      if (ownProcess.includes(name)) continue
      assert.ok(calls[name], `no arguments are known for ${name}`)
      for (const args of calls[name] ?? []) {
        const outcomes: unknown[] = []
        const reports: unknown[][] = []
        for (const { client, heard } of [direct, through]) {
          const progress: unknown[] = []
          heard.length = 0
          const own = client === direct.client ? name : `${prefix}${name}`
          const answer = await outcome(() =>
            client.callTool(
              { name: own, arguments: args },
              { onprogress: (report) => progress.push(report) },
            ),
          )
          outcomes.push(normal({ answer, heard }))
          reports.push(progress)
        }
        // A report that comes with the answer in one piece is lost on the client of the SDK over stdio.
        const [own = [], served = []] = reports
        assert.deepEqual(served.slice(0, own.length), own, name)
        assert.deepEqual(outcomes[1], outcomes[0], `${name} ${JSON.stringify(args)}`)
      }
    }
  })

  test('every resource and prompt, and what completes their arguments', async (t) => {
    const { direct, through } = await both(t)
    const { resources } = await direct.client.listResources()
    const uris = [
      ...resources.map(({ uri }) => uri),
      'demo://resource/dynamic/text/3',
      'demo://resource/dynamic/blob/4',
      'demo://resource/dynamic/text/none',
    ]
    for (const uri of uris) {
      const own = await outcome(() => direct.client.readResource({ uri }))
      const served = await outcome(() => through.client.readResource({ uri }))
      assert.deepEqual(normal(served), normal(own), uri)
    }
    const prompts: [string, Record<string, string>][] = [
      ['simple-prompt', {}],
      ['args-prompt', { city: 'Oslo', state: 'x' }],
      ['args-prompt', {}],
      ['completable-prompt', { department: 'Engineering', name: 'Alice' }],
      ['resource-prompt', { resourceType: 'Text', resourceId: '1' }],
    ]
    for (const [name, args] of prompts) {
      const own = await outcome(() => direct.client.getPrompt({ name, arguments: args }))
      const served = await outcome(() =>
        through.client.getPrompt({ name: `${prefix}${name}`, arguments: args }),
      )
      assert.deepEqual(normal(served), normal(own), name)
    }
    const completions: [Record<string, string>, string, string, Record<string, string>][] = [
      [{ type: 'ref/prompt', name: 'completable-prompt' }, 'department', 'E', {}],
      [
        { type: 'ref/prompt', name: 'completable-prompt' },
        'name',
        '',
        { department: 'Engineering' },
      ],
      [{ type: 'ref/prompt', name: 'resource-prompt' }, 'resourceType', 'T', {}],
      [
        { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
        'resourceId',
        '5',
        {},
      ],
    ]
    for (const [ref, name, value, known] of completions) {
      const ask = ({ client }: Watched, named: Record<string, string>) =>
        outcome(() =>
          client.complete({
            ref: named as never,
            argument: { name, value },
            context: { arguments: known },
          }),
        )
      const own = await ask(direct, ref)
      const named = ref.name === undefined ? ref : { ...ref, name: `${prefix}${ref.name}` }
      assert.deepEqual(normal(await ask(through, named)), normal(own), JSON.stringify(ref))
    }
  })

  test('tells of resources that are subscribed to, and logs, as it does directly', async (t) => {
    for (const { client } of Object.values(await both(t))) {
      const names = (await client.listTools()).tools.map(({ name }) => name)
      const own = (name: string) => names.find((each) => each.endsWith(name)) as string
      const updated = Promise.withResolvers<string>()
      client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
        updated.resolve(params.uri),
      )
      const logged = Promise.withResolvers<string>()
      client.setNotificationHandler('notifications/message', ({ params }) =>
        logged.resolve(params.level),
      )
      const uri = 'demo://resource/dynamic/text/1'
      await client.subscribeResource({ uri })
      await client.setLoggingLevel('debug')
      await client.callTool({ name: own('toggle-subscriber-updates'), arguments: {} })
      await client.callTool({ name: own('toggle-simulated-logging'), arguments: {} })
      assert.equal(await updated.promise, uri)
      assert.ok(await logged.promise)
      await client.callTool({ name: own('toggle-subscriber-updates'), arguments: {} })
      await client.callTool({ name: own('toggle-simulated-logging'), arguments: {} })
    }
  })
})
