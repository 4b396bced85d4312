import cluster, { type Worker } from 'node:cluster'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Threshold } from '../observability/logs/log.ts'
import type { Member, ProcessReport } from '../observability/report.ts'
import type { Io } from './io.ts'
import type { ServeValues } from './settings.ts'
import type { SharedAudit } from './shared-audit.ts'
import type { SupervisorMessage, WorkerMessage } from './worker-messages.ts'

const program = fileURLToPath(
  new URL(`../cli/serve-worker${extname(import.meta.url)}`, import.meta.url),
)

/**
 * V8 would let what is young take 48 MiB of each process, which is more than 10,000 open streams take. Requests leave
 * little that is young, so that an eighth of it serves as many of them.
 */
const semiSpaceFlag = '--max-semi-space-size'

/** Flags of Node for a serving process: those of this one, and ours unless the operator has set it. */
function nodeFlags(): string[] {
  const given = [process.env.NODE_OPTIONS ?? '', ...process.execArgv].join(' ')
  const isSet = given.replaceAll('_', '-').includes(semiSpaceFlag)
  return isSet ? process.execArgv : [...process.execArgv, `${semiSpaceFlag}=2`]
}

/** How long a process may take to say how it is. */
const patienceMs = 1000

/** Who wants to know of serving processes. */
export interface Supervision {
  /** There is a process more. @returns a function that says that it has ended */
  join(process: ServeProcess): () => void
}

/** What a serving process is heard to say, and how it ended. */
export interface ServeProcessEvents {
  said(message: WorkerMessage): void
  exited(how: string): void
}

/**
 * A process that serves on sockets which the cluster's primary, this process, owns: processes that ask for the same
 * port share it, so that none of them is missed when it goes. The port must be a certain one (see `withCertainPorts`).
 */
export class ServeProcess implements Member {
  readonly #worker: Worker
  readonly #leave: () => void
  #asked: PromiseWithResolvers<ProcessReport | undefined> | undefined = undefined

  /**
   * @param values - told to the process, with the port that it is to ask for
   * @param audit - writes what the process records
   */
  constructor(
    file: string,
    values: ServeValues & { readonly json: boolean },
    io: Io,
    events: ServeProcessEvents,
    audit: SharedAudit | undefined,
    supervision: Supervision,
  ) {
    cluster.setupPrimary({ exec: program, args: [], execArgv: nodeFlags(), silent: true })
    const worker = cluster.fork()
    this.#worker = worker
    // What the user's code prints goes where it would go without a process of its own, except under --json.
    worker.process.stdout?.on('data', (chunk) => {
      ;(values.json ? io.stderr : io.stdout).write(chunk)
    })
    worker.process.stderr?.on('data', (chunk) => io.stderr.write(chunk))
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'report') this.#asked?.resolve(message.report)
      else if (message.kind !== 'audit') events.said(message)
      else
        void audit?.take(message.batch).then((receipt) => this.#tell({ kind: 'audited', receipt }))
    })
    this.#leave = supervision.join(this)
    worker.on('exit', (code, signal) => {
      this.#asked?.resolve(undefined)
      this.#leave()
      events.exited(signal ?? `exit code ${code}`)
    })
    this.#tell({ kind: 'serve', file, cwd: io.cwd, values })
  }

  /** How the process is, unless it takes too long to say. */
  async ask(): Promise<ProcessReport | undefined> {
    if (this.#asked === undefined) {
      const asked = Promise.withResolvers<ProcessReport | undefined>()
      this.#asked = asked
      const timer = setTimeout(() => asked.resolve(undefined), patienceMs).unref()
      this.#tell({ kind: 'report' })
      void asked.promise.finally(() => {
        clearTimeout(timer)
        this.#asked = undefined
      })
    }
    return this.#asked.promise
  }

  set logLevel(level: Threshold) {
    this.#tell({ kind: 'log-level', level })
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  /** Lets it finish what it does. @returns when it has ended */
  async drain(): Promise<void> {
    const worker = this.#worker
    if (worker.isDead()) return
    this.#tell({ kind: 'drain' })
    await new Promise((resolve) => worker.once('exit', resolve))
  }

  /** Ends it at once. */
  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  #tell(message: SupervisorMessage): void {
    // A process that is just ending cannot be told any more: its `exit` says the rest.
    if (this.#worker.isConnected()) this.#worker.send(message, () => {})
  }
}
