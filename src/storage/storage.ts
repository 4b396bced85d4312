import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { databasePath, openForReading, type Survives } from './database-file.ts'
import { isRunAlive, socketPath } from './runs.ts'
import { SqliteSessions } from './session-repository.ts'
import { sharedSecret } from './shared-secret.ts'
import { SqliteTasks } from './task-store.ts'
import { SqliteUsedOnce } from './used-once.ts'
import { WriteQueue } from './write-queue.ts'
import { Writer } from './writer.ts'

export interface StorageOptions {
  /** Default `process`. */
  readonly survives?: Survives
  /** Told when what must be kept cannot be written, and when it can be again. */
  readonly onProblem: (problem: Error) => void
}

/** How long another's commit is waited for while a session is taken over. */
const takeOverMs = 2000

/** The embedded store: sessions, their events, and tasks, in one file of a folder. */
export class Storage {
  readonly sessions: SqliteSessions
  /** Known to all processes that work with the folder, and to nobody else. */
  readonly secret: Uint8Array
  readonly used: SqliteUsedOnce
  readonly #folder: string
  readonly #writer: Writer
  readonly #reader: DatabaseSync
  readonly #queue: WriteQueue
  readonly #runOfTask: StatementSync
  #taker: StatementSync | undefined = undefined
  #takerDatabase: DatabaseSync | undefined = undefined
  #closing: Promise<void> | undefined = undefined

  private constructor(folder: string, writer: Writer, reader: DatabaseSync, queue: WriteQueue) {
    this.#folder = folder
    this.secret = sharedSecret(folder)
    this.used = new SqliteUsedOnce(reader, queue)
    this.#writer = writer
    this.#reader = reader
    this.#queue = queue
    this.#runOfTask = reader.prepare('SELECT run FROM tasks WHERE id = ? AND is_over = 0')
    this.sessions = new SqliteSessions({
      ...writer.greeting,
      reader,
      queue,
      takeOver: (key, fromRun) => this.#takeOver(key, fromRun),
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
      return new Storage(folder, writer, openForReading(folder), queue)
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

  /** This process among those that work with the folder. */
  get run(): number {
    return this.#writer.greeting.run
  }

  /** The runs of the others that are alive, as far as is known. */
  get otherRuns(): readonly number[] {
    return this.sessions.otherRuns
  }

  /** Why nothing can be written at the moment; undefined when all is well. */
  get problem(): Error | undefined {
    return this.#queue.problem
  }

  /** Where the process of a run takes requests from the others. */
  socketPath(run: number): string {
    return socketPath(this.#folder, run)
  }

  /** Another process in which a task is under way. */
  holderOfTask(taskId: string): number | undefined {
    const row = this.#runOfTask.get(taskId)
    const run = Number(row?.run)
    return row !== undefined && this.sessions.isOther(run) ? run : undefined
  }

  /** The process of a run has said that it is there. @returns when it can see what this process holds */
  met(run: number): Promise<void> {
    return this.sessions.met(run)
  }

  /** Looks whether the process of a run has ended; what it held can then be taken over. */
  hasEnded(run: number): boolean {
    if (isRunAlive(this.#folder, run)) return false
    this.sessions.gone(run)
    return true
  }

  /** At once, on a connection of its own: nobody may hold a session before it is certain that nobody else does. */
  #takeOver(key: number, fromRun: number): boolean {
    if (this.#taker === undefined) {
      this.#takerDatabase = new DatabaseSync(databasePath(this.#folder), { timeout: takeOverMs })
      this.#taker = this.#takerDatabase.prepare(
        'UPDATE sessions SET run = ? WHERE key = ? AND run = ?',
      )
    }
    return Number(this.#taker.run(this.run, key, fromRun).changes) === 1
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
    this.#takerDatabase?.close()
    await this.#writer.close()
  }
}
