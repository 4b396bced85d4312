import type { AuthInfo } from '../protocol/types.ts'
import type { Channel, ChannelListener } from '../transports/channel.ts'
import { ChannelConnection } from './channel-connection.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { networks } from './observer.ts'
import { type Servable, service } from './service.ts'

export interface ChannelHandler {
  /**
   * Takes a new client, on a transport of your own: anything that carries JSON-RPC messages as text, in order, both
   * ways. The connection is the session of a client that opens one; stateless requests may come on it at any time.
   *
   * @param channel - sends to the client; `close` is called when the client is given up
   * @param authInfo - who the transport has found the client to be
   * @returns who is to be told what arrives, and when the client has gone
   */
  connect(channel: Channel, authInfo?: AuthInfo): ChannelListener
  /** Lets running requests finish for `drainMs` (default 10,000) and ends all connections. Idempotent. */
  close(drainMs?: number): Promise<void>
}

/**
 * Serves over a transport of your own.
 *
 * @example
 * const handler = createChannelHandler(server)
 * const client = handler.connect({ send: (text) => port.postMessage(text), close: () => port.close() })
 * port.on('message', (text) => client.message(text))
 * port.on('close', () => client.closed())
 */
export function createChannelHandler(
  server: Servable,
  options: EngineOptions = {},
): ChannelHandler {
  const engine = new Engine(server[service], options)
  const open = new Map<ChannelConnection, Channel>()
  let closing: Promise<void> | undefined
  return {
    connect: (channel, authInfo) => {
      const origin = { authInfo, remoteAddress: undefined, network: networks.other }
      const connection = new ChannelConnection(engine, channel, origin, () => {
        open.delete(connection)
      })
      open.set(connection, channel)
      return connection
    },
    close: (drainMs = 10_000) => {
      closing ??= engine.close(drainMs).then(() => {
        for (const [connection, channel] of open) {
          connection.closed()
          channel.close()
        }
      })
      return closing
    },
  }
}
