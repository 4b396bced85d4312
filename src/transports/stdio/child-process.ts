import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { parseJson } from '../../protocol/json-text.ts'
import type { ClientTransport } from '../client-transport.ts'
import { StreamChannel } from './stream-channel.ts'

export interface StdioChildOptions {
  command: string
  args?: readonly string[]
  /** The child's whole environment. Default: the few variables that programs need to run; no secret of ours. */
  env?: Record<string, string>
  cwd?: string
  /** Where the child's stderr goes: to ours (default), nowhere, or to a function, line by line. */
  stderr?: 'inherit' | 'ignore' | ((line: string) => void)
  /** Milliseconds that the child is given after its stdin has closed, and again after SIGTERM. Default 2000. */
  shutdownMs?: number
}

const inheritedVariables = [
  'HOME',
  'LANG',
  'LC_ALL',
  'LOGNAME',
  'PATH',
  'SHELL',
  'TERM',
  'TMPDIR',
  'TZ',
  'USER',
]

/**
 * Starts a server as a child process and speaks to it over its stdin and stdout (transports/stdio).
 *
 * `close()` ends it as the specification says: stdin is closed, then SIGTERM, then SIGKILL, each after a while.
 *
 * @example
 * await client.connect(connectStdio({ command: 'npx', args: ['tsmcp', 'serve', 'server.ts', '--stdio'] }))
 */
export function connectStdio(
  options: StdioChildOptions,
): ClientTransport & { readonly pid: number | undefined } {
  const { command, args = [], cwd, shutdownMs = 2000, stderr = 'inherit' } = options
  let child: ChildProcess | undefined
  let channel: StreamChannel | undefined
  let hasClosed = false
  const closed = (): void => {
    if (hasClosed) return
    hasClosed = true
    channel?.close()
    transport.onclose?.()
  }

  const transport: ClientTransport & { readonly pid: number | undefined } = {
    get pid() {
      return child?.pid
    },

    async start() {
      if (child !== undefined) throw new Error('The child process has been started already')
      child = spawn(command, args, {
        cwd,
        env: options.env ?? defaultEnvironment(),
        stdio: ['pipe', 'pipe', typeof stderr === 'function' ? 'pipe' : stderr],
      })
      await once(child, 'spawn')
      child.once('exit', closed)
      child.on('error', (error) => transport.onerror?.(error))
      if (typeof stderr === 'function') forwardLines(child.stderr, stderr)
      channel = new StreamChannel(child.stdout as Readable, child.stdin as Writable, () => ({
        message: (text) => receive(transport, text),
        fault: (error) => transport.onerror?.(error),
        closed,
      }))
    },

    async send(message) {
      if (channel === undefined || hasClosed) throw new Error('The child process is not running')
      channel.send(JSON.stringify(message))
    },

    async close() {
      if (child === undefined) return
      channel?.close()
      await endProcess(child, shutdownMs)
      closed()
    },
  }
  return transport
}

function receive(transport: ClientTransport, text: string): void {
  let message: unknown
  try {
    message = parseJson(text)
  } catch (error) {
    // Something else than messages on stdout is a mistake of the server, and no reason to end.
    transport.onerror?.(error as Error)
    return
  }
  transport.onmessage?.(message)
}

async function endProcess(child: ChildProcess, waitMs: number): Promise<void> {
  // A child must not hang on writing what nobody reads any more.
  child.stdout?.resume()
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const steps = [() => child.stdin?.end(), () => child.kill('SIGTERM'), () => child.kill('SIGKILL')]
  for (const step of steps) {
    if (hasEnded()) return
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(waitMs) })
    step()
    // Not ended in time: the next step is harder.
    await exit.catch(() => {})
  }
}

function forwardLines(stream: Readable | null, listener: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) listener(line)
  })
  stream?.once('end', () => {
    if (rest !== '') listener(rest)
  })
}

function defaultEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of inheritedVariables) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}
