import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Channel, ChannelListener } from '../../transports/channel.ts'
import { StreamChannel } from '../../transports/stdio/stream-channel.ts'
import type { CommandLine } from './limited-command.ts'
import type { OrphanGuard } from './orphan-guard.ts'
import { readLines } from './stderr-lines.ts'

export interface ProcessGroupOptions extends CommandLine {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly maxMessageBytes: number
  readonly guard: OrphanGuard
  onStderr(line: string): void
}

/** Milliseconds that a process is given after its stdin has closed, and again after SIGTERM. */
const shutdownMs = 2000

const hasGroups = process.platform !== 'win32'

/**
 * A server on stdio and all that it starts: a process group, which is ended as a whole. When the server has ended by
 * itself, so does what it has left behind.
 */
export class ProcessGroup implements Channel {
  readonly #child: ChildProcess
  readonly #channel: StreamChannel
  /** How it ended, in words; settles when it has. */
  readonly exited: Promise<string>
  #ending: Promise<void> | undefined

  private constructor(
    child: ChildProcess,
    listener: ChannelListener,
    { guard, maxMessageBytes, onStderr }: ProcessGroupOptions,
  ) {
    this.#child = child
    if (child.pid !== undefined) guard.add(child.pid)
    const { promise, resolve } = Promise.withResolvers<string>()
    this.exited = promise
    child.once('exit', (code, signal) => {
      // Grandchildren must not go on, nor hold the pipes open.
      this.#signal('SIGKILL')
      if (child.pid !== undefined) guard.remove(child.pid)
      resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`)
    })
    // Of a child that runs, this is only that it could not be signalled.
    child.on('error', () => {})
    if (child.stderr !== null) readLines(child.stderr, onStderr)
    this.#channel = new StreamChannel(
      child.stdout as Readable,
      child.stdin as Writable,
      () => listener,
      { maxMessageBytes },
    )
  }

  /** @throws the error of `spawn`, for instance ENOENT */
  static async start(
    options: ProcessGroupOptions,
    listener: ChannelListener,
  ): Promise<ProcessGroup> {
    const { command, args, cwd, env } = options
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: hasGroups,
      windowsHide: true,
    })
    await once(child, 'spawn')
    return new ProcessGroup(child, listener, options)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(message: string | Uint8Array): void {
    this.#channel.send(message)
  }

  close(): void {
    void this.end()
  }

  /** Ends it as the specification says: stdin is closed, then SIGTERM, then SIGKILL, each after a while. Idempotent. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  /** Ends it at once: it does not answer any more. */
  async kill(): Promise<void> {
    this.#channel.close()
    if (!this.#hasEnded()) this.#signal('SIGKILL')
    await this.exited
  }

  async #end(): Promise<void> {
    this.#channel.close()
    // A child must not hang on writing what nobody reads any more.
    this.#child.stdout?.resume()
    const steps = [
      () => this.#child.stdin?.end(),
      () => this.#signal('SIGTERM'),
      () => this.#signal('SIGKILL'),
    ]
    for (const step of steps) {
      if (this.#hasEnded()) break
      step()
      await this.#exitWithin(shutdownMs)
    }
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async #exitWithin(waitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs)
    })
    await Promise.race([this.exited, late])
    clearTimeout(timer)
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (hasGroups) process.kill(-pid, signal)
      else this.#child.kill(signal)
    } catch {
      // Nobody of the group is left.
    }
  }
}
