import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client'
import { connectInMemory } from '../memory.ts'
import { usageError } from './cli-error.ts'
import { explainConnectError, httpStatusOf } from './connect-error.ts'
import { answerElicitation } from './elicitation.ts'
import { type Io, note } from './io.ts'
import { gatewayLine, type LoadedServer, loadServer } from './load-server.ts'
import { version } from './version.ts'

/** How a server is reached. */
export interface ConnectOptions {
  /** `Name: value`, sent with every request to a URL. */
  readonly headers: readonly string[]
  readonly timeoutMs: number
  readonly verbose: boolean
  readonly signal: AbortSignal
}

/** A server at the other end, whichever way it is reached. */
export interface Connection {
  readonly client: Client
  close(): Promise<void>
}

/**
 * Connects to what the user named: a URL over Streamable HTTP, a file in memory.
 *
 * A file is loaded into this process rather than spawned with `serve --stdio`: an error in it is then
 * reported with its own line, and a call costs no second process. What a pipe would add can be seen
 * with any stdio client.
 */
export async function connectTo(
  target: string,
  options: ConnectOptions,
  io: Io,
): Promise<Connection> {
  const url = asUrl(target)
  // Standard output belongs to the answer, whatever the user's module prints.
  if (url === undefined) io.reserveStdout()
  const server = url === undefined ? await loadOwn(target, options, io) : undefined
  const open = opener(server, url, options)
  const client = newClient(options, io)
  try {
    const connection = await connected(client, open(url), options)
    return {
      client,
      close: async () => {
        await connection.close()
        await server?.close?.()
      },
    }
  } catch (error) {
    await server?.close?.()
    if (url === undefined) throw error
    // A bare origin is often typed for the usual endpoint below it.
    if (url.pathname === '/' && httpStatusOf(error) === 404) {
      const endpoint = new URL('/mcp', url)
      const second = newClient(options, io)
      try {
        return await connected(second, open(endpoint), options)
      } catch (secondError) {
        throw explainConnectError(secondError, endpoint.href, options.timeoutMs)
      }
    }
    throw explainConnectError(error, url.href, options.timeoutMs)
  }
}

/** Whether the user means a URL and not a file; throws at a URL that cannot be one of MCP. */
function asUrl(target: string): URL | undefined {
  if (/^https?:\/\//i.test(target)) {
    if (URL.canParse(target)) return new URL(target)
    throw usageError(`'${target}' is no URL: write it as http://127.0.0.1:8080/mcp`)
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(target)) {
    throw usageError(`'${target}' is neither http:// nor https://: those and files can be reached`)
  }
  if (/^(localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\])(:\d+)?(\/|$)/i.test(target)) {
    throw usageError(`'${target}' has no scheme: did you mean http://${target}?`)
  }
  return undefined
}

type Open = (url: URL | undefined) => Transport

/** A server in this process. Of what happens to the upstreams of a gateway only what is wrong is told. */
function loadOwn(target: string, { verbose }: ConnectOptions, io: Io): Promise<LoadedServer> {
  return loadServer(target, io.cwd, (entry) => {
    const isWrong = entry.level === 'warning' || entry.level === 'error'
    if (verbose || isWrong) note(io, gatewayLine(entry))
  })
}

function opener(
  server: LoadedServer | undefined,
  url: URL | undefined,
  options: ConnectOptions,
): Open {
  if (server !== undefined) return () => connectInMemory(server)
  const headers = parsedHeaders(options.headers)
  return (endpoint) => {
    const at = endpoint ?? url
    if (at === undefined) throw new TypeError('There is neither a server nor a URL')
    return new StreamableHTTPClientTransport(at, { requestInit: { headers } })
  }
}

function newClient(options: ConnectOptions, io: Io): Client {
  const client = new Client(
    { name: 'tsmcp', version },
    {
      capabilities: { elicitation: { form: {}, url: {} } },
      versionNegotiation: { mode: 'auto' },
      // A list is followed to its end: the client stops after 64 pages by itself.
      listMaxPages: 0,
    },
  )
  client.setRequestHandler('elicitation/create', ({ params }, { mcpReq }) =>
    answerElicitation(params, io, mcpReq.signal),
  )
  client.setNotificationHandler('notifications/message', ({ params }) => {
    const data = typeof params.data === 'string' ? params.data : JSON.stringify(params.data)
    note(io, `[${params.level}] ${params.logger === undefined ? '' : `${params.logger}: `}${data}`)
  })
  if (options.verbose) client.onerror = (error) => note(io, `[client] ${error.message}`)
  return client
}

async function connected(
  client: Client,
  transport: Transport,
  options: ConnectOptions,
): Promise<Connection> {
  await client.connect(transport, { timeout: options.timeoutMs, signal: options.signal })
  return {
    client,
    async close() {
      if (transport instanceof StreamableHTTPClientTransport) {
        // A server may refuse to end sessions, and may be gone: the command is over either way.
        await transport.terminateSession().catch(() => {})
      }
      await client.close()
    },
  }
}

function parsedHeaders(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((header) => {
      const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(header) ?? []
      if (name === undefined || value === undefined) {
        throw usageError(`--header is '${header}', but only 'Name: value' is allowed`)
      }
      return [name, value]
    }),
  )
}
