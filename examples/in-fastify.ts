/**
 * A server inside a Fastify app. Fastify has requests and replies of its own: one route translates
 * them to `Request` and `Response`, streams included, and tells when the client has gone.
 *
 *     node examples/in-fastify.ts
 */
import { Readable } from 'node:stream'
import Fastify, { type FastifyRequest } from 'fastify'
import { createFetchHandler } from 'tsmcp/fetch'
import weather from './weather.ts'

const mcp = createFetchHandler(weather)
const app = Fastify({ forceCloseConnections: true })

app.get('/', () => 'An app with weather at /mcp')

app.register((scope, _options, registered) => {
  // The body belongs to the protocol, which reads, limits and checks it.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, body, done) => done(null, body))
  scope.all('/mcp', async (request, reply) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    return reply.send(await mcp.fetch(toWebRequest(request, gone.signal)))
  })
  registered()
})

function toWebRequest(request: FastifyRequest, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each)
  }
  const { method } = request
  const hasBody = request.body instanceof Readable
  const body = hasBody ? Readable.toWeb(request.raw) : null
  return new Request(`http://${request.host}${request.url}`, {
    method,
    headers,
    body,
    duplex: 'half',
    signal,
  })
}

const port = Number(process.env.PORT ?? 8080)
console.log(`${await app.listen({ port, host: '127.0.0.1' })}/mcp`)

process.once('SIGTERM', async () => {
  await mcp.close()
  await app.close()
})
