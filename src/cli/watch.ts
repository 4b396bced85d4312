import cluster, { type Worker } from 'node:cluster'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WatchedFiles } from '../internal/watched-files.ts'
import { bannerLines, type Listening, listeningEvent, stoppingLine } from './banner.ts'
import { CliError } from './cli-error.ts'
import type { ExitCode } from './exit-codes.ts'
import { type Io, note, print } from './io.ts'
import type { ServeValues } from './listen.ts'
import { relativeIfInside } from './load-error.ts'
import { findServerFile } from './load-server.ts'
import { untilStopped } from './until-stopped.ts'
import type { SupervisorMessage, WorkerMessage } from './watch-messages.ts'

const workerProgram = fileURLToPath(
  new URL(`./watch-worker${extname(import.meta.url)}`, import.meta.url),
)

/** `serve --watch`: a process that serves, and at each change a new one that takes over when it loads. */
export async function watchAndServe(
  file: string,
  values: ServeValues & { readonly json: boolean },
  io: Io,
): Promise<ExitCode> {
  findServerFile(file, io.cwd)
  const reloader = new Reloader(file, values, io)
  const stopped = untilStopped(io, {
    close: () => reloader.close(),
    onStopping: () => {
      if (values.json) print(io, JSON.stringify({ event: 'stopping' }))
      else note(io, stoppingLine(values.drainMs))
    },
    ended: reloader.failed,
  })
  reloader.start()
  try {
    return await stopped
  } finally {
    reloader.kill()
  }
}

/**
 * Keeps one process serving. The next one is started beside it and takes the same listening socket,
 * which the cluster's primary (this process) owns: no request meets a closed port, and when the new
 * file does not load the old one has never stopped.
 */
class Reloader {
  /** Rejects when the server can never start: the address is taken, for instance. */
  readonly failed: Promise<never>
  readonly #fail: (error: unknown) => void
  readonly #file: string
  readonly #values: ServeValues & { readonly json: boolean }
  readonly #io: Io
  readonly #watched: WatchedFiles
  #serving: Worker | undefined
  #starting: Worker | undefined
  #url: string | undefined
  #port: number
  #isClosing = false

  constructor(file: string, values: ServeValues & { readonly json: boolean }, io: Io) {
    this.#file = file
    this.#values = values
    this.#port = values.port
    this.#io = io
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    this.#watched = new WatchedFiles((path) => this.#reload(path))
    cluster.setupPrimary({ exec: workerProgram, args: [], silent: true })
  }

  start(): void {
    const startedAt = Date.now()
    this.#watched.add([findServerFile(this.#file, this.#io.cwd)], startedAt)
    const worker = cluster.fork()
    this.#starting = worker
    // What the user's code prints goes where it would go without --watch, except under --json.
    worker.process.stdout?.on('data', (chunk) => {
      const { stdout, stderr } = this.#io
      ;(this.#values.json ? stderr : stdout).write(chunk)
    })
    worker.process.stderr?.on('data', (chunk) => this.#io.stderr.write(chunk))
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'files') this.#watched.add(message.files, startedAt)
      else if (message.kind === 'failed') this.#onFailed(worker, message)
      else if (message.kind === 'listening') this.#onListening(worker, message, startedAt)
    })
    worker.on('exit', (code, signal) => this.#onExit(worker, signal ?? `exit code ${code}`))
    tell(worker, {
      kind: 'serve',
      file: this.#file,
      cwd: this.#io.cwd,
      values: { ...this.#values, port: this.#portForNext() },
    })
  }

  /**
   * The cluster shares a socket among processes that ask for the same port, and 0 is one such port.
   * When no process is left to share with, the port that 0 once took is asked for by its number.
   */
  #portForNext(): number {
    if (this.#serving === undefined && this.#url !== undefined) {
      this.#port = Number(new URL(this.#url).port)
    }
    return this.#port
  }

  /** Drains every process and waits for their ends. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#watched.close()
    const workers = Object.values(cluster.workers ?? {})
    await Promise.all(
      workers.map((worker) => {
        if (worker === undefined || worker.isDead()) return undefined
        tell(worker, { kind: 'drain' })
        return new Promise((resolve) => worker.once('exit', resolve))
      }),
    )
  }

  /** Ends every process at once. */
  kill(): void {
    this.#isClosing = true
    this.#watched.close()
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
  }

  #reload(path: string): void {
    this.#say('changed', `${relativeIfInside(path, this.#io.cwd)} changed`, { file: path })
    this.#starting?.process.kill('SIGKILL')
    this.#starting = undefined
    try {
      this.start()
    } catch (error) {
      // The file is gone for a moment while it is being replaced, or for good.
      this.#sayFailure(error instanceof Error ? error.message : String(error))
    }
  }

  #onListening(
    worker: Worker,
    message: Extract<WorkerMessage, { kind: 'listening' }>,
    startedAt: number,
  ): void {
    if (worker !== this.#starting) return
    const previous = this.#serving
    this.#serving = worker
    this.#starting = undefined
    if (this.#url === undefined) {
      this.#url = message.url
      const { url, others, introduction } = message
      this.#introduce({ url, others, introduction })
      return
    }
    const sayReloaded = (): void => {
      const ms = Date.now() - startedAt
      this.#say('reloaded', `reloaded in ${ms} ms`, { ms })
    }
    if (previous === undefined) {
      sayReloaded()
      return
    }
    // Not before the old process has hung up on idle clients: they would call it once more.
    previous.on('message', (next: WorkerMessage) => {
      if (next.kind === 'draining') sayReloaded()
    })
    tell(previous, { kind: 'drain' })
  }

  #introduce(listening: Listening): void {
    if (this.#values.json) {
      print(this.#io, JSON.stringify(listeningEvent(listening)))
      return
    }
    for (const line of bannerLines(listening)) print(this.#io, line)
    note(this.#io, 'watching for changes')
  }

  #onFailed(worker: Worker, failure: Extract<WorkerMessage, { kind: 'failed' }>): void {
    if (worker !== this.#starting) return
    this.#starting = undefined
    if (failure.stage === 'listen' && this.#serving === undefined) {
      const error = new CliError(failure.message, { exitCode: failure.exitCode })
      error.stack = failure.stack
      this.#fail(error)
      return
    }
    this.#sayFailure(failure.message)
  }

  #onExit(worker: Worker, how: string): void {
    if (worker === this.#starting) this.#starting = undefined
    else if (worker === this.#serving) this.#serving = undefined
    else return
    if (this.#isClosing) return
    this.#sayFailure(`the serving process ended (${how})`)
  }

  #sayFailure(message: string): void {
    const outlook =
      this.#serving === undefined ? 'waiting for a change' : 'the version before goes on serving'
    this.#say('failed', `tsmcp: ${message}: ${outlook}`, { message })
  }

  #say(event: string, line: string, details: Record<string, unknown>): void {
    if (this.#values.json) print(this.#io, JSON.stringify({ event, ...details }))
    else note(this.#io, line)
  }
}

function tell(worker: Worker, message: SupervisorMessage): void {
  // A worker that is just ending cannot be told any more: its `exit` event says the rest.
  if (worker.isConnected()) worker.send(message, () => {})
}
