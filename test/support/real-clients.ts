/** Every real client that we know, and how it gets to a place where we serve. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMCPClient } from '@ai-sdk/mcp'
import { StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio'
import { SSEClientTransport } from '@modelcontextprotocol/client'
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js'
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js'
import type { ClientTransport } from '../../src/memory.ts'
import { bridgeTo, type GatewayName, startGateway } from './bridges.ts'
import { connectClient, officialClients, run, type Target, textOf } from './clients.ts'
import type { Way } from './places.ts'

/** What each client is put through. */
export interface Subject {
  toolNames(): Promise<string[]>
  /** The text that a tool answers with. */
  call(tool: string, args: Record<string, string>): Promise<string>
  read(uri: string): Promise<string>
  /** The text of the first message. */
  prompt(name: string, args: Record<string, string>): Promise<string>
  /** What we have sent to it that we should not have. */
  problems?(): string[]
  close(): Promise<unknown>
}

export interface Column {
  /** Connects, or says why that cannot be. */
  readonly connect: { readonly [Kind in Way['kind']]: ((way: Way) => Promise<Subject>) | string }
  /** The revisions in which we may be spoken to. */
  readonly revisions: readonly string[]
}

const [v1, v2Legacy, v2Modern] = officialClients
const noSockets = 'takes commands and HTTP URLs only'
const httpOnly = 'is a bridge to HTTP URLs'

function urlOf(way: Way): string {
  if (!('url' in way)) throw new Error(`${way.kind} has no URL`)
  return way.url
}

function commandOf(way: Way) {
  if (way.kind !== 'stdio') throw new Error(`${way.kind} has no command`)
  return way.command
}

async function transportOf(way: Way): Promise<ClientTransport> {
  if (!('open' in way)) throw new Error(`${way.kind} has no transport`)
  return way.open()
}

/** An official client, at the end of whatever there is. */
async function official(kind: (typeof officialClients)[number], target: Target): Promise<Subject> {
  const client = await connectClient(kind, target)
  return {
    toolNames: async () => (await client.listTools()).map(({ name }) => name),
    call: async (tool, args) => textOf(await client.callTool(tool, args)),
    read: async (uri) => (await client.readResource(uri)).contents.map(textIn).join(''),
    prompt: async (name, args) => textIn((await client.getPrompt(name, args)).messages[0]?.content),
    problems: () => client.wire.problems,
    close: () => client.close(),
  }
}

const textIn = (value: unknown): string => String((value as { text?: unknown }).text)

function officialColumn(kind: (typeof officialClients)[number]): Column {
  const over = (transport: unknown) => official(kind, { transport: transport as ClientTransport })
  const opened = async (way: Way) => over(await transportOf(way))
  return {
    revisions: [kind.revision],
    connect: {
      stdio: (way) => official(kind, commandOf(way)),
      http: (way) => official(kind, urlOf(way)),
      sse: (way) => {
        const url = new URL(urlOf(way))
        return over(kind.sdk === 1 ? new SseV1(url) : new SSEClientTransport(url))
      },
      // SDK 2 has left its WebSocket transport out; it takes that of SDK 1.
      webSocket: (way) => over(new WebSocketClientTransport(new URL(urlOf(way)))),
      socket: opened,
      memory: opened,
    },
  }
}

/** A bridge that a host starts as a command: the host is the official client. */
function bridgeColumn(
  command: (url: string, kind: 'http' | 'sse') => Parameters<typeof official>[1],
  inFrontOfStdio: Column['connect']['stdio'],
): Column {
  return {
    revisions: ['2025-11-25'],
    connect: {
      stdio: inFrontOfStdio,
      http: (way) => official(v1, command(urlOf(way), 'http')),
      sse: (way) => official(v1, command(urlOf(way), 'sse')),
      webSocket: httpOnly,
      socket: httpOnly,
      memory: httpOnly,
    },
  }
}

/** A gateway that starts our stdio server, with an official client before it. */
async function behind(
  name: GatewayName,
  connect: (port: number) => Promise<Subject>,
): Promise<Subject> {
  const gateway = await startGateway(name)
  const subject = await connect(gateway.port).catch(async (error: unknown) => {
    await gateway.close()
    throw error
  })
  // What is sent there is what the gateway makes of it.
  const { problems: _, ...rest } = subject
  const close = async () => {
    await subject.close()
    await gateway.close()
  }
  return { ...rest, close }
}

