import { FetchExchange, headerPairs } from '../transports/http/fetch-exchange.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { HttpEndpoint, type HttpEndpointOptions } from './http-endpoint.ts'
import { HttpGate } from './http-gate.ts'
import { documentAnswer } from './public-document.ts'
import { type Servable, service } from './service.ts'

export interface FetchHandlerOptions extends EngineOptions, HttpEndpointOptions {}

export interface FetchHandler {
  /**
   * Answers one request, whatever its path: where it is mounted is the framework's business. With OAuth, the paths
   * under `/.well-known/oauth-protected-resource` belong here too.
   */
  readonly fetch: (request: Request) => Promise<Response>
  /**
   * Lets running requests finish for `drainMs` (default 10,000) and ends sessions and streams. Idempotent.
   */
  close(drainMs?: number): Promise<void>
}

/**
 * Serves the MCP endpoint inside anything that speaks the Fetch standard: Hono, Fastify, Express with an adapter,
 * Bun, Deno, workers.
 *
 * @example
 * const mcp = createFetchHandler(server)
 * app.all('/mcp', (context) => mcp.fetch(context.req.raw))
 */
export function createFetchHandler(
  server: Servable,
  options: FetchHandlerOptions = {},
): FetchHandler {
  const engine = new Engine(server[service], options)
  const gate = new HttpGate(options, (error) => engine.service.onError(error, undefined))
  const endpoint = new HttpEndpoint(engine, gate, options)
  return {
    fetch: (request) => {
      const document = gate.document(new URL(request.url).pathname)
      if (document !== undefined) return Promise.resolve(toResponse(request.method, document))
      const exchange = new FetchExchange(request)
      endpoint.handle(exchange)
      return exchange.response
    },
    close: (drainMs = 10_000) => engine.close(drainMs),
  }
}

function toResponse(method: string, document: string): Response {
  const { status, headers, body } = documentAnswer(method, document)
  return new Response(status === 204 ? null : body, { status, headers: headerPairs(headers) })
}
