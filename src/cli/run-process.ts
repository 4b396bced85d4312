import process from 'node:process'
import { describeFailure } from './cli-error.ts'
import type { ExitCode } from './exit-codes.ts'
import { placeOfFrame } from './load-error.ts'
import { processIo } from './process-io.ts'
import { run } from './run.ts'

/** Runs the command line of this process and ends the process. */
export async function runProcess(): Promise<void> {
  const io = processIo()
  process.on('uncaughtException', (error: unknown) => {
    const place = error instanceof Error ? placeOfFrame(error, io.cwd) : undefined
    const { message } = describeFailure(error)
    io.stderr.write(
      `tsmcp: uncaught error${place === undefined ? '' : ` at ${place}`}: ${message}\n`,
    )
    if (process.argv.includes('--verbose') && error instanceof Error) {
      io.stderr.write(`${error.stack ?? ''}\n`)
    }
    process.exit(1)
  })
  const exitCode: ExitCode = await run(process.argv.slice(2), io)
  // The user's module may hold timers or sockets that would keep the process; output still in a
  // pipe is written first.
  io.stdout.write('', () => process.exit(exitCode))
}
