/** Official SDK v2 with sessions, for clients up to 2025-11-25. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node'
import { listen, serve } from './harness.ts'
import { createServer } from './sdk-v2-server.ts'

const sessions = new Map<string, NodeStreamableHTTPServerTransport>()

async function openSession(): Promise<NodeStreamableHTTPServerTransport> {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => {
      sessions.set(id, transport)
    },
    onsessionclosed: (id) => {
      sessions.delete(id)
    },
  })
  await createServer().connect(transport)
  return transport
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.headers['mcp-session-id']
  const transport = typeof id === 'string' ? sessions.get(id) : await openSession()
  if (transport) await transport.handleRequest(request, response)
  else response.writeHead(404).end()
}

serve(await listen((request, response) => void handle(request, response)), {
  countSessions: () => sessions.size,
})
