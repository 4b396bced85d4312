import type { DatabaseSync } from 'node:sqlite'
import type { Counts, SweepOrder } from './messages.ts'

/** Rows of a table that one round looks at: the commits of others wait for it. */
const sessionsARound = 2000
const eventsARound = 1000
const tasksARound = 500
const usedARound = 5000
/** Rows are counted every so many rounds. */
const countRounds = 10

/** Clears away what is too old, a little in each round. */
export class Cleaner {
  readonly #database: DatabaseSync
  #afterKey = 0
  #round = 0

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * One round.
   *
   * @returns how many sessions it has ended, and now and then how many rows there are
   * @throws what SQLite throws; the round is then undone
   */
  sweep(order: SweepOrder): { ended: number; counts: Counts | undefined } {
    const database = this.#database
    let ended: number
    database.exec('BEGIN IMMEDIATE')
    try {
      ended = this.#sweepSessions(order)
      this.#sweepEvents(order)
      this.#sweepTasks(order)
      this.#sweepUsed(order)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    this.#round += 1
    return { ended, counts: this.#round % countRounds === 0 ? this.count() : undefined }
  }

  /** Goes through the table by its key: an index of times would cost each new session a second place to write to. */
  #sweepSessions({ seenBeforeMs, openedBeforeMs }: SweepOrder): number {
    const rows = this.#database
      .prepare('SELECT key, seen_at, created_at FROM sessions WHERE key > ? ORDER BY key LIMIT ?')
      .all(this.#afterKey, sessionsARound)
    this.#afterKey = rows.length < sessionsARound ? 0 : Number(rows.at(-1)?.key)
    const isOver = (row: (typeof rows)[number]): boolean =>
      Number(row.seen_at) < seenBeforeMs || Number(row.created_at) < openedBeforeMs
    const over = rows.filter(isOver).map(({ key }) => Number(key))
    if (over.length === 0) return 0
    const statements = [
      'DELETE FROM sessions WHERE key = ?',
      'DELETE FROM subscriptions WHERE session = ?',
      'DELETE FROM streams WHERE session = ?',
      'DELETE FROM events WHERE session = ?',
    ].map((sql) => this.#database.prepare(sql))
    // Nobody can ask for them any more: see ownerOf() in server/tasks.
    const tasks = this.#database.prepare('DELETE FROM tasks WHERE owner = ? AND is_over = 1')
    for (const key of over) {
      for (const statement of statements) statement.run(key)
      tasks.run(`session ${key}`)
    }
    return over.length
  }

  #sweepEvents({ loggedBeforeMs }: SweepOrder): void {
    const rows = this.#database
      .prepare('SELECT id, session, stream, sequence, logged_at FROM events ORDER BY id LIMIT ?')
      .all(eventsARound)
    const firstYoung = rows.findIndex((row) => Number(row.logged_at) >= loggedBeforeMs)
    const old = firstYoung < 0 ? rows : rows.slice(0, firstYoung)
    const last = old.at(-1)
    if (last === undefined) return
    const mark = this.#database.prepare(
      'UPDATE streams SET forgotten = max(forgotten, ?) WHERE session = ? AND number = ?',
    )
    for (const { session, stream, sequence } of old) {
      mark.run(Number(sequence), Number(session), Number(stream))
    }
    this.#database.prepare('DELETE FROM events WHERE id <= ?').run(Number(last.id))
    const drop = this.#database.prepare(
      `DELETE FROM streams WHERE session = ?1 AND number = ?2 AND is_ended = 1
        AND NOT EXISTS (SELECT 1 FROM events WHERE session = ?1 AND stream = ?2)`,
    )
    const streams = new Map(old.map((row) => [`${row.session} ${row.stream}`, row]))
    for (const { session, stream } of streams.values()) drop.run(Number(session), Number(stream))
  }

  #sweepTasks({ nowMs }: SweepOrder): void {
    this.#database
      .prepare('DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE expires_at <= ? LIMIT ?)')
      .run(nowMs, tasksARound)
  }

  #sweepUsed({ nowMs }: SweepOrder): void {
    this.#database
      .prepare('DELETE FROM used WHERE id IN (SELECT id FROM used WHERE until < ? LIMIT ?)')
      .run(nowMs, usedARound)
  }

  count(): Counts {
    const count = (table: string): number =>
      Number(this.#database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
    return { sessions: count('sessions'), tasks: count('tasks') }
  }
}
