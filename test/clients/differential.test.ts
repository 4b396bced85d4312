/**
 * The same tools, resources and prompts, served by SDK 2.4 itself and by us: what a client gets over
 * the wire is the same, message for message.
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import * as sdk from '@modelcontextprotocol/server'
import { z } from 'zod'
import { createFetchHandler } from '../../src/fetch.ts'
import * as tsmcp from '../../src/index.ts'
import { serverV2 } from '../adapters/sdk-servers.ts'
import { redPixel, silence } from '../support/clients-everything.ts'
import { type Message, Wire } from '../support/clients-wire.ts'

const info = { name: 'twin', version: '1.0.0', title: 'A twin' }
const instructions = 'Ask either.'

type Result = sdk.CallToolResult
/** What a tool without a schema says differs: we name no properties and allow none, as 2026-07-28 recommends. */
const nothing = z.object({})

/** Tools in terms that both libraries understand. */
const tools: Record<
  string,
  {
    config: {
      title?: string
      description?: string
      annotations?: sdk.ToolAnnotations
      icons?: { src: string; mimeType?: string; sizes?: string[] }[]
      _meta?: Record<string, unknown>
    }
    input?: z.ZodObject
    output?: z.ZodObject
    run: (args: Record<string, unknown>) => Result
  }
> = {
  text: {
    config: { title: 'Text', description: 'Says something' },
    run: () => ({ content: [{ type: 'text', text: 'Grüße, 世界 \u2028 "quoted"' }] }),
  },
  described: {
    config: {
      description: 'Everything that a tool can say of itself',
      annotations: { title: 'Described', readOnlyHint: true, openWorldHint: false },
      icons: [{ src: 'https://example.com/a.png', mimeType: 'image/png', sizes: ['48x48'] }],
      _meta: { 'example.com/tier': 'free' },
    },
    run: () => ({ content: [], _meta: { 'example.com/cost': 1 } }),
  },
  echo: {
    config: { description: 'Says its arguments' },
    input: z.object({
      text: z.string().min(1).describe('What to say'),
      times: z.number().int().max(9).default(1),
      tags: z.array(z.enum(['a', 'b'])).optional(),
      nested: z.object({ deep: z.boolean().nullable() }).optional(),
    }),
    run: (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
  },
  add: {
    config: { description: 'Adds' },
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.object({ sum: z.number() }),
    run: ({ a, b }) => {
      const structuredContent = { sum: Number(a) + Number(b) }
      const text = JSON.stringify(structuredContent)
      return { content: [{ type: 'text', text }], structuredContent }
    },
  },
  mixed: {
    config: { description: 'Each kind of content' },
    run: () => ({
      content: [
        { type: 'text', text: 'a', annotations: { audience: ['user'], priority: 0.2 } },
        { type: 'image', data: redPixel, mimeType: 'image/png' },
        { type: 'audio', data: silence, mimeType: 'audio/wav' },
        { type: 'resource_link', uri: 'docs://text', name: 'text', size: 5 },
        { type: 'resource', resource: { uri: 'docs://a', mimeType: 'text/plain', text: 'a' } },
        { type: 'resource', resource: { uri: 'docs://b', blob: 'AQID' } },
      ],
    }),
  },
  failed: {
    config: { description: 'Fails by its result' },
    run: () => ({ content: [{ type: 'text', text: 'No luck' }], isError: true }),
  },
  thrown: {
    config: { description: 'Fails by an exception' },
    run: () => {
      throw new Error('The disk is full')
    },
  },
}

const readText = (uri: string) => ({ contents: [{ uri, mimeType: 'text/plain', text: 'Grüße' }] })
const itemIds = (start: string) => ['10', '11', '20'].filter((id) => id.startsWith(start))
const cities = (start: string) => ['Basel', 'Bern', 'Wien'].filter((each) => each.startsWith(start))

function sdkServer(): sdk.McpServer {
  const server = new sdk.McpServer(info, { instructions })
  for (const [name, { config, input, output, run }] of Object.entries(tools)) {
    const schemas = { inputSchema: input ?? nothing, ...(output && { outputSchema: output }) }
    server.registerTool(name, { ...config, ...schemas }, run)
  }
  const described = { title: 'A text', description: 'Words', mimeType: 'text/plain' }
  server.registerResource('text', 'docs://text', described, (uri) => readText(uri.href))
  server.registerResource('bytes', 'docs://bytes', { mimeType: 'x/y' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'x/y', blob: 'AQID' }],
  }))
  server.registerResource(
    'item',
    new sdk.ResourceTemplate('docs://item/{id}', { list: undefined, complete: { id: itemIds } }),
    { description: 'One item' },
    (uri, { id }) => ({ contents: [{ uri: uri.href, text: `item ${id}` }] }),
  )
  server.registerPrompt('plain', { title: 'Plain', description: 'No arguments' }, () => ({
    description: 'Said plainly',
    messages: [{ role: 'user', content: { type: 'text', text: 'Say something.' } }],
  }))
  server.registerPrompt(
    'visit',
    {
      description: 'A visit',
      argsSchema: z.object({
        city: sdk.completable(z.string().describe('Where to'), cities),
        days: z.string().optional(),
      }),
    },
    ({ city, days }) => ({
      description: `To ${city}`,
      messages: [{ role: 'user', content: { type: 'text', text: `${city}, ${days ?? 'a day'}` } }],
    }),
  )
  return server
}

