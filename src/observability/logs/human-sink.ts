import type { Fields, Level, LogSink } from './log.ts'

/**
 * Records as people read them: the sentence, and in brackets what it belongs to.
 *
 *     tools/call forecast: Internal error [request 4, session a1b2c3…, trace 4bf92f3577b34da6a3ce929d0e0e4736]
 */
export class HumanSink implements LogSink {
  readonly #writeLine: (line: string) => void

  /** @param writeLine - must make the line harmless for a terminal */
  constructor(writeLine: (line: string) => void) {
    this.#writeLine = writeLine
  }

  write(level: Level, message: string, fields: Fields): void {
    const isTold = level === 'info' || message.startsWith('tsmcp: ')
    const prefix = isTold ? '' : level === 'warn' || level === 'error' ? 'tsmcp: ' : `${level}: `
    const details = Object.entries(fields)
      .filter(([name, value]) => value !== undefined && shown.has(name))
      .map(
        ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
      )
    const end = details.length === 0 ? '' : ` [${details.join(', ')}]`
    // One record is one line, whatever a client has made part of it.
    this.#writeLine(`${prefix}${message}${end}`.replace(/\s*[\r\n]\s*/g, ' '))
  }
}

/** What helps a reader; the others are for programs. */
const shown: ReadonlySet<string> = new Set(['reason', 'request', 'session', 'identity', 'trace'])
