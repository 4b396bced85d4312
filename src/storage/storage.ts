import type { DatabaseSync } from 'node:sqlite'
import { openForReading, type Survives } from './database-file.ts'
import { SqliteSessions } from './session-repository.ts'
import { SqliteTasks } from './task-store.ts'
import { WriteQueue } from './write-queue.ts'
import { Writer } from './writer.ts'

export interface StorageOptions {
  /** Default `process`. */
  readonly survives?: Survives
  /** Told when what must be kept cannot be written, and when it can be again. */
  readonly onProblem: (problem: Error) => void
}

/** The embedded store: sessions, their events, and tasks, in one file of a folder. */
export class Storage {
  readonly sessions: SqliteSessions
  readonly #writer: Writer
  readonly #reader: DatabaseSync
  readonly #queue: WriteQueue
  #closing: Promise<void> | undefined = undefined

  private constructor(writer: Writer, reader: DatabaseSync, queue: WriteQueue) {
    this.#writer = writer
    this.#reader = reader
    this.#queue = queue
    this.sessions = new SqliteSessions({
      ...writer.greeting,
      reader,
      queue,
      sweep: (order, onSwept) => writer.sweep(order, onSwept),
    })
  }

  /**
   * Opens the store of a folder, and makes it where there is none.
   *
   * @throws StorageError that says in one line why it cannot be used
   */
  static async open(folder: string, { survives = 'process', onProblem }: StorageOptions) {
    const writer = await Writer.start({ folder, survives })
    const queue = new WriteQueue(writer, {
      onProblem: ({ message }) =>
        onProblem(
          new Error(
            `Cannot write to ${folder}: ${message}. Sessions go on in memory, new ones are refused; it is tried again`,
          ),
        ),
      onRecovered: (forgotten) => {
        if (forgotten === 0) return
        onProblem(new Error(`Writing to ${folder} works again; ${forgotten} entries are lost`))
      },
    })
    try {
      return new Storage(writer, openForReading(folder), queue)
    } catch (error) {
      await writer.close()
      throw error
    }
  }

  /** Tasks in the store. @param max - at one time, of all owners together */
  tasks(max: number): SqliteTasks {
    const { run, counts } = this.#writer.greeting
    return new SqliteTasks(
      { reader: this.#reader, queue: this.#queue, run, taskCount: counts.tasks },
      max,
    )
  }

  /** Writes what waits to be written, and closes the file. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#writer.ref()
    await this.#queue.close()
    // The last to close clears the write-ahead log away, which one that only reads may not.
    this.#reader.close()
    await this.#writer.close()
  }
}