function ourServer(): tsmcp.Server {
  const server = tsmcp.defineServer({ ...info, instructions, logging: false, onError: () => {} })
  for (const [name, { config, input, output, run }] of Object.entries(tools)) {
    server.tool(
      name,
      { ...config, input: input ?? nothing, ...(output && { output }) } as tsmcp.ToolConfig<
        z.ZodObject,
        z.ZodObject
      >,
      (args) => tsmcp.toolResult(run(args) as Parameters<typeof tsmcp.toolResult>[0]),
    )
  }
  const described = { title: 'A text', description: 'Words', mimeType: 'text/plain' }
  server.resource('docs://text', { name: 'text', ...described }, () => 'Grüße')
  server.resource(
    'docs://bytes',
    { name: 'bytes', mimeType: 'x/y' },
    () => new Uint8Array([1, 2, 3]),
  )
  server.resourceTemplate(
    'docs://item/{id}',
    { name: 'item', description: 'One item', complete: { id: itemIds } },
    ({ variables }) => `item ${variables.id}`,
  )
  server.prompt('plain', { title: 'Plain', description: 'No arguments' }, () => ({
    description: 'Said plainly',
    messages: [{ role: 'user', content: { type: 'text', text: 'Say something.' } }],
  }))
  server.prompt(
    'visit',
    {
      description: 'A visit',
      arguments: {
        city: { description: 'Where to', required: true, complete: cities },
        days: { required: false },
      },
    },
    ({ city, days }) => ({
      description: `To ${city}`,
      messages: [{ role: 'user', content: { type: 'text', text: `${city}, ${days ?? 'a day'}` } }],
    }),
  )
  return server
}

type Fetch = (request: Request) => Promise<Response>

/** Asks a server something, and gives the message that came back. */
async function connect(t: TestContext, serve: Fetch, revision: string) {
  const wire = new Wire((request) => serve(request))
  const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision }
  const client = new Client(
    { name: 'tester', version: '1' },
    { versionNegotiation: { mode }, capabilities: {} },
  )
  const transport = new StreamableHTTPClientTransport(new URL('http://127.0.0.1/mcp'), {
    fetch: wire.fetch,
  })
  await client.connect(transport)
  t.after(() => client.close())
  const greeting = wire.received.find(({ result }) => result)?.result ?? {}
  return {
    greeting,
    ask: async (method: string, params: Record<string, unknown>): Promise<Message> => {
      const before = wire.received.length
      await client.request({ method, params } as never).catch(() => {})
      const answers = wire.received.slice(before)
      assert.equal(answers.length, 1, `${method} is answered once`)
      return { ...answers[0], id: 0 }
    },
  }
}

const questions: [method: string, params: Record<string, unknown>][] = [
  ['tools/list', {}],
  ...Object.entries({
    text: {},
    described: {},
    echo: { text: 'hi' },
    add: { a: 1, b: 2 },
    mixed: {},
    failed: {},
    thrown: {},
  }).map(
    ([name, args]) =>
      ['tools/call', { name, arguments: args }] as [string, Record<string, unknown>],
  ),
  [
    'tools/call',
    { name: 'echo', arguments: { text: 'x', times: 3, tags: ['a'], nested: { deep: null } } },
  ],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'docs://text' }],
  ['resources/read', { uri: 'docs://bytes' }],
  ['resources/read', { uri: 'docs://item/20' }],
  ['prompts/list', {}],
  ['prompts/get', { name: 'plain' }],
  ['prompts/get', { name: 'visit', arguments: { city: 'Bern' } }],
  ['prompts/get', { name: 'visit', arguments: { city: 'Bern', days: '3' } }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'visit' }, argument: { name: 'city', value: 'B' } },
  ],
  [
    'completion/complete',
    {
      ref: { type: 'ref/resource', uri: 'docs://item/{id}' },
      argument: { name: 'id', value: '1' },
    },
  ],
]

