import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type CallToolResult,
  Client,
  type ClientCapabilities,
  type CompleteRequestParams,
  type CompleteResult,
  type ContentBlock,
  type GetPromptResult,
  type Implementation,
  type Prompt,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateType,
  type ServerCapabilities,
  StreamableHTTPClientTransport,
  type Tool,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import * as v1 from '@modelcontextprotocol/sdk/types.js'
import { type HttpListener, type ServeHttpOptions, serveHttp } from '../../src/http.ts'
import * as library from '../../src/index.ts'
import type { ClientTransport } from '../../src/memory.ts'
import { everything } from './clients-everything.ts'
import { Wire } from './clients-wire.ts'

/** The official clients, each in an era that it speaks. */
export const officialClients = [
  { client: 'client 1.32', sdk: 1, revision: '2025-11-25' },
  { client: 'client 2.4', sdk: 2, revision: '2025-11-25' },
  { client: 'client 2.4', sdk: 2, revision: '2026-07-28' },
] as const
export type OfficialClient = (typeof officialClients)[number]

export const transports = ['http', 'stdio'] as const

/** Every official client over every transport, with a name for test suites. */
export const connections = officialClients.flatMap((kind) =>
  transports.map((over) => ({
    kind,
    over,
    isStateful: kind.revision === '2025-11-25',
    name: `${kind.client} in ${kind.revision} over ${over}`,
  })),
)

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The command by which a desktop host starts a server; default: everything. */
export function stdioCommand(file = `${root}test/clients/fixtures/everything.ts`): Command {
  return {
    command: process.execPath,
    args: [`${root}dist/cli/main.js`, 'serve', file, '--stdio'],
  }
}

/** Serves everything on a free port. */
export function serveEverything(options: ServeHttpOptions = {}): Promise<HttpListener> {
  return serveHttp(everything(library), { port: 0, drainMs: 0, ...options })
}

export interface CallOptions {
  signal?: AbortSignal
  onprogress?: (report: {
    progress: number
    total?: number | undefined
    message?: string | undefined
  }) => void
  timeout?: number
  meta?: Record<string, unknown>
}

type Params = Record<string, unknown>

/** What the tests do with an official client, whichever it is. */
export interface AnyClient {
  readonly wire: Wire
  readonly revision: string | undefined
  readonly serverInfo: Implementation | undefined
  readonly instructions: string | undefined
  readonly capabilities: ServerCapabilities
  callTool(name: string, args?: Params, options?: CallOptions): Promise<CallToolResult>
  /** All pages. */
  listTools(): Promise<Tool[]>
  listResources(): Promise<Resource[]>
  listResourceTemplates(): Promise<ResourceTemplateType[]>
  listPrompts(): Promise<Prompt[]>
  readResource(uri: string): Promise<ReadResourceResult>
  getPrompt(name: string, args?: Record<string, string>): Promise<GetPromptResult>
  complete(params: CompleteRequestParams): Promise<CompleteResult['completion']>
  /** Answers what the server asks of its client. */
  onRequest(method: AskMethod, answer: (params: Params) => unknown): void
  onNotification(method: HeardMethod, listener: (params: Params) => void): void
  /** Asks for updates of a resource and of all lists, in the way of the era. */
  watch(uri: string): Promise<() => Promise<void>>
  setLoggingLevel(level: 'debug' | 'error'): Promise<void>
  ping(): Promise<void>
  /** Over HTTP in the stateful era: the id of the session, and an end to it. */
  readonly sessionId: string | undefined
  endSession(): Promise<void>
  close(): Promise<void>
}

type AskMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
type HeardMethod =
  | 'notifications/message'
  | 'notifications/resources/updated'
  | 'notifications/tools/list_changed'
  | 'notifications/prompts/list_changed'
  | 'notifications/resources/list_changed'

export const allCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: {},
  roots: {},
} satisfies ClientCapabilities

export interface ConnectOptions {
  /** Default: {@link allCapabilities}. */
  capabilities?: ClientCapabilities
  name?: string
  headers?: Record<string, string>
  /** Comes back to a stream for as long as it takes; by default the clients give up after two tries. */
  isPatient?: boolean
}

