import { PassThrough } from 'node:stream'
import type { TestContext } from 'node:test'
import { type ServeStdioOptions, serveStdio } from '../../src/server/serve-stdio.ts'
import type { Servable } from '../../src/server/service.ts'
import { Peer } from './peer.ts'

/** A client at the other end of two pipes. */
export class StdioPeer extends Peer {
  readonly input: PassThrough
  readonly output: PassThrough
  readonly connection: ReturnType<typeof serveStdio>
  /** Each line that the server has written. */
  readonly lines: string[] = []
  readonly #waiting: ((line: string) => void)[] = []
  #read = 0

  constructor(server: Servable, options: ServeStdioOptions) {
    const input = new PassThrough()
    super((message) => input.write(`${JSON.stringify(message)}\n`))
    this.input = input
    this.output = new PassThrough()
    this.connection = serveStdio(server, { input, output: this.output, ...options })
    let rest = ''
    this.output.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        this.lines.push(line)
        this.#waiting.shift()?.(line)
        this.receive(JSON.parse(line))
      }
    })
  }

  /** Writes bytes as they are. */
  write(bytes: string | Uint8Array): void {
    this.input.write(bytes)
  }

  /** The next line that the server writes, in order. */
  async nextLine(): Promise<string> {
    const line = this.lines[this.#read++]
    return line ?? new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Writes bytes and gives the line that comes back. */
  async exchange(bytes: string | Uint8Array) {
    this.write(bytes)
    return JSON.parse(await this.nextLine())
  }
}

export function startStdio(
  t: TestContext,
  server: Servable,
  options: ServeStdioOptions = {},
): StdioPeer {
  const peer = new StdioPeer(server, { drainMs: 0, ...options })
  t.after(() => peer.connection.close())
  return peer
}
