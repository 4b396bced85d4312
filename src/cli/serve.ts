import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Log } from '../observability/logs/log.ts'
import { serveStdio } from '../stdio.ts'
import { Announcements } from './announcements.ts'
import { stoppingLine } from './banner.ts'
import { usageError } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'
import type { ExitCode } from './exit-codes.ts'
import { introspect } from './introspect.ts'
import type { Io } from './io.ts'
import { limitsOf, listen } from './listen.ts'
import { gatewayLine, isGatewayFile, loadServer } from './load-server.ts'
import { openLog, sayUpstream } from './serve-log.ts'
import { openServeSecurity } from './serve-security.ts'
import { openServingTelemetry, type ServingTelemetry } from './serving-telemetry.ts'
import type { ServeValues } from './settings.ts'
import { commanderOption, commonSettings, resolveSettings, serveSettings } from './settings.ts'
import { untilStopped } from './until-stopped.ts'
import { watchAndServe } from './watch.ts'
import { serveWithWorkers } from './workers.ts'

const examples = `
Examples:
  tsmcp serve server.ts                      on http://127.0.0.1:8080/mcp
  tsmcp serve server.ts --port 3000 --watch  reload when a file changes
  tsmcp serve server.ts --http :8080 --ws /ws --tcp :9090
  tsmcp serve server.ts --data ./data        sessions and tasks outlive a restart
  tsmcp serve server.ts --stdio              as a command of a desktop host
  tsmcp serve mcp.json                       the servers of a desktop host, to many clients
  tsmcp serve server.ts --host 0.0.0.0 --allowed-host mcp.example.com

FILE exports by default a server of defineServer(), one of the official SDK, or a function that
returns either; or it is an mcp.json of a desktop host, whose servers are served together. At SIGTERM or SIGINT calls in flight finish first; a second signal stops at once.`

/** Adds `tsmcp serve` to the program. */
export function addServe(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .summary('serve the MCP server of a TypeScript file')
    .description(
      'Serves the MCP server that a TypeScript or JavaScript file exports, or those that an mcp.json names.',
    )
    .argument('<FILE>', 'the module whose default export is the server, or an mcp.json')
    .addHelpText('after', examples)
  for (const setting of Object.values({ ...serveSettings, ...commonSettings })) {
    command.addOption(commanderOption(setting))
  }
  command.action(async (file: string, flags: Record<string, unknown>) => {
    const { env } = context.io
    const values = resolveSettings(serveSettings, { flags, env })
    const common = resolveSettings(commonSettings, { flags, env })
    context.finish(await runServe(file, { ...values, json: common.json }, context.io))
  })
}

/** Serves until a signal, or the end of stdin, stops it. */
async function runServe(
  file: string,
  values: ServeValues & { readonly json: boolean },
  io: Io,
): Promise<ExitCode> {
  if (values.stdio && values.watch) {
    throw usageError(
      '--watch and --stdio exclude each other, since over stdio the host starts the command: watch over HTTP instead',
    )
  }
  if (values.workers > 1 && (values.stdio || values.watch)) {
    throw usageError('--workers is for serving over HTTP without --watch: leave out one of them')
  }
  if (values.watch && isGatewayFile(file)) {
    throw usageError(`changes of ${file} are followed in any case: leave out --watch`)
  }
  const log = await openLog(values, io)
  if (values.stdio) return serveOverStdio(file, values, io, log)
  let serve = values.watch ? watchAndServe : serveOverHttp
  if (values.workers > 1) serve = serveWithWorkers
  const data = values.data === '' ? '' : resolve(io.cwd, values.data)
  const exitCode = await serve(file, { ...values, data }, io, log)
  const line = exitCode === 0 ? 'stopped' : 'stopped at once'
  new Announcements(values, io, log).say('stopped', line, { exitCode })
  return exitCode
}

async function serveOverHttp(
  file: string,
  values: ServeValues & { readonly json: boolean },
  io: Io,
  log: Log,
): Promise<ExitCode> {
  if (values.json) io.reserveStdout()
  const announcements = new Announcements(values, io, log)
  const server = await loadServer(file, io.cwd, (entry) => {
    if (values.json) announcements.say('upstream', gatewayLine(entry), { ...entry })
    else sayUpstream(log, entry)
  })
  let telemetry: ServingTelemetry | undefined
  const closeRest = async (): Promise<void> => {
    await telemetry?.close()
    await server.close?.()
  }
  try {
    telemetry = await openServingTelemetry(server, values, log, io)
    const listener = await listen(server, values, file, io, telemetry.observer)
    const stopped = untilStopped(io, {
      close: async () => {
        await listener.close()
        await closeRest()
      },
      onStopping: () => announcements.stopping(),
    })
    const { url } = listener
    const others = { ...listener.others, ...telemetry.others }
    announcements.listening({ url, others, introduction: await introspect(server) })
    return stopped
  } catch (error) {
    await closeRest()
    throw error
  }
}

async function serveOverStdio(
  file: string,
  values: ServeValues,
  io: Io,
  log: Log,
): Promise<ExitCode> {
  io.reserveStdout()
  const server = await loadServer(file, io.cwd, (entry) => sayUpstream(log, entry))
  // Who starts the process is who calls: there is no address, and nobody else to keep out.
  const security = await openServeSecurity({ ...values, apiKeys: '' }, [], io.env, io.cwd)
  const telemetry = await openServingTelemetry(server, values, log, io)
  const { guard, stateSecret } = security
  const connection = serveStdio(server, {
    input: io.stdin,
    output: io.stdout,
    drainMs: values.drainMs,
    ...limitsOf(values),
    observer: telemetry.observer,
    ...(guard && { guard }),
    ...(stateSecret !== undefined && { stateSecret }),
  })
  const ended = connection.closed.then(async () => {
    await security.close()
    await telemetry.close()
    await server.close?.()
  })
  const stopped = untilStopped(io, {
    close: () => connection.close().then(() => ended),
    onStopping: () => log.write('info', stoppingLine(values.drainMs), { event: 'stopping' }),
    ended,
  })
  const introduction = await introspect(server)
  const name = introduction?.name ?? file
  log.write('info', `${name} is serving over stdio; it ends when stdin closes`, {
    event: 'listening',
  })
  return stopped
}
