import { type RawData, WebSocket } from 'ws'
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

const limits = { maxBytes: maxWaitingBytes }

/** Who hears what happens to a WebSocket. */
interface WebSocketOwner {
  received(data: RawData, isBinary: boolean): void
  ponged(): void
  closed(): void
}

/**
 * A WebSocket that tells its one owner straight. Listeners would be more than a kilobyte for each of very many sockets.
 */
export class OwnedWebSocket extends WebSocket {
  owner: WebSocketOwner | undefined

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    const { owner } = this
    switch (event) {
      case 'message':
        owner?.received(values[0] as RawData, values[1] === true)
        break
      case 'pong':
        owner?.ponged()
        break
      case 'close':
        owner?.closed()
        break
      // A frame that breaks RFC 6455 is an `error`: it closes the connection with the code for it, and nothing is left to do.
    }
    return true
  }
}

/** One message a text frame over a WebSocket. */
export class WebSocketChannel implements Channel, OutboundSink, WebSocketOwner {
  readonly #webSocket: OwnedWebSocket
  readonly #listener: ChannelListener
  readonly #outbound: Outbound
  /** The client has answered the last ping, or read something since. */
  #isAlive = true

  /**
   * @param listen - makes the listener; called once, with this channel
   * @param name - what dead letters call the connection
   */
  constructor(
    webSocket: OwnedWebSocket,
    listen: (channel: Channel) => ChannelListener,
    name = 'unknown',
    deadLetters?: DeadLetterOffice,
  ) {
    this.#webSocket = webSocket
    this.#outbound = new Outbound(this, limits, name, deadLetters)
    this.#listener = listen(this)
    webSocket.owner = this
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

  // The owner of the WebSocket.

  received(data: RawData, isBinary: boolean): void {
    // What comes while we close is from a client that we no longer answer.
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return
    if (isBinary) {
      const error = new McpError('INVALID_REQUEST', 'Invalid request: messages are text frames')
      this.#listener.fault(error)
    } else this.#listener.message(data.toString())
  }
  ponged(): void {
    this.#isAlive = true
  }
  closed(): void {
    this.#outbound.close()
    this.#listener.closed()
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