/** Requests that are refused: the words may differ, the kind of refusal may not. */
const refused: [method: string, params: Record<string, unknown>][] = [
  ['tools/call', { name: 'echo', arguments: { text: '' } }],
  ['tools/call', { name: 'echo', arguments: {} }],
  ['tools/call', { name: 'add', arguments: { a: 1, b: 'two' } }],
  ['tools/call', { name: 'nosuch', arguments: {} }],
  ['prompts/get', { name: 'nosuch' }],
  ['prompts/get', { name: 'visit', arguments: {} }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'nosuch' }, argument: { name: 'city', value: 'B' } },
  ],
]

for (const revision of ['2025-11-25', '2026-07-28']) {
  suite(`the answers of SDK 2.4 and ours in ${revision}`, () => {
    test('agree on who they are and how they are used', async (t) => {
      const theirs = await connect(t, sdk.createMcpHandler(sdkServer).fetch, revision)
      const ours = await connect(t, createFetchHandler(ourServer()).fetch, revision)
      for (const member of ['serverInfo', 'instructions', 'protocolVersion', 'resultType']) {
        assert.deepEqual(ours.greeting[member], theirs.greeting[member], member)
      }
      assert.deepEqual(ours.greeting._meta, theirs.greeting._meta)
      // We also offer to tell of changes of resources, which theirs would have to write.
      const { resources, ...offered } = ours.greeting.capabilities as Record<string, object>
      const expected = theirs.greeting.capabilities as Record<string, object>
      assert.deepEqual(resources, { ...expected.resources, subscribe: true })
      assert.deepEqual({ ...offered, resources: expected.resources }, expected)
    })

    for (const [method, params] of refused) {
      test(`refuse in the same way ${method} ${JSON.stringify(params)}`, async (t) => {
        const theirs = await connect(t, sdk.createMcpHandler(sdkServer).fetch, revision)
        const ours = await connect(t, createFetchHandler(ourServer()).fetch, revision)
        const kind = ({ error, result }: Message) => error?.code ?? `isError ${result?.isError}`
        assert.equal(kind(await ours.ask(method, params)), kind(await theirs.ask(method, params)))
      })
    }

    for (const [method, params] of questions) {
      test(`are equal to ${method} ${JSON.stringify(params)}`, async (t) => {
        const theirs = await connect(t, sdk.createMcpHandler(sdkServer).fetch, revision)
        const ours = await connect(t, createFetchHandler(ourServer()).fetch, revision)
        assert.deepEqual(await ours.ask(method, params), await theirs.ask(method, params))
      })
    }
  })

  suite(`the answers of a server of SDK 2.4 by itself and mounted, in ${revision}`, () => {
    const named: [string, Record<string, unknown>][] = [
      ['tools/list', {}],
      ['tools/call', { name: 'echo', arguments: { text: 'hi' } }],
      ['tools/call', { name: 'echo', arguments: { text: 1 } }],
      ['tools/call', { name: 'add', arguments: { a: 1, b: 2 } }],
      ['tools/call', { name: 'fail', arguments: {} }],
      ['tools/call', { name: 'nosuch', arguments: {} }],
      ['resources/list', {}],
      ['resources/templates/list', {}],
      ['resources/read', { uri: 'docs://text' }],
      ['resources/read', { uri: 'docs://nosuch' }],
      ['prompts/list', {}],
      ['prompts/get', { name: 'visit', arguments: { city: 'Bern' } }],
      ['prompts/get', { name: 'visit', arguments: {} }],
      ['prompts/get', { name: 'nosuch' }],
    ]
    for (const [method, params] of named) {
      test(`are equal to ${method} ${JSON.stringify(params)}`, async (t) => {
        const theirs = await connect(t, sdk.createMcpHandler(serverV2).fetch, revision)
        const mounted = await tsmcp.mount(serverV2())
        const ours = await connect(t, createFetchHandler(mounted).fetch, revision)
        assert.deepEqual(await ours.ask(method, params), await theirs.ask(method, params))
      })
    }
  })
}
