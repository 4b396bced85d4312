import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createServer } from './sdk-v1-server.ts'

const sessions = new Map<string, StreamableHTTPServerTransport>()

export const countSessions = (): number => sessions.size

/** The transport of a request's session, as the SDK's documentation keeps them: one a session. */
export async function transportFor(
  request: IncomingMessage,
): Promise<StreamableHTTPServerTransport | undefined> {
  const id = request.headers['mcp-session-id']
  if (typeof id === 'string') return sessions.get(id)
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (made) => {
      sessions.set(made, transport)
    },
    onsessionclosed: (closed) => {
      sessions.delete(closed)
    },
  })
  // The SDK's own types do not agree with each other under `exactOptionalPropertyTypes`.
  await createServer().connect(transport as Transport)
  return transport
}
