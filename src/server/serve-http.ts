import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { builtin } from '../internal/builtin.ts'
import { NodeExchange } from '../transports/http/node-exchange.ts'
import { loopbackHosts } from '../transports/http/origin-guard.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { HttpEndpoint, type HttpEndpointOptions } from './http-endpoint.ts'
import { type Servable, service } from './service.ts'

export interface ServeHttpOptions extends EngineOptions, HttpEndpointOptions {
  /** Default 8080; 0 takes a free one. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Paths of the MCP endpoint. Default `/mcp` and `/json-rpc`. */
  paths?: readonly string[]
  /** Milliseconds for which running requests may finish when the listener closes. Default 10,000. */
  drainMs?: number
}

export interface HttpListener {
  /** The URL of the endpoint, for instance `http://127.0.0.1:8080/mcp`. */
  readonly url: string
  readonly port: number
  /**
   * Takes no further connections, lets running requests finish for `drainMs`, ends streams and sessions. `/ready`
   * answers 503 meanwhile. Idempotent.
   */
  close(): Promise<void>
}

/** What is left of open connections when everything is answered gets this long to go. */
const lingerMs = 500

/**
 * Serves over Streamable HTTP, with `/health`, `/live` and `/ready` beside the endpoint.
 *
 * @throws the error of `listen`, for instance EADDRINUSE
 */
export async function serveHttp(
  server: Servable,
  options: ServeHttpOptions = {},
): Promise<HttpListener> {
  const {
    port = 8080,
    host = '127.0.0.1',
    paths = ['/mcp', '/json-rpc'],
    drainMs = 10_000,
  } = options
  const engine = new Engine(server[service], options)
  const endpoint = new HttpEndpoint(engine, { ...guardFor(host), ...options })
  const endpointPaths = new Set(paths)
  const startedAtMs = Date.now()

  const listener = builtin.http.createServer(
    {
      // A client has this long for its headers, and for the whole of its request (slowloris).
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // Longer than load balancers keep an idle connection, so that it is they who close it.
      keepAliveTimeout: 65_000,
      noDelay: true,
    },
    (request, response) => {
      const path = pathOf(request.url)
      if (endpointPaths.has(path)) endpoint.handle(new NodeExchange(request, response))
      else answerProbe(path, request, response, engine, startedAtMs)
    },
  )
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(port, host, resolve)
  })
  const address = listener.address() as AddressInfo

  let closing: Promise<void> | undefined
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}${paths[0] ?? '/'}`,
    port: address.port,
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    engine.isDraining = true
    const closed = new Promise((resolve) => listener.close(resolve))
    await engine.close(drainMs)
    listener.closeIdleConnections()
    const timer = setTimeout(() => listener.closeAllConnections(), lingerMs)
    await closed
    clearTimeout(timer)
  }
}

/** Whoever binds to the loopback interface is called by its names; other addresses have names that only their owner knows. */
function guardFor(host: string): HttpEndpointOptions {
  const isLoopback = loopbackHosts.includes(host) || host === '::1' || host.startsWith('127.')
  return { allowedHosts: isLoopback ? [...loopbackHosts, host] : ['*'] }
}

function pathOf(url = '/'): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** `/live`: the process runs. `/ready`: it takes requests. `/health`: both, with figures. */
function answerProbe(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  engine: Engine,
  startedAtMs: number,
): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const status = engine.isDraining ? 'draining' : 'ok'
  const { name, version } = engine.service.info
  if (isRead && path === '/live') sendJson(response, 200, { status: 'ok' })
  else if (isRead && path === '/ready')
    sendJson(response, engine.isDraining ? 503 : 200, { status })
  else if (isRead && path === '/health') {
    sendJson(response, engine.isDraining ? 503 : 200, {
      status,
      server: { name, version },
      uptimeSeconds: Math.floor((Date.now() - startedAtMs) / 1000),
      sessions: engine.sessions.size,
      requestsRunning: engine.running,
    })
  } else {
    request.resume()
    sendJson(response, 404, { error: 'Not found: the MCP endpoint is at /mcp' })
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const json = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
    'cache-control': 'no-store',
  })
  response.end(json)
}
