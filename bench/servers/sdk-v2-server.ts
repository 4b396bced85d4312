import { McpServer } from '@modelcontextprotocol/server'
import { description, echo, implementation, schema, toolNames } from './echo.ts'

/** A factory, as v2 wants it: called per session, or per request where there are no sessions. */
export function createServer(): McpServer {
  const server = new McpServer(implementation)
  for (const name of toolNames) {
    server.registerTool(name, { description, inputSchema: schema }, echo)
  }
  return server
}
