import type { McpError } from '../protocol/errors.ts'

/** A connection that carries messages both ways: stdio, a socket, two ends in one process. */
export interface Channel {
  /** Sends one message. Does nothing when the connection is closed. */
  send(message: string | Uint8Array): void
  close(): void
}

/** Who hears what arrives on a channel. */
export interface ChannelListener {
  /** The text of one message. */
  message(text: string): void
  /** Something arrived that is no message: too long, or not UTF-8. */
  fault(error: McpError): void
  /** The other side has gone; called once. */
  closed(): void
}
