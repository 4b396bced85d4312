/**
 * Bridges of others that many use with old clients and old servers: `mcp-proxy` and `supergateway`, as the client of
 * ours and in front of our stdio server, with an official client at the far end. (mcp-remote has a file of its own.)
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js'
import type { HttpListener } from '../../src/http.ts'
import type { ClientTransport } from '../../src/memory.ts'
import { bridgeTo, type Gateway, type GatewayName, startGateway } from '../support/bridges.ts'
import {
  type AnyClient,
  connectClient,
  officialClients,
  serveEverything,
  type Target,
  textOf,
} from '../support/clients.ts'

const [v1, v2, modern] = officialClients

interface Bridge {
  /** The revision that the bridge speaks with us. */
  readonly revision: string
  /** What gets through beside requests and their results; the rest such a bridge drops, as its documents say. */
  readonly passes: readonly ('progress' | 'questions' | 'changes')[]
}

/** What passes through every bridge, and what through this one. */
function behavesLikeOurs(client: () => AnyClient, { revision, passes }: Bridge): void {
  test('tools are listed, all pages, and called', async () => {
    const names = (await client().listTools()).map(({ name }) => name)
    assert.ok(names.includes('echo') && names.includes('touch'))
    const sum = await client().callTool('add', { a: 1, b: 2 })
    assert.deepEqual(sum.structuredContent, { sum: 3 })
    assert.equal(textOf(await client().callTool('echo', { text: 'Grüße, 世界' })), 'Grüße, 世界')
  })

  test('what fails, fails in the same way', async () => {
    const failure = await client().callTool('fail')
    assert.equal(failure.isError, true)
    assert.equal(textOf(failure), 'The disk is full')
    await assert.rejects(client().callTool('nosuch'), { code: -32602 })
  })

  test('resources are listed and read, prompts are listed and filled in', async () => {
    const uris = (await client().listResources()).map(({ uri }) => uri)
    assert.ok(uris.includes('docs://item/10'))
    const { contents } = await client().readResource('docs://item/20')
    assert.equal((contents[0] as { text: string }).text, '{"id":20}')
    const prompts = (await client().listPrompts()).map(({ name }) => name)
    assert.deepEqual(prompts, ['plain', 'compare', 'asked'])
    const { messages } = await client().getPrompt('compare', { city: 'Bern', country: 'CH' })
    assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Bern, CH' })
  })

  test('we are spoken to in the revision that the bridge was told', async () => {
    const seen = JSON.parse(textOf(await client().callTool('who_am_i')))
    assert.equal(seen.revision, revision)
  })

  test('a result of 1 MB passes', async () => {
    const text = textOf(await client().callTool('large', { characters: 500_000 }))
    assert.equal(text, 'é'.repeat(500_000))
  })

  if (passes.includes('progress')) {
    test('progress passes', async () => {
      const reports: number[] = []
      const named = { name: 'bridged' }
      const goneOn: Promise<unknown>[] = []
      const result = await client().callTool(
        'count',
        { ...named, to: 3 },
        {
          onprogress: ({ progress }) => {
            reports.push(progress)
            goneOn.push(client().callTool('go_on', named))
          },
        },
      )
      await Promise.all(goneOn)
      assert.equal(textOf(result), 'counted to 3')
      assert.deepEqual(reports, [1, 2, 3])
    })
  }

  if (passes.includes('questions')) {
    test('the user is asked, and the answer passes', async () => {
      const content = { size: 'large' }
      client().onRequest('elicitation/create', () => ({ action: 'accept', content }))
      const answer = textOf(await client().callTool('ask_form'))
      assert.deepEqual(JSON.parse(answer), { action: 'accept', content })
    })
  }

  if (passes.includes('changes')) {
    test('changes are announced', async () => {
      const changed = new Promise((resolve) =>
        client().onNotification('notifications/tools/list_changed', resolve),
      )
      await client().callTool('toggle', { what: 'tool' })
      await changed
      await client().callTool('toggle', { what: 'tool' })
    })
  }
}

const old = '2025-11-25'
type Inwards = Bridge & {
  readonly name: string
  readonly over: 'http' | 'sse'
  command(url: string, kind: 'http' | 'sse'): Target
}
const { mcpProxy, supergateway } = bridgeTo
const told = ['progress', 'changes'] as const
const inwards: Inwards[] = [
  { name: 'mcp-proxy', over: 'http', command: mcpProxy, revision: old, passes: told },
  { name: 'mcp-proxy', over: 'sse', command: mcpProxy, revision: old, passes: told },
  {
    name: 'mcp-proxy',
    over: 'http',
    command: (url, kind) => mcpProxy(url, kind, 'modern'),
    revision: '2026-07-28',
    passes: told,
  },
  { name: 'supergateway', over: 'http', command: supergateway, revision: old, passes: [] },
  { name: 'supergateway', over: 'sse', command: supergateway, revision: old, passes: [] },
]

for (const { name, over, command, ...bridge } of inwards) {
  suite(`${name} as our client over ${over} in ${bridge.revision}`, () => {
    let listener: HttpListener
    let client: AnyClient
    before(async () => {
      listener = await serveEverything({ legacySse: true })
      const url = over === 'http' ? listener.url : `http://127.0.0.1:${listener.port}/sse`
      client = await connectClient(v1, command(url, over))
    })
    after(async () => {
      await client?.close()
      await listener?.close()
    })
    behavesLikeOurs(() => client, bridge)
  })
}

const transport = (given: unknown): Target => ({ transport: given as ClientTransport })
const sse = (port: number) =>
  transport(new SSEClientTransport(new URL(`http://127.0.0.1:${port}/sse`)))
const http = (port: number) => `http://127.0.0.1:${port}/mcp`

const webSocket = (port: number) =>
  transport(new WebSocketClientTransport(new URL(`ws://127.0.0.1:${port}/message`)))

type Outwards = Bridge & {
  readonly name: GatewayName
  readonly kind: (typeof officialClients)[number]
  target(port: number): Target
}
const all = ['progress', 'questions', 'changes'] as const
const outwards: Outwards[] = [
  { name: 'mcp-proxy to 2025-11-25', kind: v1, target: sse, revision: old, passes: told },
  { name: 'mcp-proxy to 2025-11-25', kind: v2, target: http, revision: old, passes: told },
  {
    name: 'mcp-proxy to 2026-07-28',
    kind: modern,
    target: http,
    revision: '2026-07-28',
    passes: ['progress'],
  },
  { name: 'supergateway to SSE', kind: v1, target: sse, revision: old, passes: all },
  // It gives ids a prefix by which it finds the client of a response, and so has none for a question.
  { name: 'supergateway to WebSocket', kind: v1, target: webSocket, revision: old, passes: told },
  {
    name: 'supergateway to Streamable HTTP',
    kind: v2,
    target: http,
    revision: old,
    passes: ['progress'],
  },
]

for (const { name, kind, target, ...bridge } of outwards) {
  const isSse = target === sse ? ' over SSE' : ''
  suite(`our stdio server behind ${name}, to ${kind.client} in ${kind.revision}${isSse}`, () => {
    let gateway: Gateway
    let client: AnyClient
    before(async () => {
      gateway = await startGateway(name)
      client = await connectClient(kind, target(gateway.port))
    })
    after(async () => {
      await client?.close()
      await gateway?.close()
    })
    behavesLikeOurs(() => client, bridge)
  })
}
