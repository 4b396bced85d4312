import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { Fields, Level, LogSink } from './log.ts'

/** Records as lines of JSON, as pino writes them. */
export class JsonSink implements LogSink {
  readonly #logger: Logger

  /** @param base - members of all records */
  constructor(writeLine: (line: string) => void, base: Readonly<Record<string, string | number>>) {
    this.#logger = pino(
      {
        // The level is decided before.
        level: 'trace',
        base: { ...base },
        timestamp: stdTimeFunctions.isoTime,
        messageKey: 'message',
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line: string) => writeLine(line.endsWith('\n') ? line.slice(0, -1) : line) },
    )
  }

  write(level: Level, message: string, fields: Fields): void {
    this.#logger[level](fields, message)
  }
}
