import type {
  Server as HttpServer,
  IncomingMessage,
  RequestListener,
  ServerOptions,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { builtin } from '../internal/builtin.ts'
import { McpError } from '../protocol/errors.ts'
import { encodeError } from '../protocol/json-rpc.ts'
import type { Storage } from '../storage/storage.ts'
import { clientAddressThrough } from '../transports/http/client-address.ts'
import { serveDirectly } from '../transports/http/direct/serve-directly.ts'
import { NodeExchange } from '../transports/http/node-exchange.ts'
import { loopbackHosts } from '../transports/http/origin-guard.ts'
import { toAuthenticator } from './authenticator.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { HttpEndpoint, type HttpEndpointOptions } from './http-endpoint.ts'
import { HttpGate, rawResponse } from './http-gate.ts'
import { LegacySseEndpoint } from './legacy-sse-endpoint.ts'
import { listenAt } from './listen-at.ts'
import { answerProbe } from './probes.ts'
import { sendDocument } from './public-document.ts'
import type { NeighbourListener } from './serve-neighbours.ts'
import { type Servable, service } from './service.ts'
import { refuseUntrusted, setTls, tlsDefaults } from './tls.ts'
import type { WebSocketEndpoint, WebSocketEndpointOptions } from './web-socket-endpoint.ts'

export interface ServeHttpOptions extends EngineOptions, HttpEndpointOptions {
  /** Default 8080; 0 takes a free one. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Paths of the MCP endpoint. Default `/mcp` and `/json-rpc`. */
  paths?: readonly string[]
  /** Path at which WebSockets are accepted, for instance `/ws`. Default: none. */
  webSocketPath?: string
  /**
   * Serves the HTTP with SSE transport of 2024-11-05 too, at `/sse` and `/messages`. Default false.
   *
   * @deprecated by the specification since 2025-03-26: clients should move to Streamable HTTP
   */
  legacySse?: boolean
  /**
   * Speaks HTTPS and WSS with these options of Node's `tls.createServer`; TLS 1.3 unless `minVersion` says otherwise.
   * Default: plain HTTP. `tsmcp/security` reads them from files.
   */
  tls?: TlsOptions
  /**
   * Proxies whose word on the client's address is taken (`Forwarded`, `X-Forwarded-For`): addresses, networks such as
   * `10.0.0.0/8`, or `loopback`. Default: none.
   */
  trustedProxies?: readonly string[]
  /** Milliseconds that a client has for the headers of a request. Default 10,000. */
  headersTimeoutMs?: number
  /** Milliseconds that a client has for a whole request. Default 30,000. */
  requestTimeoutMs?: number
  /** Milliseconds for which running requests may finish when the listener closes. Default 10,000. */
  drainMs?: number
  /**
   * Folder in which sessions, their events and tasks are kept, so that they outlive the process. Default: none, they
   * are in memory. Several processes may serve the same folder: each of them then answers any request.
   */
  data?: string
  /** Whether what is kept outlives only the process, or the machine's loss of power too. Default `process`. */
  dataSurvives?: 'process' | 'power'
}

export interface HttpListener {
  /** The URL of the endpoint, for instance `http://127.0.0.1:8080/mcp`. */
  readonly url: string
  readonly port: number
  /** Takes other certificates for connections to come; those that are open go on. @throws what is wrong with them */
  setTls(tls: SecureContextOptions): void
  /**
   * Takes no further connections, lets running requests finish for `drainMs`, ends streams and sessions. `/ready`
   * answers 503 meanwhile. Idempotent.
   */
  close(): Promise<void>
}

/** What is left of open connections when everything is answered gets this long to go. */
const lingerMs = 500
/** Longer than load balancers keep an idle connection, so that it is they who close it. */
const keepAliveTimeoutMs = 65_000
const ssePath = '/sse'
const messagePath = '/messages'

/**
 * Serves over Streamable HTTP, with `/health`, `/live` and `/ready` beside the endpoint, and over WebSocket and HTTP
 * with SSE where they are switched on.
 *
 * @throws the error of `listen`, for instance EADDRINUSE, or a StorageError when the data folder cannot be used
 */
export async function serveHttp(
  server: Servable,
  options: ServeHttpOptions = {},
): Promise<HttpListener> {
  const { port = 8080, host = '127.0.0.1', drainMs = 10_000 } = options
  const { paths = ['/mcp', '/json-rpc'], webSocketPath, trustedProxies = [] } = options
  // A client that dawdles holds a connection, and many such all of them (slowloris).
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = options
  const clientAddress =
    trustedProxies.length === 0 ? undefined : clientAddressThrough(trustedProxies)
  const storage = options.data === undefined ? undefined : await openStorage(server, options)
  const engine = new Engine(server[service], options, storage)
  const gate = new HttpGate({ ...guardFor(host), ...options }, (error) =>
    engine.service.onError(error, undefined),
  )
  const endpoint = new HttpEndpoint(engine, gate, options)
  const endpointPaths = new Set(paths)
  const legacySse = options.legacySse
    ? new LegacySseEndpoint(engine, gate, messagePath, options)
    : undefined
  const webSockets =
    webSocketPath === undefined
      ? undefined
      : await openWebSockets(engine, gate, { ...options, ...(clientAddress && { clientAddress }) })
  const startedAtMs = Date.now()

  const listener = createListener(
    options.tls,
    {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(5000, headersTimeoutMs),
      keepAliveTimeout: keepAliveTimeoutMs,
      noDelay: true,
      // Whatever NODE_OPTIONS say: what two programs read in two ways is how requests are smuggled.
      insecureHTTPParser: false,
      // A header that is there twice is the wrong value, rather than the one of them that a proxy did not look at.
      joinDuplicateHeaders: true,
    },
    (request, response) => {
      const path = pathOf(request.url)
      const document = gate.document(path)
      const exchange = (): NodeExchange => new NodeExchange(request, response, clientAddress)
      if (document !== undefined) sendDocument(request, response, document)
      else if (endpointPaths.has(path)) endpoint.handle(exchange())
      else if (legacySse !== undefined && path === ssePath) legacySse.open(exchange())
      else if (legacySse !== undefined && path === messagePath) {
        legacySse.post(exchange(), queryOf(request.url).get('sessionId'))
      } else answerProbe(path, request, response, engine, startedAtMs)
    },
  )
  if (webSockets !== undefined) {
    listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (pathOf(request.url) === webSocketPath) webSockets.upgrade(request, socket, head)
      else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
    })
  }
  const direct = serveDirectly(listener, {
    accepts: (path) => endpointPaths.has(path),
    handle: (exchange) => endpoint.handle(exchange),
    keepAliveTimeoutMs,
    requestTimeoutMs,
    clientAddress,
  })
  limitConnections(listener, engine)
  // Before all others, and those have been put in place by now.
  if (options.tls !== undefined) refuseUntrusted(listener)
  engine.sweep.add((nowMs) => direct.sweep(nowMs))
  let neighbours: NeighbourListener | undefined
  try {
    if (storage !== undefined) {
      share(server, storage, options)
      const { meetNeighbours } = await import('./serve-neighbours.ts')
      neighbours = await meetNeighbours(storage, engine, gate, endpoint, legacySse)
    }
    await listenAt(listener, { port, host })
  } catch (error) {
    await neighbours?.close()
    await engine.close(0)
    await storage?.close()
    throw error
  }
  const address = listener.address() as AddressInfo

  let closing: Promise<void> | undefined
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${address.port}${paths[0] ?? '/'}`,
    port: address.port,
    setTls: (tls) => setTls(listener, tls),
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    engine.isDraining = true
    const closed = new Promise((resolve) => listener.close(resolve))
    direct.close()
    await engine.close(drainMs)
    legacySse?.close()
    webSockets?.close()
    listener.closeIdleConnections()
    const timer = setTimeout(() => {
      listener.closeAllConnections()
      direct.destroy()
      webSockets?.terminate()
    }, lingerMs)
    await closed
    clearTimeout(timer)
    await neighbours?.close()
    await storage?.close()
  }
}

/** The database is loaded only where something is to be kept. */
async function openStorage(
  server: Servable,
  { data = '', dataSurvives }: ServeHttpOptions,
): Promise<Storage> {
  const { Storage } = await import('../storage/storage.ts')
  return Storage.open(data, {
    ...(dataSurvives !== undefined && { survives: dataSurvives }),
    onProblem: (problem) => server[service].onError(problem, undefined),
  })
}

/** What clients carry on from round to round, and prove, is good once with all that serve the folder. */
function share(server: Servable, storage: Storage, options: ServeHttpOptions): void {
  const { stateSecret, authenticate } = options
  const { requestState } = server[service]
  if (stateSecret === undefined) {
    requestState.useSecret(Buffer.from(storage.secret).toString('base64url'))
  }
  requestState.rememberIn(storage.used)
  if (authenticate !== undefined) toAuthenticator(authenticate).share?.(storage)
}

/** Lets the HTTP server see only the sockets for which there is room; the others are told so. */
function limitConnections(listener: HttpServer, { connections }: Engine): void {
  listener.maxConnections = connections.hardMax
  const accept = listener.listeners('connection')
  listener.removeAllListeners('connection')
  listener.on('connection', (socket: Socket) => {
    if (connections.open(socket, 'http')) for (const each of accept) each.call(listener, socket)
    else {
      const error = new McpError('TOO_MANY_CONNECTIONS')
      connections.refuse(socket, rawResponse(error.httpStatus(), encodeError(undefined, error)))
    }
  })
}

function createListener(
  tls: TlsOptions | undefined,
  options: ServerOptions,
  answer: RequestListener,
): HttpServer {
  return tls === undefined
    ? builtin.http.createServer(options, answer)
    : builtin.https.createServer({ ...options, ...tlsDefaults(tls) }, answer)
}

/** The library is loaded only where WebSockets are wanted. */
async function openWebSockets(
  engine: Engine,
  gate: HttpGate,
  options: WebSocketEndpointOptions,
): Promise<WebSocketEndpoint> {
  const { WebSocketEndpoint } = await import('./web-socket-endpoint.ts')
  return new WebSocketEndpoint(engine, gate, options)
}

/** Whoever binds to the loopback interface is called by its names; other addresses have names that only their owner knows. */
function guardFor(host: string): HttpEndpointOptions {
  const isLoopback = loopbackHosts.includes(host) || host === '::1' || host.startsWith('127.')
  return { allowedHosts: isLoopback ? [...loopbackHosts, host] : ['*'] }
}

function pathOf(url = '/'): string {
  // A target may be a whole URL (RFC 9112, 3.2.2).
  if (!url.startsWith('/')) return URL.canParse(url) ? new URL(url).pathname : url
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function queryOf(url = '/'): URLSearchParams {
  return new URL(url, 'http://localhost').searchParams
}
