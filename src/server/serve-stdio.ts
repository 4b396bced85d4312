import { Console } from 'node:console'
import type { Readable, Writable } from 'node:stream'
import { StreamChannel, type StreamChannelOptions } from '../transports/stdio/stream-channel.ts'
import { ChannelConnection } from './channel-connection.ts'
import { Engine, type EngineOptions, type Origin } from './engine.ts'
import { networks } from './observer.ts'
import { type Servable, service } from './service.ts'

export interface ServeStdioOptions extends EngineOptions, StreamChannelOptions {
  /** Default: the process's stdin. */
  input?: Readable
  /** Default: the process's stdout; `console.log` then goes to stderr, since stdout is for messages alone. */
  output?: Writable
  /** Milliseconds for which running requests may finish once the client has closed its side. Default 1000. */
  drainMs?: number
}

export interface StdioConnection {
  /** Settles when the connection has ended and everything on it is finished or cancelled. */
  readonly closed: Promise<void>
  /** Ends the connection from this side. Idempotent. */
  close(): Promise<void>
}

/** Who starts the process is who calls. */
const starter: Origin = { authInfo: undefined, remoteAddress: undefined, network: networks.stdio }

/** Serves one client over stdin and stdout (transports/stdio). */
export function serveStdio(server: Servable, options: ServeStdioOptions = {}): StdioConnection {
  const { input = process.stdin, output = process.stdout, drainMs = 1000 } = options
  if (output === process.stdout) globalThis.console = new Console(process.stderr)
  const engine = new Engine(server[service], options)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  let closing: Promise<void> | undefined
  const finish = (): Promise<void> => {
    closing ??= engine.close(drainMs).then(() => {
      channel.close()
      connection.closed()
      resolve()
    })
    return closing
  }
  let connection: ChannelConnection
  const channel = new StreamChannel(
    input,
    output,
    (each) => {
      connection = new ChannelConnection(engine, each, starter, () => void finish())
      return {
        message: (text) => connection.message(text),
        fault: (error) => connection.fault(error),
        closed: () => void finish(),
      }
    },
    options,
    { name: 'stdio', deadLetters: engine.deadLetters },
  )
  return { closed, close: finish }
}
