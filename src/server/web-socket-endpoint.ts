import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Server, WebSocketServer } from 'ws'
import { McpError } from '../protocol/errors.ts'
import { encodeError } from '../protocol/json-rpc.ts'
import type { AuthInfo } from '../protocol/types.ts'
import { clientCertificate } from '../transports/client-certificate.ts'
import type { ClientAddress } from '../transports/http/client-address.ts'
import type { HttpHeaders } from '../transports/http/exchange.ts'
import { addressOf } from '../transports/http/node-exchange.ts'
import { OwnedWebSocket, WebSocketChannel } from '../transports/web-socket-channel.ts'
import type { AuthRequest } from './authenticator.ts'
import { ChannelConnection } from './channel-connection.ts'
import type { Engine } from './engine.ts'
import { type HttpGate, rawResponse } from './http-gate.ts'

export interface WebSocketEndpointOptions {
  /** Default 4 MiB. */
  maxBodyBytes?: number
  /** Milliseconds between pings; a client that has not answered one when the next is due is cut off. Default 15,000. */
  keepAliveMs?: number
  /** Finds the client behind proxies; default: whoever is connected. */
  clientAddress?: ClientAddress
}

/** The subprotocol of MCP over WebSocket. A client that offers subprotocols must offer it. */
const subprotocol = 'mcp'

/** MCP over WebSocket: one JSON-RPC message a text frame, the connection is the session. */
export class WebSocketEndpoint {
  readonly #engine: Engine
  readonly #gate: HttpGate
  readonly #channels = new Map<WebSocketChannel, AuthInfo | undefined>()
  readonly #server: Server<typeof OwnedWebSocket>
  readonly #keepAliveMs: number
  readonly #clientAddress: ClientAddress | undefined
  #lastPingMs = Date.now()

  constructor(engine: Engine, gate: HttpGate, options: WebSocketEndpointOptions = {}) {
    this.#engine = engine
    this.#gate = gate
    this.#keepAliveMs = options.keepAliveMs ?? 15_000
    this.#clientAddress = options.clientAddress
    this.#server = new WebSocketServer({
      noServer: true,
      WebSocket: OwnedWebSocket,
      clientTracking: false,
      // Compressed frames would let a small message grow without bound in memory.
      perMessageDeflate: false,
      maxPayload: options.maxBodyBytes ?? 4 * 1024 * 1024,
      handleProtocols: () => subprotocol,
    })
    engine.sweep.add((nowMs) => this.#ping(nowMs))
  }

  get size(): number {
    return this.#channels.size
  }

  /** Answers a request to upgrade: with a connection, or with an HTTP error and the end of the socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const asked = authRequestOf(request, this.#clientAddress)
    const refuse = (thrown: unknown): void => {
      const { status, error } = this.#gate.explain(thrown, asked.remoteAddress)
      refuseUpgrade(socket, status, this.#gate.headersFor(status, error), error)
    }
    this.#gate.admit(
      asked,
      (authInfo) => {
        if (this.#engine.isDraining) throw new McpError('SHUTTING_DOWN')
        this.#engine.admission.requireCapacity()
        requireSubprotocol(request.headers['sec-websocket-protocol'])
        this.#server.handleUpgrade(request, socket, head, (webSocket) =>
          this.#open(webSocket, request.socket, authInfo, asked.remoteAddress),
        )
      },
      refuse,
    )
  }

  /** Ends all connections, with the code that says that the server goes away. */
  close(): void {
    for (const channel of this.#channels.keys()) channel.close()
  }

  /** Cuts the connections that have not closed by themselves. */
  terminate(): void {
    for (const channel of this.#channels.keys()) channel.terminate()
  }

  #open(
    webSocket: OwnedWebSocket,
    socket: Socket,
    authInfo: AuthInfo | undefined,
    remoteAddress: string | undefined,
  ): void {
    const { connections, deadLetters } = this.#engine
    connections.upgrade(socket, 'websocket')
    const forget = (): void => void this.#channels.delete(channel)
    const channel = new WebSocketChannel(
      webSocket,
      (each) => new ChannelConnection(this.#engine, each, authInfo, forget, remoteAddress),
      connections.nameOf(socket),
      deadLetters,
    )
    this.#channels.set(channel, authInfo)
  }

  #ping(nowMs: number): void {
    for (const [channel, authInfo] of this.#channels) {
      if (!this.#engine.isCurrent(authInfo, nowMs)) channel.refuse()
    }
    if (nowMs - this.#lastPingMs < this.#keepAliveMs) return
    this.#lastPingMs = nowMs
    for (const channel of this.#channels.keys()) channel.ping()
  }
}

function authRequestOf(
  request: IncomingMessage,
  clientAddress: ClientAddress | undefined,
): AuthRequest {
  return {
    method: 'GET',
    target: request.url ?? '',
    certificate: clientCertificate(request.socket),
    remoteAddress: addressOf(request, clientAddress),
    getHeader: (name) => request.headers[name] as string | undefined,
  }
}

function requireSubprotocol(offered: string | undefined): void {
  if (offered === undefined) return
  const names = offered.split(',').map((each) => each.trim())
  if (!names.includes(subprotocol)) {
    throw new McpError('INVALID_REQUEST', `Sec-WebSocket-Protocol must offer ${subprotocol}`)
  }
}

function refuseUpgrade(
  socket: Duplex,
  status: number,
  headers: HttpHeaders,
  error: McpError,
): void {
  const body = encodeError(undefined, error)
  socket.end(rawResponse(status, body, headers))
}
