import type { RawData, WebSocket } from 'ws'
import { McpError } from '../protocol/errors.ts'
import type { DeadLetterOffice } from '../queue/dead-letters.ts'
import { Outbound, type OutboundMetrics, type OutboundSink } from '../queue/outbound.ts'
import type { Channel, ChannelListener } from './channel.ts'

/** Bytes that may wait to be read by the client before it is cut off. */
const maxWaitingBytes = 16 * 1024 * 1024
/** Bytes that are handed to the socket ahead of time. */
const socketBytes = 64 * 1024
/** RFC 6455, 7.4.1: the endpoint is going away. */
const goingAway = 1001
/** RFC 6455, 7.4.1: the other side may not go on. */
const policyViolation = 1008

/** One message a text frame over a WebSocket. */
export class WebSocketChannel implements Channel, OutboundSink {
  readonly #webSocket: WebSocket
  readonly #outbound: Outbound
  /** The client has answered the last ping, or read something since. */
  #isAlive = true

  /**
   * @param listen - makes the listener; called once, with this channel
   * @param name - what dead letters call the connection
   */
  constructor(
    webSocket: WebSocket,
    listen: (channel: Channel) => ChannelListener,
    name = 'unknown',
    deadLetters?: DeadLetterOffice,
  ) {
    this.#webSocket = webSocket
    this.#outbound = new Outbound(this, { maxBytes: maxWaitingBytes }, name, deadLetters)
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
    webSocket.once('close', () => {
      this.#outbound.close()
      listener.closed()
    })
  }

  get metrics(): OutboundMetrics {
    return this.#outbound.metrics
  }

  send(message: string | Uint8Array): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#outbound.send(message)
  }

  close(): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#outbound.close(true)
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
    // The answer of a client that is not read from would not be seen; that it reads is sign enough.
    if (!this.#webSocket.isPaused) this.#webSocket.ping()
  }

  // The sink of what is sent.

  write(message: string | Uint8Array): boolean {
    const webSocket = this.#webSocket
    const options = { binary: false }
    if (webSocket.bufferedAmount + message.length <= socketBytes) {
      webSocket.send(message, options)
      return true
    }
    // Called when this message, and so all before it, has gone to the network.
    webSocket.send(message, options, (error) => {
      if (error) return
      this.#isAlive = true
      this.#outbound.drained()
    })
    return false
  }

  cut(): void {
    this.#webSocket.terminate()
  }
  pause(): void {
    this.#webSocket.pause()
  }
  resume(): void {
    this.#webSocket.resume()
  }
}
