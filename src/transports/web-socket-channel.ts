import type { RawData, WebSocket } from 'ws'
import { McpError } from '../protocol/errors.ts'
import type { Channel, ChannelListener } from './channel.ts'

/** Bytes that may wait to be read by the client before it is cut off. */
const maxWaitingBytes = 16 * 1024 * 1024
/** RFC 6455, 7.4.1: the endpoint is going away. */
const goingAway = 1001
/** RFC 6455, 7.4.1: the other side may not go on. */
const policyViolation = 1008

/** One message a text frame over a WebSocket. */
export class WebSocketChannel implements Channel {
  readonly #webSocket: WebSocket
  /** The last ping has been answered. */
  #isAlive = true

  /** @param listen - makes the listener; called once, with this channel */
  constructor(webSocket: WebSocket, listen: (channel: Channel) => ChannelListener) {
    this.#webSocket = webSocket
    const listener = listen(this)
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      // What comes while we close is from a client that we no longer answer.
      if (webSocket.readyState !== webSocket.OPEN) return
      if (isBinary) {
        listener.fault(new McpError('INVALID_REQUEST', 'Invalid request: messages are text frames'))
      } else listener.message(data.toString())
    })
    webSocket.on('pong', () => {
      this.#isAlive = true
    })
    // A frame that breaks RFC 6455 closes the connection with the code for it; there is nothing more to do.
    webSocket.on('error', () => {})
    webSocket.once('close', () => listener.closed())
  }

  send(message: string | Uint8Array): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return
    this.#webSocket.send(message, { binary: false })
    if (this.#webSocket.bufferedAmount > maxWaitingBytes) this.#webSocket.terminate()
  }

  close(): void {
    this.#webSocket.close(goingAway)
  }

  /** Ends the connection of a client whose credentials are no longer valid. */
  refuse(): void {
    this.#webSocket.close(policyViolation, 'The credentials are no longer valid')
  }

  terminate(): void {
    this.#webSocket.terminate()
  }

  /** Asks for a sign of life; without one since the last time, the connection is cut. */
  ping(): void {
    if (!this.#isAlive) {
      this.#webSocket.terminate()
      return
    }
    this.#isAlive = false
    this.#webSocket.ping()
  }
}
