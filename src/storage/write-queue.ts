import type { Batch } from './messages.ts'
import type { StatementName, Value } from './statements.ts'
import type { Written } from './writer.ts'

/** A statement that was carried out by nobody, for it is against a rule of the schema. */
export class BrokenRule extends Error {
  override readonly name = 'BrokenRule'
}

/** Told when a statement is kept, or why it is not. */
type Done = (problem: Error | undefined) => void

/** What writes batches, one at a time. */
export interface BatchWriter {
  write(batch: Batch, onWritten: (answer: Written) => void): void
}

export interface WriteQueueOptions {
  /** Characters that may wait to be written. Default 64 Mi. */
  readonly maxWaiting?: number
  /** Milliseconds after which a failed write is tried again. Default 1000. */
  readonly retryMs?: number
  /** Told when writing begins to fail, and when what has waited is kept. */
  readonly onProblem: (problem: Error) => void
  readonly onRecovered: (forgotten: number) => void
}

/** Everything that is written in one transaction, and who waits for it. */
interface Group {
  readonly batch: Batch
  /** In the order in which they are told; `place` is that of the statement in the batch, or -1 for none. */
  readonly waiters: { readonly done: Done; readonly place: number }[]
  /** Places of statements that are refused rather than tried again. */
  readonly refusable: Set<number>
  size: number
}

const newGroup = (): Group => ({ batch: [], waiters: [], refusable: new Set(), size: 0 })
/** What a statement costs beyond its values. */
const statementSize = 64

/**
 * Group commit. What is written in one turn of the event loop, or while the transaction before is under way, becomes
 * one transaction: the more there is to write, the more of it shares a commit.
 *
 * When writing fails, or more waits than may, the queue turns to holding on: what can be refused is refused, the rest
 * is kept in memory and tried again, and nobody waits for it any longer.
 */
export class WriteQueue {
  readonly #writer: BatchWriter
  readonly #options: WriteQueueOptions
  readonly #maxWaiting: number
  #waiting = newGroup()
  #flying: Group | undefined = undefined
  #isFlushPlanned = false
  #problem: Error | undefined = undefined
  /** What is to be tried again, oldest first. */
  #held = newGroup()
  #forgotten = 0
  #retry: NodeJS.Timeout | undefined = undefined
  #onEmpty: (() => void) | undefined = undefined

  constructor(writer: BatchWriter, options: WriteQueueOptions) {
    this.#writer = writer
    this.#options = options
    this.#maxWaiting = options.maxWaiting ?? 64 * 1024 * 1024
  }

  /** Why nothing can be written at the moment; undefined when all is well. */
  get problem(): Error | undefined {
    return this.#problem
  }

