/**
 * The program of the thread that owns the database's only writing connection of this process. What the main thread
 * posts in one message is one transaction; a slow disk holds up this thread and no request.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { Cleaner } from './cleaner.ts'
import { openForWriting } from './database-file.ts'
import type { Batch, Broken, FromWriter, SweepOrder, ToWriter, WriterData } from './messages.ts'
import { type OtherRuns, Runs } from './runs.ts'
import { type StatementName, statements, type Value } from './statements.ts'

/** SQLITE_CONSTRAINT: a statement is against a rule of the schema; the transaction goes on. */
const constraintError = 19
/** Others are looked for every so many sweeps. */
const lookSweeps = 5

class Writer {
  readonly #database: DatabaseSync
  readonly #runs: Runs
  readonly #cleaner: Cleaner
  readonly #prepared = new Map<StatementName, StatementSync>()
  #others: OtherRuns
  #sweeps = 0

  constructor({ folder, survives }: WriterData) {
    this.#database = openForWriting(folder, survives)
    this.#runs = new Runs(this.#database, folder)
    this.#others = this.#runs.look()
    this.#cleaner = new Cleaner(this.#database)
  }

  greeting(): FromWriter {
    const found = this.#database.prepare('SELECT max(key) AS key FROM sessions').get()
    return {
      kind: 'ready',
      run: this.#runs.run,
      greatestKey: Number(found?.key ?? 0),
      others: this.#others,
      counts: this.#cleaner.count(),
    }
  }

  write(batch: Batch): FromWriter {
    const broken: Broken[] = []
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (let place = 0; place < batch.length; place += 2) {
        const name = batch[place] as StatementName
        try {
          this.#statement(name).run(...(batch[place + 1] as readonly Value[]))
        } catch (error) {
          const { errcode = 0, message } = error as Error & { errcode?: number }
          if ((errcode & 0xff) !== constraintError) throw error
          broken.push({ place, message: `${name}: ${message}` })
        }
      }
      this.#database.exec('COMMIT')
      return { kind: 'kept', broken }
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return { kind: 'failed', message: messageOf(error) }
    }
  }

  sweep(order: SweepOrder): FromWriter {
    let swept: ReturnType<Cleaner['sweep']> = { ended: 0, counts: undefined }
    try {
      swept = this.#cleaner.sweep(order)
      this.#sweeps += 1
      if (this.#sweeps % lookSweeps === 0) this.#others = this.#runs.look()
    } catch {
      // The disk is full, or another process is at it: the next batch will say so, and the next sweep tries again.
    }
    return { kind: 'swept', others: this.#others, ...swept }
  }

  close(): FromWriter {
    this.#runs.close()
    this.#database.close()
    return { kind: 'closed' }
  }

  #statement(name: StatementName): StatementSync {
    let statement = this.#prepared.get(name)
    if (statement === undefined) {
      statement = this.#database.prepare(statements[name])
      this.#prepared.set(name, statement)
    }
    return statement
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function answer(writer: Writer, message: ToWriter): FromWriter {
  switch (message.kind) {
    case 'write':
      return writer.write(message.batch)
    case 'sweep':
      return writer.sweep(message.order)
    case 'close':
      return writer.close()
  }
}

function begin(): void {
  const port = parentPort
  if (port === null) throw new Error('This is the program of a thread')
  const post = (message: FromWriter): void => port.postMessage(message)
  try {
    const writer = new Writer(workerData as WriterData)
    port.on('message', (message: ToWriter) => {
      try {
        post(answer(writer, message))
      } finally {
        if (message.kind === 'close') port.close()
      }
    })
    post(writer.greeting())
  } catch (error) {
    post({ kind: 'refused', message: messageOf(error) })
    port.close()
  }
}

begin()
