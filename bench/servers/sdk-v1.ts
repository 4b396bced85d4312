/** Official SDK v1 on plain node:http: one McpServer and one transport per session. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen, serve } from './harness.ts'
import { countSessions, transportFor } from './sdk-v1-sessions.ts'

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const transport = await transportFor(request)
  if (transport) await transport.handleRequest(request, response)
  else response.writeHead(404).end()
}

serve(await listen((request, response) => void handle(request, response)), { countSessions })
