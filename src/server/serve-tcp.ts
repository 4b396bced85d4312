import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { McpError } from '../protocol/errors.ts'
import { encodeError } from '../protocol/json-rpc.ts'
import type { AuthInfo } from '../protocol/types.ts'
import { clientCertificate } from '../transports/client-certificate.ts'
import { StreamChannel, type StreamChannelOptions } from '../transports/stdio/stream-channel.ts'
import { type AuthRequest, toAuthenticator } from './authenticator.ts'
import { ChannelConnection } from './channel-connection.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { listenAt } from './listen-at.ts'
import { networks } from './observer.ts'
import { type Servable, service } from './service.ts'
import { refuseUntrusted, setTls, tlsDefaults } from './tls.ts'

export interface ServeTcpOptions extends EngineOptions, StreamChannelOptions {
  /** Default 9090; 0 takes a free one. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Speaks TLS with these options of Node's `tls.createServer`; TLS 1.3 unless they say otherwise. Default: plain TCP. */
  tls?: TlsOptions
  /** Milliseconds for which running requests may finish when the listener closes. Default 10,000. */
  drainMs?: number
}

export interface TcpListener {
  readonly port: number
  /** Takes other certificates for connections to come; those that are open go on. @throws what is wrong with them */
  setTls(tls: SecureContextOptions): void
  /** Takes no further connections, lets running requests finish for `drainMs`, ends the rest. Idempotent. */
  close(): Promise<void>
}

/**
 * Serves over raw TCP: one JSON-RPC message a line, the connection is the session.
 *
 * @throws the error of `listen`, for instance EADDRINUSE
 */
export async function serveTcp(
  server: Servable,
  options: ServeTcpOptions = {},
): Promise<TcpListener> {
  const { port = 9090, host = '127.0.0.1', drainMs = 10_000 } = options
  const engine = new Engine(server[service], options)
  const open = new Map<Socket, ChannelConnection>()
  const { connections, deadLetters } = engine
  const accept = (socket: Socket): void => {
    if (!connections.open(socket, 'tcp')) {
      const refusal = encodeError(undefined, new McpError('TOO_MANY_CONNECTIONS'))
      connections.refuse(socket, `${refusal}\n`)
      return
    }
    try {
      engine.guard?.arrived?.(socket.remoteAddress)
    } catch {
      socket.destroy()
      return
    }
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 15_000)
    identify(engine, options.authenticate, socket, (authInfo) => start(socket, authInfo))
  }
  const start = (socket: Socket, authInfo: AuthInfo | undefined): void => {
    let connection: ChannelConnection | undefined
    const channel = new StreamChannel(
      socket,
      socket,
      (each) => {
        connection = new ChannelConnection(
          engine,
          each,
          { authInfo, remoteAddress: socket.remoteAddress, network: networks.tcp },
          () => {
            channel.close()
            // Once what was written has gone out. Waiting for the client to end its side could take for ever.
            socket.destroySoon()
          },
        )
        return connection
      },
      options,
      { name: connections.nameOf(socket), deadLetters },
    )
    if (connection !== undefined) open.set(socket, connection)
    socket.once('close', () => open.delete(socket))
  }
  const listener = await listen(options.tls, accept, port, host)
  listener.maxConnections = connections.hardMax
  engine.sweep.add((nowMs) => {
    for (const [socket, connection] of open) {
      if (!engine.isCurrent(connection.authInfo, nowMs)) socket.destroy()
    }
  })

  let closing: Promise<void> | undefined
  return {
    port: (listener.address() as AddressInfo).port,
    setTls: (tls) => setTls(listener, tls),
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    const closed = new Promise((resolve) => listener.close(resolve))
    await engine.close(drainMs)
    for (const connection of open.values()) connection.closed()
    const timer = setTimeout(() => {
      for (const socket of open.keys()) socket.destroy()
    }, 500)
    await closed
    clearTimeout(timer)
  }
}

/** Finds out who is on a connection before it may say anything. There are no headers: only its certificate speaks. */
function identify(
  engine: Engine,
  hook: EngineOptions['authenticate'],
  socket: Socket,
  enter: (authInfo: AuthInfo | undefined) => void,
): void {
  if (hook === undefined) {
    enter(undefined)
    return
  }
  const request: AuthRequest = {
    method: 'CONNECT',
    target: '',
    remoteAddress: socket.remoteAddress,
    certificate: clientCertificate(socket),
    getHeader: () => undefined,
  }
  // Until then nobody listens for it, and the connection of a client that goes away must not end the process.
  socket.on('error', () => {})
  const refuse = (thrown: unknown): void => {
    if (!(thrown instanceof McpError)) engine.service.onError(thrown, undefined)
    const error = thrown instanceof McpError ? thrown : new McpError('INTERNAL_ERROR')
    engine.observer?.identified(error)
    socket.end(`${encodeError(undefined, error)}\n`, () => socket.destroySoon())
  }
  const decide = (authInfo: AuthInfo | undefined): void => {
    if (authInfo === undefined) refuse(new McpError('UNAUTHORIZED'))
    else if (!socket.destroyed) {
      engine.observer?.identified(undefined)
      enter(authInfo)
    }
  }
  // The order of what was said is kept: nothing is read before someone listens.
  new Promise<AuthInfo | undefined>((resolve) => {
    resolve(toAuthenticator(hook).authenticate(request))
  }).then(decide, refuse)
}

async function listen(
  tls: TlsOptions | undefined,
  accept: (socket: Socket) => void,
  port: number,
  host: string,
): Promise<NetServer> {
  const listener =
    tls === undefined
      ? createServer(accept)
      : (await import('node:tls')).createServer(
          { handshakeTimeout: 10_000, ...tlsDefaults(tls) },
          accept,
        )
  if (tls !== undefined) refuseUntrusted(listener)
  await listenAt(listener, { port, host })
  return listener
}
