import type { ConnectionOptions } from 'node:tls'
import type { Servable } from '../server/service.ts'
import type { Channel, ChannelListener } from '../transports/channel.ts'
import type { StdioChildOptions } from '../transports/stdio/child-process.ts'
import type { HttpAuth } from './http-auth.ts'

/** A server at a URL. */
export interface UrlTarget {
  /** `http:` and `https:`, `ws:` and `wss:`, `tcp:` and `tls:` (`tcp://127.0.0.1:9090`). */
  readonly url: string | URL
  /** Headers of each HTTP request, and of the one that opens a WebSocket. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * How an `http` or `https` URL is spoken to. Default: Streamable HTTP, and where there is none the HTTP with SSE of
   * 2024-11-05.
   */
  readonly transport?: 'http' | 'sse'
  /** Credentials that have to be found or renewed; fixed ones are headers. Only for HTTP. */
  readonly auth?: HttpAuth
  /** For `https`, `wss` and `tls`: authorities, a certificate of the client's own and the like. */
  readonly tls?: ConnectionOptions
}

/** A server that is started as a child process and spoken to over stdio. */
export type CommandTarget = StdioChildOptions

/** A server on a connection that carries messages already. */
export interface ChannelTarget {
  /** Opens the connection: gives its way out, and tells the listener what comes in. */
  channel(listener: ChannelListener): Channel | Promise<Channel>
}

/** What {@link openPeer} connects to. */
export type Target = UrlTarget | CommandTarget | ChannelTarget | Servable
