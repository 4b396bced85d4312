import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { type ServerType, serve } from '@hono/node-server'
import Fastify, { type FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import type { FetchHandler } from '../../src/fetch.ts'

/** A web application that serves MCP at one of its routes. */
export interface App {
  url: string
  close(): Promise<void>
}

/** The fetch handler inside real servers, as their users would put it there. */
export const frameworks: Record<string, (mcp: FetchHandler) => Promise<App>> = {
  Hono: async (mcp) => {
    const app = new Hono()
    app.get('/', (context) => context.text('home'))
    app.all('/mcp', (context) => mcp.fetch(context.req.raw))
    const listener = await new Promise<ServerType>((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
        resolve(server),
      )
    })
    const { port } = listener.address() as AddressInfo
    return {
      url: `http://127.0.0.1:${port}/mcp`,
      close: async () => {
        await mcp.close(0)
        await new Promise((resolve) => listener.close(resolve))
      },
    }
  },

  Fastify: async (mcp) => {
    const app = Fastify({ forceCloseConnections: true })
    app.get('/', () => 'home')
    app.register((scope, _options, registered) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, body, done) => done(null, body))
      scope.all('/mcp', async (request, reply) => {
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        return reply.send(await mcp.fetch(toWebRequest(request, gone.signal)))
      })
      registered()
    })
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    return {
      url: `${origin}/mcp`,
      close: async () => {
        await mcp.close(0)
        await app.close()
      },
    }
  },
}

function toWebRequest(request: FastifyRequest, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each)
  }
  return new Request(`http://${request.host}${request.url}`, {
    method: request.method,
    headers,
    body: request.body instanceof Readable ? Readable.toWeb(request.raw) : null,
    duplex: 'half',
    signal,
  })
}
