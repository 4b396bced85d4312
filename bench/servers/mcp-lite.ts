/** mcp-lite with sessions, inside hono, as its README shows it. */
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite'
import { z } from 'zod'
import { description, echo, implementation, schema, toolNames } from './echo.ts'
import { listen, serve } from './harness.ts'

const server = new McpServer({
  ...implementation,
  schemaAdapter: (input) => z.toJSONSchema(input as z.ZodType),
})
for (const name of toolNames) {
  server.tool(name, { description, inputSchema: schema, handler: echo })
}

const transport = new StreamableHttpTransport({
  sessionAdapter: new InMemorySessionAdapter({ maxEventBufferSize: 1024 }),
})
const handle = transport.bind(server)
const application = new Hono()
application.all('/mcp', (context) => handle(context.req.raw))

serve(await listen(getRequestListener(application.fetch)))
