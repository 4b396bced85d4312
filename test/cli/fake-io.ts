import { PassThrough, Readable, Writable } from 'node:stream'
import type { StopSignal } from '../../src/cli/exit-codes.ts'
import type { Io } from '../../src/cli/io.ts'
import { run } from '../../src/cli/run.ts'

export interface FakeOptions {
  cwd?: string
  env?: Record<string, string>
  /** What is typed or piped in. */
  input?: string
  isInteractive?: boolean
  columns?: number
}

/** An `Io` that records what is written, and a way to signal it. */
export class FakeIo implements Io {
  out = ''
  err = ''
  readonly stdin: Readable
  readonly stdout = this.#recorder((text) => {
    this.out += text
  })
  readonly stderr = this.#recorder((text) => {
    this.err += text
  })
  readonly env: Record<string, string>
  readonly cwd: string
  readonly isInteractive: boolean
  readonly columns?: number
  reserved = false
  readonly #listeners = new Set<(signal: StopSignal) => void>()
  readonly #waiting = new Set<() => void>()

  constructor(options: FakeOptions = {}) {
    this.stdin = options.isInteractive ? new PassThrough() : Readable.from([options.input ?? ''])
    this.env = options.env ?? {}
    this.cwd = options.cwd ?? process.cwd()
    this.isInteractive = options.isInteractive ?? false
    if (options.columns !== undefined) this.columns = options.columns
  }

  onSignal(listener: (signal: StopSignal) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  signal(signal: StopSignal): void {
    for (const listener of [...this.#listeners]) listener(signal)
  }

  get hasSignalListeners(): boolean {
    return this.#listeners.size > 0
  }

  reserveStdout(): void {
    this.reserved = true
  }

  /** Answers at the fake terminal. */
  type(text: string): void {
    ;(this.stdin as PassThrough).write(text)
  }

  /** Resolves as soon as what was written matches. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.out + this.err)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #recorder(record: (text: string) => void): Writable {
    return new Writable({
      write: (chunk, _encoding, done) => {
        record(String(chunk))
        for (const wake of this.#waiting) wake()
        this.#waiting.clear()
        done()
      },
    })
  }
}

/** Runs a command line to its end, and returns all there is to see of it. */
export async function runCli(
  args: readonly string[],
  options: FakeOptions = {},
): Promise<{ exitCode: number; out: string; err: string }> {
  const io = new FakeIo(options)
  const exitCode = await run(args, io)
  return { exitCode, out: io.out, err: io.err }
}
