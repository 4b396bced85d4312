import { McpError } from '../../protocol/errors.ts'
import { defaultJsonBounds, parseJson } from '../../protocol/json-text.ts'
import type { Channel, ChannelListener } from '../../transports/channel.ts'
import type { CloseReason, Link, LinkListener, Outgoing } from '../link.ts'

/** A link over one connection that carries messages both ways: stdio, sockets, WebSockets, a server in this process. */
export class ChannelLink implements Link, ChannelListener {
  readonly hasOwnStreams = false
  readonly #listener: LinkListener
  readonly #maxMessageBytes: number
  #channel: Channel | undefined
  #isClosed = false
  /** Ends what the channel belongs to: the process, the engine. */
  readonly #end: () => Promise<void>

  constructor(listener: LinkListener, maxMessageBytes: number, end: () => Promise<void>) {
    this.#listener = listener
    this.#maxMessageBytes = maxMessageBytes
    this.#end = end
  }

  set channel(channel: Channel) {
    this.#channel = channel
  }

  send(text: string, _message: Outgoing): void {
    if (this.#channel === undefined || this.#isClosed) throw new McpError('CONNECTION_FAILED')
    this.#channel.send(text)
  }

  abandon(): void {}
  negotiated(): void {}
  listen(): void {}

  async close(): Promise<void> {
    this.over({ kind: 'closed', message: 'The connection was closed' })
    this.#channel?.close()
    await this.#end()
  }

  /** The connection is over. */
  over(reason: CloseReason): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener.closeWith(reason)
  }

  // What arrives on the channel.

  message(text: string): void {
    if (this.#isClosed) return
    let value: unknown
    try {
      value = parseJson(text, { ...defaultJsonBounds, maxStringLength: this.#maxMessageBytes })
    } catch {
      // Something else than messages is a mistake of the server, and no reason to end.
      return
    }
    this.#listener.message(value, undefined)
  }

  fault(): void {}

  closed(): void {
    this.over({ kind: 'lost', message: 'The server has closed the connection' })
  }
}
