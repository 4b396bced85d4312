import type { ChildProcess } from 'node:child_process'
import { loadCore, start, stop } from './child.ts'
import { ask } from './ipc.ts'

/** The load generator. It lives for the whole run, so that it is as warm for every server. */
export class Generator {
  #process: ChildProcess | undefined

  /** Runs one job; a generator that did not finish it is replaced before the next one. */
  async run<Value>(job: string, plan: object, timeoutMs = 30_000): Promise<Value> {
    this.#process ??= start('load/main.ts', { core: loadCore })
    const child = this.#process
    let isDone = false
    try {
      const value = await ask<Value>(child, job, plan, timeoutMs)
      isDone = true
      return value
    } finally {
      if (!isDone) await this.close()
    }
  }

  async close(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child) await stop(child)
  }
}
