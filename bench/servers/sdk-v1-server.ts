import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { description, echo, implementation, shape, toolNames } from './echo.ts'

/** A v1 server has one client, so each session needs its own. */
export function createServer(): McpServer {
  const server = new McpServer(implementation)
  for (const name of toolNames) server.registerTool(name, { description, inputSchema: shape }, echo)
  return server
}
