import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { parseJson } from '../../protocol/json-text.ts'
import type { Channel, ChannelListener } from '../channel.ts'
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

/** A server in a child process, spoken to over its stdin and stdout. */
export interface StdioChild {
  readonly channel: Channel
  readonly pid: number | undefined
  /** How it ended; settles when it has. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Ends it as the specification says: stdin is closed, then SIGTERM, then SIGKILL, each after a while. */
  end(): Promise<void>
}

/**
 * Starts a child process.
 *
 * @param listen - makes the listener of what the child says; called once it runs
 * @throws the error of `spawn`, for instance ENOENT
 */
export async function startChild(
  options: StdioChildOptions,
  listen: () => ChannelListener,
  maxMessageBytes?: number,
): Promise<StdioChild> {
  const { command, args = [], cwd, shutdownMs = 2000, stderr = 'inherit' } = options
  const child = spawn(command, args, {
    cwd,
    env: options.env ?? defaultEnvironment(),
    stdio: ['pipe', 'pipe', typeof stderr === 'function' ? 'pipe' : stderr],
  })
  await once(child, 'spawn')
  const { promise: exited, resolve } = Promise.withResolvers<Awaited<StdioChild['exited']>>()
  child.once('exit', (code, signal) => resolve({ code, signal }))
  // Of a child that runs, this is only that it could not be signalled.
  child.on('error', () => {})
  if (typeof stderr === 'function') forwardLines(child.stderr, stderr)
  const channel = new StreamChannel(child.stdout as Readable, child.stdin as Writable, listen, {
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
  })
  return {
    channel,
    pid: child.pid,
    exited,
    async end() {
      channel.close()
      await endProcess(child, shutdownMs)
    },
  }
}

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
  let child: StdioChild | undefined
  let isStarted = false
  let hasClosed = false
  const closed = (): void => {
    if (hasClosed) return
    hasClosed = true
    child?.channel.close()
    transport.onclose?.()
  }

  const transport: ClientTransport & { readonly pid: number | undefined } = {
    get pid() {
      return child?.pid
    },

    async start() {
      if (isStarted) throw new Error('The child process has been started already')
      isStarted = true
      child = await startChild(options, () => ({
        message: (text) => receive(transport, text),
        fault: (error) => transport.onerror?.(error),
        closed,
      }))
      void child.exited.then(closed)
    },

    async send(message) {
      if (child === undefined || hasClosed) throw new Error('The child process is not running')
      child.channel.send(JSON.stringify(message))
    },

    async close() {
      if (child === undefined) return
      await child.end()
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

/** The few variables that programs need to run; no secret of ours. */
export function defaultEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of inheritedVariables) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}
