import { logData, withoutCredentials } from '../../server/log-data.ts'

export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
/** How severe something is, the least severe first. */
export type Level = (typeof levels)[number]
/** Levels that a log can be set to. */
export type Threshold = Level | 'silent'

/** What belongs to a record beside its sentence. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined | object>>

/** Where records go. */
export interface LogSink {
  write(level: Level, message: string, fields: Fields): void
}

/** Characters of a longest text in a record. */
const maxText = 1000

export function isThreshold(text: string): text is Threshold {
  return text === 'silent' || (levels as readonly string[]).includes(text)
}

/**
 * Records of what happens, for people and programs that run the server. What looks like a secret is taken out of all of
 * them; the level may change at any time.
 */
export class Log {
  readonly #sink: LogSink
  readonly #onRecord: ((level: Level) => void) | undefined
  #threshold: Threshold = 'info'
  #rank = 0

  /** @param onRecord - told of each record that is written */
  constructor(sink: LogSink, threshold: Threshold = 'info', onRecord?: (level: Level) => void) {
    this.#sink = sink
    this.#onRecord = onRecord
    this.level = threshold
  }

  get level(): Threshold {
    return this.#threshold
  }
  set level(level: Threshold) {
    this.#threshold = level
    this.#rank = level === 'silent' ? levels.length : levels.indexOf(level)
  }

  /** Whether records of that level are written: look before you make what is expensive. */
  writes(level: Level): boolean {
    return levels.indexOf(level) >= this.#rank
  }

  write(level: Level, message: string, fields: Fields = {}): void {
    if (!this.writes(level)) return
    this.#onRecord?.(level)
    const clean = logData(fields) as Record<string, unknown>
    this.#sink.write(level, fit(withoutCredentials(message)), shortened(clean))
  }
}

function shortened(fields: Record<string, unknown>): Fields {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? fit(value) : value,
  ])
  return Object.fromEntries(entries)
}

function fit(text: string): string {
  return text.length > maxText ? `${text.slice(0, maxText)}…` : text
}