  /**
   * Writes something that must not be lost once it is accepted.
   *
   * @param done - told when it is kept; with a problem when it is not yet, and will be tried again
   */
  write(statement: StatementName, values: readonly Value[], done?: Done): void {
    if (this.#problem === undefined) this.#add(statement, values, done, false)
    else {
      this.#hold(statement, values)
      done?.(this.#problem)
    }
  }

  /** Writes something new, which is refused when it cannot be kept now. */
  writeOrRefuse(statement: StatementName, values: readonly Value[], done: Done): void {
    if (this.#problem === undefined) this.#add(statement, values, done, true)
    else done(this.#problem)
  }

  /** Calls back when all that has been written so far is kept, or nobody waits for it any more. */
  whenKept(callback: () => void): void {
    const last = this.#waiting.batch.length > 0 ? this.#waiting : this.#flying
    if (last === undefined || this.#problem !== undefined) callback()
    else last.waiters.push({ done: callback, place: -1 })
  }

  /** Resolves when nothing waits to be written, or nothing can be. */
  async close(): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#held.batch.length > 0) this.#tryAgain()
    if (this.#waiting.batch.length === 0 && this.#flying === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    this.#flush()
    await promise
    clearTimeout(this.#retry)
  }

  #add(
    statement: StatementName,
    values: readonly Value[],
    done: Done | undefined,
    isRefusable: boolean,
  ): void {
    const group = this.#waiting
    const place = group.batch.length
    group.batch.push(statement, values)
    group.size += sizeOf(values)
    if (done !== undefined) group.waiters.push({ done, place })
    if (isRefusable) group.refusable.add(place)
    if (group.size > this.#maxWaiting) {
      this.#fail(new Error('the disk does not keep up with what is to be written'))
    } else if (this.#flying === undefined && !this.#isFlushPlanned) {
      this.#isFlushPlanned = true
      setImmediate(() => this.#flush())
    }
  }

  #flush(): void {
    this.#isFlushPlanned = false
    if (this.#flying !== undefined || this.#waiting.batch.length === 0) return
    const group = this.#waiting
    this.#flying = group
    this.#waiting = newGroup()
    this.#writer.write(group.batch, (answer) => this.#written(group, answer))
  }

  #written(group: Group, answer: Written): void {
    this.#flying = undefined
    if (answer.kind === 'failed') {
      // In front of what has been held since: later statements may build on these.
      this.#fail(new Error(answer.message), group)
    } else {
      const broken = new Map(
        answer.broken.map(({ place, message }) => [place, new BrokenRule(message)]),
      )
      for (const [place, error] of broken) {
        // Who wrote what can be refused is told of it.
        if (!group.refusable.has(place)) this.#options.onProblem(error)
      }
      for (const { done, place } of group.waiters) done(broken.get(place))
      if (this.#problem !== undefined) this.#recover()
      this.#flush()
    }
    if (this.#flying === undefined) this.#onEmpty?.()
  }

  /** Turns to holding on. */
  #fail(problem: Error, failed: Group | undefined = undefined): void {
    const isNews = this.#problem === undefined
    this.#problem = problem
    const waiting = this.#waiting
    this.#waiting = newGroup()
    const since = this.#held
    this.#held = newGroup()
    const groups = [failed, waiting, since].filter((group) => group !== undefined)
    for (const group of groups) {
      for (let place = 0; place < group.batch.length; place += 2) {
        if (group.refusable.has(place)) continue
        this.#hold(group.batch[place] as StatementName, group.batch[place + 1] as readonly Value[])
      }
    }
    if (isNews) this.#options.onProblem(problem)
    // What is under way may be kept yet, but nobody waits for it: streams must go on in order.
    const flying = this.#flying === undefined ? [] : this.#flying.waiters.splice(0)
    const waiters = [...(failed?.waiters ?? []), ...flying, ...waiting.waiters]
    for (const { done } of waiters) done(problem)
    clearTimeout(this.#retry)
    if (this.#flying !== undefined) return
    this.#retry = setTimeout(() => this.#tryAgain(), this.#options.retryMs ?? 1000).unref()
  }

  #tryAgain(): void {
    if (this.#flying !== undefined) return
    const group = this.#held
    this.#held = newGroup()
    this.#flying = group
    this.#writer.write(group.batch, (answer) => this.#written(group, answer))
  }

  /** A write has succeeded: what has been held meanwhile follows, and then all is well. */
  #recover(): void {
    if (this.#held.batch.length > 0) {
      this.#tryAgain()
      return
    }
    this.#problem = undefined
    const forgotten = this.#forgotten
    this.#forgotten = 0
    this.#options.onRecovered(forgotten)
  }

  #hold(statement: StatementName, values: readonly Value[]): void {
    const held = this.#held
    held.batch.push(statement, values)
    held.size += sizeOf(values)
    while (held.size > this.#maxWaiting) {
      const [, oldest] = held.batch.splice(0, 2)
      held.size -= sizeOf(oldest as readonly Value[])
      this.#forgotten += 1
    }
  }
}

function sizeOf(values: readonly Value[]): number {
  let size = statementSize
  for (const value of values) {
    size += typeof value === 'string' ? value.length : 8
  }
  return size
}
