/** Official SDK v1 inside express, as all of its examples have it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { listen, serve } from './harness.ts'
import { countSessions, transportFor } from './sdk-v1-sessions.ts'

/** What express adds to a request: the body, parsed. */
type ParsedRequest = IncomingMessage & { body?: unknown }

const app = createMcpExpressApp()
app.all('/mcp', async (request: ParsedRequest, response: ServerResponse) => {
  const transport = await transportFor(request)
  if (transport) await transport.handleRequest(request, response, request.body)
  else response.writeHead(404).end()
})

serve(await listen(app), { countSessions })
