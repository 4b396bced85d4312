/** The signals that ask the process to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM'

/** What the process says to its parent when it ends. */
export type ExitCode = 0 | 1 | 2 | 130 | 143

/** One row a code: the page docs/reference/cli.md and `tsmcp --help` are written from it. */
export const exitCodes: readonly { readonly code: ExitCode; readonly meaning: string }[] = [
  {
    code: 0,
    meaning:
      'done; for `serve`: stopped after a signal, with every call answered or the drain over',
  },
  {
    code: 1,
    meaning: 'failed: the file did not load, nothing answers, the tool reported an error, …',
  },
  { code: 2, meaning: 'wrong usage: an unknown command or option, a value that is not allowed' },
  {
    code: 130,
    meaning: 'stopped at once by SIGINT (Ctrl-C): `call`, or `serve` at the second signal',
  },
  { code: 143, meaning: 'stopped at once by SIGTERM: `call`, or `serve` at the second signal' },
]

/** The code of a process that a signal stopped at once: 128 plus the signal's number. */
export function exitCodeOf(signal: StopSignal): ExitCode {
  return signal === 'SIGINT' ? 130 : 143
}
