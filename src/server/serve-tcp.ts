import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { McpError } from '../protocol/errors.ts'
import { encodeError } from '../protocol/json-rpc.ts'
import { StreamChannel, type StreamChannelOptions } from '../transports/stdio/stream-channel.ts'
import { ChannelConnection } from './channel-connection.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { type Servable, service } from './service.ts'

export interface ServeTcpOptions extends EngineOptions, StreamChannelOptions {
  /** Default 9090; 0 takes a free one. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Speaks TLS with these options of Node's `tls.createServer`. Default: plain TCP. */
  tls?: TlsOptions
  /** Milliseconds for which running requests may finish when the listener closes. Default 10,000. */
  drainMs?: number
}

export interface TcpListener {
  readonly port: number
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
    let connection: ChannelConnection | undefined
    const channel = new StreamChannel(
      socket,
      socket,
      (each) => {
        connection = new ChannelConnection(
          engine,
          each,
          undefined,
          () => {
            channel.close()
            // Once what was written has gone out. Waiting for the client to end its side could take for ever.
            socket.destroySoon()
          },
          socket.remoteAddress,
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

  let closing: Promise<void> | undefined
  return {
    port: (listener.address() as AddressInfo).port,
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
          { minVersion: 'TLSv1.3', handshakeTimeout: 10_000, ...tls },
          accept,
        )
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(port, host, resolve)
  })
  return listener
}
