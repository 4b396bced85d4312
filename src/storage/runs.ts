import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isTerminal, type TaskRecord } from '../protocol/tasks.ts'

/** Other processes that work with the same file. */
export interface OtherRuns {
  readonly alive: readonly number[]
  /** The last that has been looked at: who comes later is taken to be alive. */
  readonly newest: number
}

const lossMessage = 'The server was restarted while the task ran'

/**
 * One process that works with the file: a "run". It holds a lock for as long as it lives, which the system takes from
 * it however it ends: process ids come again, and mean nothing in containers.
 */
export class Runs {
  readonly run: number
  readonly #folder: string
  readonly #database: DatabaseSync
  readonly #lock: DatabaseSync

  /** Registers this process, and clears up after those that have ended without a word. */
  constructor(database: DatabaseSync, folder: string) {
    this.#database = database
    this.#folder = folder
    database.exec('BEGIN IMMEDIATE')
    try {
      const { lastInsertRowid } = database
        .prepare('INSERT INTO runs (started_at) VALUES (?)')
        .run(Date.now())
      this.run = Number(lastInsertRowid)
      // Nobody sees the row before the lock is held.
      this.#lock = hold(this.#lockPath(this.run))
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    this.look()
  }

  /** Finds out who else is at work; the tasks of those that are not any more have failed. */
  look(): OtherRuns {
    const rows = this.#database.prepare('SELECT run FROM runs ORDER BY run').all()
    const others = rows.map(({ run }) => Number(run)).filter((run) => run !== this.run)
    const alive = others.filter((run) => this.#isAlive(run))
    for (const run of others) if (!alive.includes(run)) this.#clearUp(run)
    return { alive, newest: Math.max(this.run, ...others) }
  }

  /** Signs off: no tasks of this process are running. */
  close(): void {
    this.#database.prepare('DELETE FROM runs WHERE run = ?').run(this.run)
    this.#lock.close()
    rmSync(this.#lockPath(this.run), { force: true })
  }

  #isAlive(run: number): boolean {
    return isRunAlive(this.#folder, run)
  }

  #clearUp(run: number): void {
    const database = this.#database
    database.exec('BEGIN IMMEDIATE')
    try {
      const running = database
        .prepare('SELECT id, record FROM tasks WHERE run = ? AND is_over = 0')
        .all(run)
      const fail = database.prepare('UPDATE tasks SET is_over = 1, record = ? WHERE id = ?')
      for (const { id, record } of running) {
        fail.run(JSON.stringify(failed(JSON.parse(String(record)))), String(id))
      }
      database.prepare('DELETE FROM runs WHERE run = ?').run(run)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    rmSync(this.#lockPath(run), { force: true })
    rmSync(socketPath(this.#folder, run), { force: true })
  }

  #lockPath(run: number): string {
    return lockPath(this.#folder, run)
  }
}

/** Whether the process of a run is there: then somebody holds its lock. */
export function isRunAlive(folder: string, run: number): boolean {
  try {
    hold(lockPath(folder, run)).close()
    return false
  } catch {
    return true
  }
}

/** Where the process of a run takes requests from the others. */
export function socketPath(folder: string, run: number): string {
  return join(folder, `run-${run}.sock`)
}

function lockPath(folder: string, run: number): string {
  return join(folder, `run-${run}.lock`)
}

function failed(task: TaskRecord): TaskRecord {
  if (isTerminal(task.status)) return task
  const { inputRequests: _, ...kept } = task
  return {
    ...kept,
    status: 'failed',
    statusMessage: lossMessage,
    lastUpdatedAtMs: Date.now(),
    error: { name: 'INTERNAL_ERROR', code: -32603, message: lossMessage },
  }
}

/** Takes a lock, which is an empty database that nobody else can write to. @throws when somebody holds it */
function hold(path: string): DatabaseSync {
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}
