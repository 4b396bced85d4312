import { withoutCredentials } from '../server/log-data.ts'

const redacted = '[redacted]'

/** What only one upstream may know, to be taken out of all that it says. */
export class Secrets {
  readonly #pattern: RegExp | undefined

  constructor(secrets: readonly string[]) {
    // Longer ones first: one may begin with another.
    const words = secrets.toSorted((a, b) => b.length - a.length).map(escaped)
    this.#pattern = words.length === 0 ? undefined : new RegExp(words.join('|'), 'g')
  }

  /** A text for a log: without these secrets, and without what looks like credentials. */
  line(text: string): string {
    return withoutCredentials(this.text(text))
  }

  text(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, redacted)
  }

  /** A JSON value without the secrets: the same object if it holds none. */
  value<Value>(value: Value): Value {
    return this.#pattern === undefined ? value : (this.#clean(value) as Value)
  }

  #clean(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const cleaned = value.map((each) => this.#clean(each))
      return cleaned.every((each, index) => each === value[index]) ? value : cleaned
    }
    let changed: Record<string, unknown> | undefined
    for (const [name, each] of Object.entries(value)) {
      const cleanName = this.text(name)
      const clean = this.#clean(each)
      if (clean === each && cleanName === name) continue
      changed ??= { ...value }
      if (cleanName !== name) delete changed[name]
      changed[cleanName] = clean
    }
    return changed ?? value
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
