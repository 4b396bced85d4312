/**
 * A server inside a Hono app, beside its other routes. Hono speaks `Request` and `Response`, as the
 * fetch adapter does, so one line joins them; the same holds on Bun, Deno and workers.
 *
 *     node examples/in-hono.ts
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createFetchHandler } from 'tsmcp/fetch'
import weather from './weather.ts'

const mcp = createFetchHandler(weather)

const app = new Hono()
app.get('/', (context) => context.text('An app with weather at /mcp'))
app.all('/mcp', (context) => mcp.fetch(context.req.raw))

const port = Number(process.env.PORT ?? 8080)
const listener = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (address) => {
  console.log(`http://127.0.0.1:${address.port}/mcp`)
})

process.once('SIGTERM', async () => {
  await mcp.close()
  listener.close()
})
