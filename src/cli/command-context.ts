import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'

/** What a command is given when it is added to the program. */
export interface CommandContext {
  readonly io: Io
  /** Commander drops what an action returns, so an action reports its exit code here. */
  finish(exitCode: ExitCode): void
}
