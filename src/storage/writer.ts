import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Batch, FromWriter, SweepOrder, ToWriter, WriterData } from './messages.ts'
import { StorageError } from './storage-error.ts'

type Greeting = Extract<FromWriter, { kind: 'ready' }>
export type Swept = Extract<FromWriter, { kind: 'swept' }>
export type Written = Extract<FromWriter, { kind: 'kept' | 'failed' }>

const program = new URL(`../storage/write-thread${extname(import.meta.url)}`, import.meta.url)

/** What a thread that only writes needs; the default is as much as the whole process may have. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 }

/** The main thread's end of the thread that writes. */
export class Writer {
  readonly greeting: Greeting
  readonly #worker: Worker
  readonly #closed: Promise<void>
  #isGone = false
  #onWritten: ((answer: Written) => void) | undefined
  #onSwept: ((answer: Swept) => void) | undefined

  private constructor(worker: Worker, greeting: Greeting) {
    this.greeting = greeting
    this.#worker = worker
    this.#closed = new Promise((resolve) => worker.once('exit', () => resolve()))
    worker.on('message', (message: FromWriter) => this.#take(message))
    worker.on('error', (error) => this.#gone(error))
    worker.once('exit', () => this.#gone(new Error('the thread that writes has ended')))
    // What it holds open must not keep a process alive that has nothing else to do.
    worker.unref()
  }

  /** Starts the thread. @throws StorageError when the database cannot be used */
  static async start(data: WriterData): Promise<Writer> {
    const worker = new Worker(program, { workerData: data, name: 'tsmcp storage', resourceLimits })
    const first = await new Promise<FromWriter>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    if (first.kind === 'ready') return new Writer(worker, first)
    throw new StorageError(first.kind === 'refused' ? first.message : 'The writer does not start')
  }

  /** Writes one batch as one transaction; the next only after the answer. */
  write(batch: Batch, onWritten: (answer: Written) => void): void {
    this.#onWritten = onWritten
    if (this.#isGone) this.#answerFailed('the thread that writes has ended')
    else this.#post({ kind: 'write', batch })
  }

  /** Clears away what is too old; does nothing while an earlier round is under way. */
  sweep(order: SweepOrder, onSwept: (answer: Swept) => void): void {
    if (this.#isGone || this.#onSwept !== undefined) return
    this.#onSwept = onSwept
    this.#post({ kind: 'sweep', order })
  }

  /** From now on the process waits for what is written. */
  ref(): void {
    this.#worker.ref()
  }

  async close(): Promise<void> {
    if (!this.#isGone) this.#post({ kind: 'close' })
    await this.#closed
  }

  #post(message: ToWriter): void {
    this.#worker.postMessage(message)
  }

  #take(message: FromWriter): void {
    switch (message.kind) {
      case 'kept':
      case 'failed': {
        const answer = this.#onWritten
        this.#onWritten = undefined
        answer?.(message)
        break
      }
      case 'swept': {
        const answer = this.#onSwept
        this.#onSwept = undefined
        answer?.(message)
        break
      }
    }
  }

  #gone(error: unknown): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#answerFailed(error instanceof Error ? error.message : String(error))
  }

  #answerFailed(message: string): void {
    const answer = this.#onWritten
    this.#onWritten = undefined
    if (answer !== undefined) queueMicrotask(() => answer({ kind: 'failed', message }))
  }
}
