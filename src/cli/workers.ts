import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RestartLimits, Restarts } from '../internal/restarts.ts'
import type { Log } from '../observability/logs/log.ts'
import { Announcements } from './announcements.ts'
import { CliError } from './cli-error.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'
import { withCertainPorts } from './listen.ts'
import { findServerFile } from './load-server.ts'
import { NodeSupervision } from './node-supervision.ts'
import { ServeProcess } from './serve-process.ts'
import type { ServeValues } from './settings.ts'
import type { SharedAudit } from './shared-audit.ts'
import { failureOf, type Supervisor, supervised, withSharedAudit } from './supervised.ts'
import type { WorkerMessage } from './worker-messages.ts'

/** A worker that ends is replaced; when so many end in so short a time, the cause is not theirs. */
const restartLimits = (workers: number): RestartLimits => ({
  max: 2 * workers + 2,
  withinMs: 60_000,
  firstDelayMs: 100,
  maxDelayMs: 2000,
})

/** `serve --workers N`: so many processes on one port, each replaced when it ends. */
export async function serveWithWorkers(
  file: string,
  values: ServeValues & { readonly json: boolean },
  io: Io,
  log: Log,
): Promise<ExitCode> {
  findServerFile(file, io.cwd)
  const certain = await withCertainPorts(values)
  const announcements = new Announcements(values, io, log)
  // Sessions are shared through a data folder, which is gone with the service unless it was asked for.
  const folder = values.data === '' ? mkdtempSync(join(tmpdir(), 'tsmcp-')) : undefined
  const shared = { ...certain, data: folder ?? values.data }
  try {
    const supervision = await NodeSupervision.open(shared, log, io)
    try {
      return await withSharedAudit(values, io.cwd, (audit) => {
        const workers = new Workers(file, shared, io, announcements, supervision, audit)
        return supervised(workers, announcements, io)
      })
    } finally {
      await supervision.close()
    }
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Supervises the workers of one node: one for one, with a restart intensity for all of them together. */
class Workers implements Supervisor {
  /** Rejects when there will be no service: the file does not load, or the workers do not stay. */
  readonly failed: Promise<never>
  readonly #fail: (error: unknown) => void
  readonly #file: string
  readonly #values: ServeValues & { readonly json: boolean }
  readonly #io: Io
  readonly #announcements: Announcements
  readonly #supervision: NodeSupervision
  readonly #audit: SharedAudit | undefined
  readonly #restartLimits: RestartLimits
  readonly #restarts: Restarts
  readonly #running = new Map<number, ServeProcess>()
  readonly #listening = new Set<number>()
  readonly #waiting = new Set<NodeJS.Timeout>()
  #isIntroduced = false
  #isClosing = false

  constructor(
    file: string,
    values: ServeValues & { readonly json: boolean },
    io: Io,
    announcements: Announcements,
    supervision: NodeSupervision,
    audit: SharedAudit | undefined,
  ) {
    this.#audit = audit
    this.#file = file
    this.#values = values
    this.#io = io
    this.#announcements = announcements
    this.#supervision = supervision
    this.#restartLimits = restartLimits(values.workers)
    this.#restarts = new Restarts(this.#restartLimits)
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
  }

  /** The first worker goes ahead: what is wrong with the file or the address is then said once. */
  start(): void {
    this.#fork(1)
  }

  /** Lets every worker finish what it does. */
  async close(): Promise<void> {
    this.#isClosing = true
    for (const timer of this.#waiting) clearTimeout(timer)
    await Promise.all([...this.#running.values()].map((worker) => worker.drain()))
  }

  /** Ends every worker at once. */
  kill(): void {
    this.#isClosing = true
    for (const timer of this.#waiting) clearTimeout(timer)
    for (const worker of this.#running.values()) worker.kill()
  }

  #fork(number: number): void {
    const events = {
      said: (message: WorkerMessage) => this.#said(number, message),
      exited: (how: string) => this.#exited(number, how),
    }
    const worker = new ServeProcess(
      this.#file,
      this.#values,
      this.#io,
      events,
      this.#audit,
      this.#supervision,
    )
    this.#running.set(number, worker)
  }

  #said(number: number, message: WorkerMessage): void {
    if (message.kind === 'failed') {
      // Once there has been service, what goes wrong may be over when it is tried again.
      if (this.#listening.size > 0 || this.#isIntroduced) {
        const line = `tsmcp: worker ${number}: ${message.message}`
        this.#announcements.complain(line, { worker: number })
        return
      }
      this.#fail(failureOf(message))
    } else if (message.kind === 'listening') this.#listens(number, message)
  }

  #listens(number: number, message: Extract<WorkerMessage, { kind: 'listening' }>): void {
    this.#listening.add(number)
    const { workers } = this.#values
    if (this.#isIntroduced) {
      this.#announcements.say('restarted', `worker ${number} is back`, { worker: number })
    } else if (number === 1 && this.#running.size === 1) {
      for (let next = 2; next <= workers; next += 1) this.#fork(next)
    }
    if (this.#isIntroduced || this.#listening.size < workers) return
    this.#isIntroduced = true
    const { url, others, introduction } = message
    const pids = [...this.#running.values()].map(({ pid }) => pid)
    const { introduce, others: ownOthers } = this.#supervision
    void introduce(introduction)
    const everything = { url, others: { ...others, ...ownOthers }, introduction }
    this.#announcements.listening(everything, `${workers} workers`, { workers: pids })
  }

  #exited(number: number, how: string): void {
    this.#running.delete(number)
    this.#listening.delete(number)
    if (this.#isClosing) return
    const delayMs = this.#restarts.next(Date.now())
    if (delayMs === undefined) {
      const { max, withinMs } = this.#restartLimits
      this.#fail(
        new CliError(
          `worker ${number} ended (${how}), as workers did ${max} times within ${withinMs / 1000} s: giving up`,
        ),
      )
      return
    }
    const line = `tsmcp: worker ${number} ended (${how}): starting another in ${delayMs} ms`
    const details = { worker: number, how, restartInMs: delayMs }
    this.#announcements.say('ended', line, details, 'error')
    const timer = setTimeout(() => {
      this.#waiting.delete(timer)
      this.#fork(number)
    }, delayMs)
    this.#waiting.add(timer)
  }
}
