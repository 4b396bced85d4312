import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientAddress } from '../client-address.ts'
import { DirectConnection, type DirectServer } from './connection.ts'
import type { DirectExchange } from './exchange.ts'

export interface DirectOptions {
  /** Whether requests to that path are answered here; others are Node's. */
  accepts(path: string): boolean
  handle(exchange: DirectExchange): void
  /** Milliseconds for which an idle connection is kept. */
  readonly keepAliveTimeoutMs: number
  /** Milliseconds in which a request must have arrived whole. */
  readonly requestTimeoutMs: number
  /** Finds the client behind proxies; default: whoever is connected. */
  readonly clientAddress?: ClientAddress | undefined
}

/** The part of a listener's connections that Node's HTTP server does not know of. */
export interface DirectConnections {
  /** Ends what is idle or has been so for too long. To be called every now and then. */
  sweep(nowMs: number): void
  /** Ends idle connections, and the others after their response. */
  close(): void
  /** Ends all connections at once. */
  destroy(): void
  readonly size: number
}

const connectionOf: unique symbol = Symbol('direct connection')
interface DirectSocket extends Socket {
  [connectionOf]?: DirectConnection | undefined
}

/**
 * Answers plain requests straight from the sockets of an HTTP server, and leaves to it what is not plain.
 *
 * Node's HTTP server makes some ten objects for a request and reads its head into all of them. Most requests of MCP
 * are one small POST, whole in one piece, with the same headers as the one before: to see that, and to answer with one
 * write, takes half of the time, and an open stream that is only a socket a third of the memory (docs/performance.md).
 * The connection goes to Node's server, with all that was read of it, at the first request that is anything else.
 */
export function serveDirectly(listener: HttpServer, options: DirectOptions): DirectConnections {
  const { accepts, handle, keepAliveTimeoutMs, requestTimeoutMs } = options
  const connections = new Set<DirectConnection>()
  // A server over TLS takes its connections when they have become secure.
  const event = listener.listenerCount('secureConnection') > 0 ? 'secureConnection' : 'connection'
  const nodeListeners = listener.listeners(event)
  listener.removeAllListeners(event)

  const server: DirectServer & { isClosing: boolean } = {
    isClosing: false,
    keepAliveHeader: `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n`,
    accepts,
    handle,
    clientAddress: options.clientAddress,
    handOver: (connection, unread) => {
      const { socket } = connection
      forget(socket, connection)
      socket.pause()
      socket.unshift(unread)
      for (const accept of nodeListeners) accept.call(listener, socket)
      socket.resume()
    },
  }

  // One function for all sockets: an idle connection is to be small.
  function onData(this: DirectSocket, chunk: Buffer): void {
    this[connectionOf]?.receive(chunk)
  }
  /** As with Node's server, a client that will send no more has gone. */
  function onEnd(this: DirectSocket): void {
    this.end()
  }
  function onClose(this: DirectSocket): void {
    const connection = this[connectionOf]
    if (connection === undefined) return
    connections.delete(connection)
    connection.closed()
  }
  function forget(socket: DirectSocket, connection: DirectConnection): void {
    connections.delete(connection)
    // Not deleted: an object of which something is deleted becomes a table, and takes a kilobyte more.
    socket[connectionOf] = undefined
    socket.off('data', onData).off('end', onEnd).off('close', onClose).off('error', ignore)
  }

  listener.on(event, (socket: DirectSocket) => {
    const connection = new DirectConnection(socket, server)
    socket[connectionOf] = connection
    connections.add(connection)
    socket.on('data', onData).on('end', onEnd).on('close', onClose).on('error', ignore)
  })

  return {
    sweep: (nowMs) => {
      for (const connection of connections) {
        if (connection.isBusy) continue
        const quietMs = nowMs - connection.quietSinceMs
        if (connection.isReceiving) {
          if (quietMs >= requestTimeoutMs) refuseLate(connection.socket)
        } else if (quietMs >= keepAliveTimeoutMs) connection.socket.destroy()
        else connection.rest()
      }
    },
    close: () => {
      server.isClosing = true
      // The first request of a new connection may be on its way: it is answered, and is the last.
      for (const { isIdle, socket } of connections) if (isIdle) socket.destroy()
    },
    destroy: () => {
      for (const { socket } of connections) socket.destroy()
    },
    get size() {
      return connections.size
    },
  }
}

/** The `close` that follows says all. */
function ignore(): void {
  // Nothing is left to be done for a connection that broke.
}

function refuseLate(socket: Socket): void {
  socket.end('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n')
  socket.destroySoon()
}
