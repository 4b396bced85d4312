import type { Channel } from '../transports/channel.ts'
import type { ClientTransport } from '../transports/client-transport.ts'
import { ChannelConnection, sameProcess } from './channel-connection.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { responseText } from './reply.ts'
import { type Servable, service } from './service.ts'

/**
 * Connects to a server in the same process, through the same codec that other transports use.
 *
 * @example
 * await client.connect(connectInMemory(server))
 */
export function connectInMemory(server: Servable, options: EngineOptions = {}): ClientTransport {
  const engine = new Engine(server[service], options)
  let isClosed = false
  const channel: Channel = {
    send: (message) => {
      const parsed: unknown = JSON.parse(responseText(message))
      // Never within the call that caused it: a real peer is not that near.
      queueMicrotask(() => {
        if (!isClosed) transport.onmessage?.(parsed)
      })
    },
    close: () => {},
  }
  const connection = new ChannelConnection(engine, channel, sameProcess, () => {
    void transport.close()
  })
  const transport: ClientTransport = {
    start: () => Promise.resolve(),
    send: async (message) => {
      if (isClosed) throw new Error('The connection is closed')
      connection.message(JSON.stringify(message))
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      connection.closed()
      await engine.close(0)
      transport.onclose?.()
    },
  }
  return transport
}
