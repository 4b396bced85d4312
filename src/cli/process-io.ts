import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'
import type { StopSignal } from './exit-codes.ts'
import type { Io } from './io.ts'

/** The real process, as commands see it. */
export function processIo(): Io {
  const { stdin, stdout, stderr } = process
  // `tsmcp list … | head`: the reader has what it wanted.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    stdin,
    stdout,
    stderr,
    env: process.env,
    cwd: process.cwd(),
    isInteractive: stdin.isTTY === true && stderr.isTTY === true,
    ...(stdout.isTTY ? { columns: stdout.columns } : {}),
    onSignal(listener: (signal: StopSignal) => void): () => void {
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    reserveStdout(): void {
      // Replacing the property, and not `write`, leaves the protocol's own stream as fast as it is.
      Object.defineProperty(process, 'stdout', {
        configurable: true,
        enumerable: true,
        get: () => stderr,
      })
      syncBuiltinESMExports()
    },
  }
}
