import { connect, type Socket } from 'node:net'
import { type Reply, ReplyReader } from './reply.ts'

/**
 * All connections read into this one buffer: its bytes become a string before the next read. With
 * it the sockets bypass the stream machinery, which leaves the generator time to saturate a server.
 */
const shared = Buffer.allocUnsafe(256 * 1024)

/** One keep-alive connection with at most one request in flight. */
export class Connection {
  readonly #socket: Socket
  readonly #reader = new ReplyReader()
  #isClosed = false
  onReply: (reply: Reply) => void = () => {}
  onFailure: (reason: string) => void = () => {}

  constructor(port: number) {
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length) => {
          this.#read(shared.toString('latin1', 0, length))
          return true
        },
      },
    })
    this.#socket.on('error', (error) => this.#fail(error.message))
    this.#socket.on('close', () => this.#fail('the server closed the connection'))
  }

  write(request: string): void {
    this.#socket.write(request, 'latin1')
  }

  /** Sends one request and waits for its reply. */
  exchange(request: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.onReply = resolve
      this.onFailure = (reason) => reject(new Error(reason))
      this.write(request)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #read(text: string): void {
    try {
      const reply = this.#reader.push(text)
      if (reply) this.onReply(reply)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  #fail(reason: string): void {
    if (this.#isClosed) return
    this.close()
    this.onFailure(reason)
  }
}
