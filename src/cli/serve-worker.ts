/**
 * The program of a serving process under `tsmcp serve` with --watch or --workers. It loads the file, listens on the
 * sockets that node:cluster shares among these processes, and drains when told to.
 */
import process from 'node:process'
import type { Threshold } from '../observability/logs/log.ts'
import type { ProcessTelemetry } from '../observability/process-telemetry.ts'
import { ForwardedAudit } from '../security/audit/forwarded-audit.ts'
import { onFullOf } from './audit-options.ts'
import { describeFailure } from './cli-error.ts'
import { introspect } from './introspect.ts'
import { type Listeners, listen } from './listen.ts'
import { type LoadedServer, loadServer } from './load-server.ts'
import { installModuleHooks } from './module-hooks.ts'
import { openLog, sayUpstream } from './serve-log.ts'
import { openProcessTelemetry } from './serve-telemetry.ts'
import type { ServeValues } from './settings.ts'
import type { SupervisorMessage, WorkerMessage } from './worker-messages.ts'

let listener: Listeners | undefined
let loaded: LoadedServer | undefined
let telemetry: ProcessTelemetry | undefined
let logLevel: Threshold | undefined
let isDraining = false
let audit: ForwardedAudit | undefined

process.on('message', (message: SupervisorMessage) => {
  if (message.kind === 'serve') void serve(message.file, message.cwd, message.values as ServeValues)
  else if (message.kind === 'audited') audit?.received(message.receipt)
  else if (message.kind === 'report') void report()
  else if (message.kind === 'log-level') setLogLevel(message.level)
  else void drain()
})
// A terminal, or systemd, signals every process at once. The supervising one says here what is to be done.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => process.exit(1))

async function serve(file: string, cwd: string, values: ServeValues): Promise<void> {
  const seen = installModuleHooks()
  let stage: 'load' | 'listen' = 'load'
  try {
    const log = await openLog(values, process)
    if (logLevel !== undefined) log.level = logLevel
    const server = await loadServer(file, cwd, (entry) => sayUpstream(log, entry))
    loaded = server
    stage = 'listen'
    const place = { env: process.env, cwd }
    telemetry = await openProcessTelemetry(server, values, log, place)
    if (values.audit !== '') {
      audit = new ForwardedAudit({
        send: (batch) => void tell({ kind: 'audit', batch }),
        onFull: onFullOf(values),
      })
    }
    const listening = await listen(server, values, file, { ...place, audit }, telemetry.observer)
    listener = listening
    const introduction = await introspect(server)
    // Before the rest, so that a change made from here on is not missed.
    await tell({ kind: 'files', files: [...seen.own] })
    const { url, others } = listening
    await tell({ kind: 'listening', url, others, ...(introduction && { introduction }) })
  } catch (error) {
    await tell({ kind: 'files', files: [...seen.own] })
    const stack = error instanceof Error ? (error.stack ?? '') : ''
    await tell({ kind: 'failed', stage, stack, ...describeFailure(error) })
    await loaded?.close?.()
    process.exit(1)
  }
}

async function drain(): Promise<void> {
  if (isDraining) return
  isDraining = true
  const closed = listener?.close()
  await tell({ kind: 'draining' })
  await closed
  await loaded?.close?.()
  // What was counted to the last is not to be lost with the process.
  await report()
  await telemetry?.close()
  process.exit(0)
}

async function report(): Promise<void> {
  if (telemetry !== undefined) await tell({ kind: 'report', report: await telemetry.ask() })
}

function setLogLevel(level: Threshold): void {
  logLevel = level
  if (telemetry !== undefined) telemetry.log.level = level
}

function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve()
    else process.send(message, () => resolve())
  })
}
