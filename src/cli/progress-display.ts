import type { Progress } from '@modelcontextprotocol/client'
import { harmless, type Io } from './io.ts'

/** Shows progress on stderr: on one line that is rewritten at a terminal, else on a line each. */
export class ProgressDisplay {
  readonly #io: Io
  #width = 0

  constructor(io: Io) {
    this.#io = io
  }

  show({ progress, total, message }: Progress): void {
    // The client reports its own rounds of questions and answers as progress.
    if (message?.startsWith('Fulfilling input required by')) return
    const share = total === undefined ? `${progress}` : `${progress}/${total}`
    const line = harmless(message === undefined ? share : `${share} ${message}`)
    if (!this.#io.isInteractive) {
      this.#io.stderr.write(`${line}\n`)
      return
    }
    this.#io.stderr.write(`\r${line.padEnd(this.#width)}`)
    this.#width = line.length
  }

  /** Clears the line, so that what follows starts on a fresh one. */
  end(): void {
    if (this.#width > 0) this.#io.stderr.write(`\r${' '.repeat(this.#width)}\r`)
    this.#width = 0
  }
}
