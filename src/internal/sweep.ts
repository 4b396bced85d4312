/**
 * One timer for everything that ages: sessions, deadlines, keep-alives.
 *
 * A timer for each connection or request would cost memory and time for something that almost never happens, so
 * what can expire is looked at once an interval. The timer never keeps the process alive.
 */
export class Sweep {
  readonly #tasks = new Set<(nowMs: number) => void>()
  readonly #intervalMs: number
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(intervalMs: number, onError: (error: unknown) => void) {
    this.#intervalMs = intervalMs
    this.#onError = onError
  }

  /** Calls `task` once an interval with the clock's milliseconds, until the returned function is called. */
  add(task: (nowMs: number) => void): () => void {
    this.#tasks.add(task)
    this.#timer ??= setInterval(() => this.run(Date.now()), this.#intervalMs).unref()
    return () => {
      this.#tasks.delete(task)
      if (this.#tasks.size === 0) this.stop()
    }
  }

  /** One round, with the clock as an argument so that tests need not wait. */
  run(nowMs: number): void {
    for (const task of this.#tasks) {
      try {
        task(nowMs)
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#tasks.clear()
  }
}
