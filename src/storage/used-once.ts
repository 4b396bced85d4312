import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Use, UsedOnce } from '../internal/used-once.ts'
import { BrokenRule, type WriteQueue } from './write-queue.ts'

/** Remembers in the database, for all processes that work with it and over a restart. */
export class SqliteUsedOnce implements UsedOnce {
  readonly #queue: WriteQueue
  readonly #select: StatementSync

  constructor(reader: DatabaseSync, queue: WriteQueue) {
    this.#queue = queue
    this.#select = reader.prepare('SELECT 1 FROM used WHERE id = ?')
  }

  use(id: string, untilMs: number): Use | Promise<Use> {
    if (this.#select.get(id) !== undefined) return 'repeated'
    // Of several who use it at the same time the database lets one through.
    return new Promise((resolve) =>
      this.#queue.writeOrRefuse('use', [id, untilMs], (problem) => {
        if (problem === undefined) resolve('first')
        else resolve(problem instanceof BrokenRule ? 'repeated' : 'unknown')
      }),
    )
  }
}
