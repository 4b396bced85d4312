import { WatchedFiles } from '../internal/watched-files.ts'
import type { Log } from '../observability/logs/log.ts'
import { Announcements } from './announcements.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'
import { withCertainPorts } from './listen.ts'
import { relativeIfInside } from './load-error.ts'
import { findServerFile } from './load-server.ts'
import { NodeSupervision } from './node-supervision.ts'
import { ServeProcess } from './serve-process.ts'
import type { ServeValues } from './settings.ts'
import type { SharedAudit } from './shared-audit.ts'
import { failureOf, type Supervisor, supervised, withSharedAudit } from './supervised.ts'
import type { WorkerMessage } from './worker-messages.ts'

/** `serve --watch`: a process that serves, and at each change a new one that takes over when it loads. */
export async function watchAndServe(
  file: string,
  values: ServeValues & { readonly json: boolean },
  io: Io,
  log: Log,
): Promise<ExitCode> {
  findServerFile(file, io.cwd)
  const announcements = new Announcements(values, io, log)
  const certain = await withCertainPorts(values)
  const supervision = await NodeSupervision.open(certain, log, io)
  try {
    return await withSharedAudit(values, io.cwd, (audit) => {
      const reloader = new Reloader(file, certain, io, announcements, supervision, audit)
      return supervised(reloader, announcements, io)
    })
  } finally {
    await supervision.close()
  }
}

/**
 * Keeps one process serving. The next one is started beside it and takes the same listening socket,
 * which the cluster's primary (this process) owns: no request meets a closed port, and when the new
 * file does not load the old one has never stopped.
 */
class Reloader implements Supervisor {
  /** Rejects when the server can never start: the address is taken, for instance. */
  readonly failed: Promise<never>
  readonly #fail: (error: unknown) => void
  readonly #file: string
  readonly #values: ServeValues & { readonly json: boolean }
  readonly #io: Io
  readonly #announcements: Announcements
  readonly #supervision: NodeSupervision
  readonly #audit: SharedAudit | undefined
  readonly #watched: WatchedFiles
  #serving: ServeProcess | undefined
  #starting: ServeProcess | undefined
  #previous: ServeProcess | undefined
  #isIntroduced = false
  /** What to say when the process before has hung up on idle clients. */
  #sayReloaded: (() => void) | undefined
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
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    this.#watched = new WatchedFiles((path) => this.#reload(path))
  }

  start(): void {
    const startedAt = Date.now()
    this.#watched.add([findServerFile(this.#file, this.#io.cwd)], startedAt)
    const events = {
      said: (message: WorkerMessage) => this.#said(started, message, startedAt),
      exited: (how: string) => this.#exited(started, how),
    }
    const started: ServeProcess = new ServeProcess(
      this.#file,
      this.#values,
      this.#io,
      events,
      this.#audit,
      this.#supervision,
    )
    this.#starting = started
  }

  /** Drains every process and waits for their ends. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#watched.close()
    await Promise.all(this.#processes().map((each) => each.drain()))
  }

  /** Ends every process at once. */
  kill(): void {
    this.#isClosing = true
    this.#watched.close()
    for (const each of this.#processes()) each.kill()
  }

  #processes(): ServeProcess[] {
    return [this.#previous, this.#serving, this.#starting].filter((each) => each !== undefined)
  }

  #reload(path: string): void {
    this.#announcements.say('changed', `${relativeIfInside(path, this.#io.cwd)} changed`, {
      file: path,
    })
    this.#starting?.kill()
    this.#starting = undefined
    try {
      this.start()
    } catch (error) {
      // The file is gone for a moment while it is being replaced, or for good.
      this.#sayFailure(error instanceof Error ? error.message : String(error))
    }
  }

  #said(from: ServeProcess, message: WorkerMessage, startedAt: number): void {
    if (message.kind === 'files') this.#watched.add(message.files, startedAt)
    else if (message.kind === 'failed') this.#onFailed(from, message)
    else if (message.kind === 'listening') this.#onListening(from, message, startedAt)
    else if (from === this.#previous) this.#sayReloaded?.()
  }

  #onListening(
    from: ServeProcess,
    message: Extract<WorkerMessage, { kind: 'listening' }>,
    startedAt: number,
  ): void {
    if (from !== this.#starting) return
    const previous = this.#serving
    this.#serving = from
    this.#starting = undefined
    if (!this.#isIntroduced) {
      this.#isIntroduced = true
      const { url, others, introduction } = message
      const { introduce, others: ownOthers } = this.#supervision
      void introduce(introduction)
      const everything = { url, others: { ...others, ...ownOthers }, introduction }
      this.#announcements.listening(everything, 'watching for changes')
      return
    }
    const sayReloaded = (): void => {
      const ms = Date.now() - startedAt
      this.#announcements.say('reloaded', `reloaded in ${ms} ms`, { ms })
    }
    if (previous === undefined) {
      sayReloaded()
      return
    }
    // Not before the old process has hung up on idle clients: they would call it once more.
    this.#sayReloaded = sayReloaded
    this.#previous = previous
    void previous.drain()
  }

  #onFailed(from: ServeProcess, failure: Extract<WorkerMessage, { kind: 'failed' }>): void {
    if (from !== this.#starting) return
    this.#starting = undefined
    if (failure.stage === 'listen' && this.#serving === undefined) {
      this.#fail(failureOf(failure))
      return
    }
    this.#sayFailure(failure.message)
  }

  #exited(who: ServeProcess, how: string): void {
    if (who === this.#previous) this.#previous = undefined
    if (who === this.#starting) this.#starting = undefined
    else if (who === this.#serving) this.#serving = undefined
    else return
    if (this.#isClosing) return
    this.#sayFailure(`the serving process ended (${how})`)
  }

  #sayFailure(message: string): void {
    const outlook =
      this.#serving === undefined ? 'waiting for a change' : 'the version before goes on serving'
    this.#announcements.say('failed', `tsmcp: ${message}: ${outlook}`, { message }, 'error')
  }
}