const patience = {
  initialReconnectionDelay: 100,
  maxReconnectionDelay: 1000,
  reconnectionDelayGrowFactor: 1,
  maxRetries: 1000,
}

/** Where a client connects to: the URL of a Streamable HTTP endpoint, a command to start, or any other transport. */
export type Target = string | Command | { transport: ClientTransport }
export interface Command {
  command: string
  args: string[]
  env?: Record<string, string>
}

/** Connects an official client. The caller closes it. */
export async function connectClient(
  kind: OfficialClient,
  target: Target,
  options: ConnectOptions = {},
): Promise<AnyClient> {
  const wire = new Wire()
  return kind.sdk === 1
    ? connectV1(target, options, wire)
    : connectV2(kind.revision, target, options, wire)
}

async function connectV2(
  revision: string,
  target: Target,
  { capabilities = allCapabilities, name = 'tester', headers = {}, isPatient }: ConnectOptions,
  wire: Wire,
): Promise<AnyClient> {
  const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision }
  const client = new Client({ name, version: '1' }, { capabilities, versionNegotiation: { mode } })
  const transport =
    typeof target === 'string'
      ? new StreamableHTTPClientTransport(new URL(target), {
          fetch: wire.fetch,
          requestInit: { headers },
          ...(isPatient && { reconnectionOptions: patience }),
        })
      : wire.tap(
          'transport' in target
            ? target.transport
            : new StdioClientTransport({ ...target, stderr: 'pipe' }),
        )
  await orWithStderr(transport, client.connect(transport as Parameters<typeof client.connect>[0]))

  return {
    wire,
    revision: client.getNegotiatedProtocolVersion(),
    serverInfo: client.getServerVersion(),
    instructions: client.getInstructions(),
    capabilities: client.getServerCapabilities() ?? {},
    callTool: (name, args, { meta, ...options } = {}) =>
      client.callTool({ name, arguments: args, ...(meta && { _meta: meta }) }, options),
    listTools: async () => (await client.listTools()).tools,
    listResources: async () => (await client.listResources()).resources,
    listResourceTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    listPrompts: async () => (await client.listPrompts()).prompts,
    readResource: (uri) => client.readResource({ uri }),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: async (params) => (await client.complete(params)).completion,
    onRequest: (method, answer) =>
      client.setRequestHandler(method, (request) => answer(request.params ?? {}) as never),
    onNotification: (method, listener) =>
      client.setNotificationHandler(method, ({ params = {} }) => listener(params)),
    watch: async (uri) => {
      if (revision === '2025-11-25') {
        await client.subscribeResource({ uri })
        return async () => void (await client.unsubscribeResource({ uri }))
      }
      const subscription = await client.listen({
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: [uri],
      })
      return () => subscription.close()
    },
    setLoggingLevel: async (level) => void (await client.setLoggingLevel(level)),
    ping: async () => void (await client.ping()),
    get sessionId() {
      return transport instanceof StreamableHTTPClientTransport ? transport.sessionId : undefined
    },
    endSession: async () => {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession()
    },
    close: () => client.close(),
  }
}

/** A server that does not come up has said why on stderr. */
async function orWithStderr(transport: object, connecting: Promise<void>): Promise<void> {
  const { stderr } = transport as { stderr?: NodeJS.ReadableStream | null }
  let printed = ''
  stderr?.on('data', (chunk) => {
    printed += chunk
  })
  try {
    await connecting
  } catch (error) {
    if (printed === '') throw error
    throw new Error(`The server ended:\n${printed}`, { cause: error })
  }
}

const askSchemas = {
  'elicitation/create': v1.ElicitRequestSchema,
  'sampling/createMessage': v1.CreateMessageRequestSchema,
  'roots/list': v1.ListRootsRequestSchema,
}
const heardSchemas = {
  'notifications/message': v1.LoggingMessageNotificationSchema,
  'notifications/resources/updated': v1.ResourceUpdatedNotificationSchema,
  'notifications/tools/list_changed': v1.ToolListChangedNotificationSchema,
  'notifications/prompts/list_changed': v1.PromptListChangedNotificationSchema,
  'notifications/resources/list_changed': v1.ResourceListChangedNotificationSchema,
}

