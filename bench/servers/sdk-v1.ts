/** Official SDK v1 as its documentation shows it: one McpServer and one transport per session. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { listen, serve } from './harness.ts'
import { createServer } from './sdk-v1-server.ts'

const sessions = new Map<string, StreamableHTTPServerTransport>()

async function openSession(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => {
      sessions.set(id, transport)
    },
    onsessionclosed: (id) => {
      sessions.delete(id)
    },
  })
  // The SDK's own types do not agree with each other under `exactOptionalPropertyTypes`.
  await createServer().connect(transport as Transport)
  return transport
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.headers['mcp-session-id']
  const transport = typeof id === 'string' ? sessions.get(id) : await openSession()
  if (transport) await transport.handleRequest(request, response)
  else response.writeHead(404).end()
}

serve(await listen((request, response) => void handle(request, response)), () => sessions.size)
