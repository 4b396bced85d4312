import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A network between clients and a server that breaks connections after so many bytes of the server's. */
export class BadNetwork {
  readonly #listener: Server
  readonly #target: number
  /**
   * Bytes until the next connection breaks; undefined for one that holds. They count from the first event of an event
   * stream: a client that has seen none has nothing to come back with.
   */
  nextBudget: () => { bytes: number | undefined; fromFirstEvent: boolean } = () => ({
    bytes: undefined,
    fromFirstEvent: false,
  })
  /** Connections that were broken. */
  cuts = 0

  constructor(target: number) {
    this.#target = target
    this.#listener = createServer((socket) => this.#carry(socket))
  }

  /** @returns the port at which clients find the server */
  async open(t: TestContext): Promise<number> {
    this.#listener.listen(0, '127.0.0.1')
    await once(this.#listener, 'listening')
    t.after(() => this.#listener.close())
    return (this.#listener.address() as AddressInfo).port
  }

  #carry(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    const { bytes = Number.POSITIVE_INFINITY, fromFirstEvent } = this.nextBudget()
    let left = bytes
    let isCounting = !fromFirstEvent
    let before = ''
    client.on('error', () => server.destroy())
    client.on('close', () => server.destroy())
    client.pipe(server)
    server.on('error', () => client.destroy())
    server.on('close', () => client.end())
    server.on('data', (chunk: Buffer) => {
      if (left === 0) return
      let free = 0
      if (!isCounting) {
        before += chunk.toString('latin1')
        const end = before.indexOf('\n\n')
        isCounting = end >= 0
        free = isCounting ? chunk.length - (before.length - end - 2) : chunk.length
      }
      const part = chunk.subarray(0, free + left)
      left -= part.length - free
      client.write(part)
      if (left > 0) return
      this.cuts += 1
      // What has been written still arrives.
      client.end()
      server.destroy()
    })
  }
}