type AiTransport = Parameters<typeof createMCPClient>[0]['transport']
type AiArguments = Record<string, string>

async function aiSdk(transport: AiTransport): Promise<Subject> {
  const client = await createMCPClient({ clientName: 'ai', transport })
  return {
    toolNames: async () => Object.keys(await client.tools()),
    call: async (name, args: AiArguments) => {
      const { content } = await client.callTool({ name, arguments: args })
      return (content as unknown[]).map(textIn).join('')
    },
    read: async (uri) => (await client.readResource({ uri })).contents.map(textIn).join(''),
    prompt: async (name, args) =>
      textIn((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    close: () => client.close(),
  }
}

const inspector = fileURLToPath(new URL('../../node_modules/.bin/mcp-inspector', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'tsmcp-matrix-'))
process.once('exit', () => rmSync(home, { recursive: true, force: true }))

/** Each request is a run of the program. */
function inspected(...target: string[]): Subject {
  const inspect = async (method: string, ...flags: string[]) => {
    const args = [inspector, '--cli', '--format', 'json', '--quiet', '--protocol-era', 'legacy']
    const { out, err } = await run(
      process.execPath,
      [...args, '--method', method, ...flags, ...target],
      { env: { HOME: home } },
    )
    assert.notEqual(out, '', err)
    return JSON.parse(out).result
  }
  const pairs = (args: Record<string, string>) =>
    Object.entries(args).map(([name, value]) => `${name}=${value}`)
  return {
    toolNames: async () =>
      (await inspect('tools/list')).tools.map(({ name }: { name: string }) => name),
    call: async (tool, args) => {
      const given = pairs(args)
      const flags = given.length === 0 ? [] : ['--tool-arg', ...given]
      return (await inspect('tools/call', '--tool-name', tool, ...flags)).content
        .map(textIn)
        .join('')
    },
    read: async (uri) =>
      (await inspect('resources/read', '--uri', uri)).contents.map(textIn).join(''),
    prompt: async (name, args) => {
      const flags = ['--prompt-name', name, '--prompt-args', ...pairs(args)]
      return textIn((await inspect('prompts/get', ...flags)).messages[0].content)
    },
    close: async () => {},
  }
}

export const columns: Record<string, Column> = {
  'official 1.32': officialColumn(v1),
  'official 2.4, 2025-11-25': officialColumn(v2Legacy),
  'official 2.4, 2026-07-28': officialColumn(v2Modern),

  '@ai-sdk/mcp': {
    revisions: ['2026-07-28', '2025-11-25'],
    connect: {
      stdio: (way) => aiSdk(new StdioMCPTransport({ ...commandOf(way), stderr: 'ignore' })),
      http: (way) => aiSdk({ type: 'http', url: urlOf(way) }),
      sse: (way) => aiSdk({ type: 'sse', url: urlOf(way) }),
      webSocket: (way) =>
        aiSdk(new WebSocketClientTransport(new URL(urlOf(way))) as unknown as AiTransport),
      socket: async (way) => aiSdk((await transportOf(way)) as unknown as AiTransport),
      memory: async (way) => aiSdk((await transportOf(way)) as unknown as AiTransport),
    },
  },

  'inspector --cli': {
    revisions: ['2025-11-25'],
    connect: {
      stdio: async (way) => {
        const { command, args } = commandOf(way)
        return inspected('--', command, ...args)
      },
      http: async (way) => inspected('--server-url', urlOf(way), '--transport', 'http'),
      sse: async (way) => inspected('--server-url', urlOf(way), '--transport', 'sse'),
      webSocket: noSockets,
      socket: noSockets,
      memory: noSockets,
    },
  },

  'mcp-remote': bridgeColumn(bridgeTo.mcpRemote, 'is for servers that are far away'),

  'mcp-proxy': bridgeColumn(bridgeTo.mcpProxy, () =>
    behind('mcp-proxy to 2025-11-25', (port) => official(v1, `http://127.0.0.1:${port}/mcp`)),
  ),

  supergateway: bridgeColumn(bridgeTo.supergateway, () =>
    behind('supergateway to Streamable HTTP', (port) =>
      official(v1, `http://127.0.0.1:${port}/mcp`),
    ),
  ),
}
