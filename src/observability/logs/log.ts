import { isSecretName } from '../../protocol/secret-names.ts'
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

/** Characters of a longest text in a record, and of what is looked through for secrets. */
const maxText = 1000
const maxWhole = 4000

export function isThreshold(text: string): text is Threshold {
  return text === 'silent' || (levels as readonly string[]).includes(text)
}

/**
 * Records of what happens, for people and programs that run the server. What looks like a secret is taken out of all of
 * them; the level may change at any time.
 */
export class Log {
  readonly #sink: LogSink
  /** Told of each record that is written. */
  onRecord: ((level: Level) => void) | undefined = undefined
  #threshold: Threshold = 'info'
  #rank = 0

  constructor(sink: LogSink, threshold: Threshold = 'info') {
    this.#sink = sink
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
    this.onRecord?.(level)
    this.#sink.write(level, plain(message), plainTexts(logData(fields)) as Fields)
  }
}

/** Plain JSON with all its texts made plain. */
function plainTexts(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.map(plainTexts)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plainTexts(each)]))
}

/** A name and what is said to be its value, as in `password=x` or `"token": "x"`. */
const pair = /([A-Za-z][\w-]{1,40})(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&)}\]]+)/g

/** A text of a length that fits, without what looks like a secret. */
function plain(text: string): string {
  const whole = text.length > maxWhole ? text.slice(0, maxWhole) : text
  const clean = withoutCredentials(whole).replace(pair, (all, name: string, between: string) =>
    isSecretName(name) ? `${name}${between}[redacted]` : all,
  )
  return fit(clean)
}

function fit(text: string): string {
  return text.length > maxText ? `${text.slice(0, maxText)}…` : text
}