async function connectV1(
  target: Target,
  { capabilities = allCapabilities, name = 'tester', headers = {}, isPatient }: ConnectOptions,
  wire: Wire,
): Promise<AnyClient> {
  const client = new ClientV1({ name, version: '1' }, { capabilities: capabilities as never })
  const transport =
    typeof target === 'string'
      ? new HttpV1(new URL(target), {
          fetch: wire.fetch,
          requestInit: { headers },
          ...(isPatient && { reconnectionOptions: patience }),
        })
      : wire.tap(
          'transport' in target ? target.transport : new StdioV1({ ...target, stderr: 'pipe' }),
        )
  await orWithStderr(transport, client.connect(transport as Parameters<typeof client.connect>[0]))

  return {
    wire,
    revision: '2025-11-25',
    serverInfo: client.getServerVersion(),
    instructions: client.getInstructions(),
    capabilities: (client.getServerCapabilities() ?? {}) as ServerCapabilities,
    callTool: async (name, args, { meta, ...options } = {}) => {
      const params = { name, arguments: args, ...(meta && { _meta: meta }) }
      return (await client.callTool(params, undefined, options)) as CallToolResult
    },
    listTools: () => pages((params) => client.listTools(params), 'tools'),
    listResources: () => pages((params) => client.listResources(params), 'resources'),
    listResourceTemplates: () =>
      pages((params) => client.listResourceTemplates(params), 'resourceTemplates'),
    listPrompts: () => pages((params) => client.listPrompts(params), 'prompts'),
    readResource: (uri) => client.readResource({ uri }) as Promise<ReadResourceResult>,
    getPrompt: (name, args) =>
      client.getPrompt({ name, arguments: args }) as Promise<GetPromptResult>,
    complete: async (params) => (await client.complete(params)).completion,
    onRequest: (method, answer) =>
      client.setRequestHandler(
        askSchemas[method],
        ({ params }) => answer((params ?? {}) as Params) as never,
      ),
    onNotification: (method, listener) =>
      client.setNotificationHandler(heardSchemas[method], ({ params }) =>
        listener((params ?? {}) as Params),
      ),
    watch: async (uri) => {
      await client.subscribeResource({ uri })
      return async () => void (await client.unsubscribeResource({ uri }))
    },
    setLoggingLevel: async (level) => void (await client.setLoggingLevel(level)),
    ping: async () => void (await client.ping()),
    get sessionId() {
      return transport instanceof HttpV1 ? transport.sessionId : undefined
    },
    endSession: async () => {
      if (transport instanceof HttpV1) await transport.terminateSession()
    },
    close: () => client.close(),
  }
}

async function pages<Item>(
  fetchPage: (params: { cursor?: string }) => Promise<{ nextCursor?: string | undefined }>,
  member: string,
): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const page = await fetchPage(cursor === undefined ? {} : { cursor })
    items.push(...(page as unknown as Record<string, Item[]>)[member]!)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return items
}

const cleanups = new WeakMap<TestContext, (() => unknown)[]>()

/** Cleans up at the end of a test: what was made last goes first, so that no client outlives its server. */
export function atEnd(t: TestContext, cleanUp: () => unknown): void {
  const known = cleanups.get(t)
  if (known !== undefined) {
    known.unshift(cleanUp)
    return
  }
  const all = [cleanUp]
  cleanups.set(t, all)
  t.after(async () => {
    const errors: unknown[] = []
    for (const each of all) {
      try {
        await each()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  })
}

/** The text of a result's only content block, or of all. */
export function textOf({ content }: { content: ContentBlock[] }): string {
  return content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n')
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ exitCode: number | null; out: string; err: string }> {
  const child: ChildProcess = spawn(command, args, {
    ...options,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk) => {
    out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    err += chunk
  })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { exitCode, out, err }
}
