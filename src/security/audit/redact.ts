import { isJsonObject } from '../../protocol/json-rpc.ts'
import { anyOf } from '../policy/grantee.ts'

/** What the log keeps of the arguments of a call. */
export interface RedactionOptions {
  /** `redacted`: arguments without secrets; `names`: which there were; `none`. Default `redacted`. */
  arguments?: 'redacted' | 'names' | 'none'
  /**
   * Further arguments that are secret, as paths from the name of the tool or prompt on: `payments.card`, `*.ssn`.
   * A star stands for any run of characters.
   */
  redact?: readonly string[]
}

/** Gives the text of arguments as the log keeps them; undefined when it keeps nothing of them. */
export type Redactor = (object: string, given: unknown) => string | undefined

const hidden = '[redacted]'
/** Names whose values are nobody's business. */
const secretName =
  /pass(?:word|wd|phrase|code)|^pass$|secret|token|api[-_]?key|authorization|cookie|credential|private[-_]?key|^pin$|^otp$|^ssn$|^cvv$/i
/** Values that are secrets whatever they are called: tokens, our own keys, PEM, keys of well-known services. */
const secretValue =
  /^bearer\s|^basic\s+[\w+/=]{8}|\beyJ[\w-]{8,}\.[\w-]{8,}\.|\btsmcp_[\w-]{8}|-----BEGIN |\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)[-_]|\bgh[pousr]_\w{20}|\bxox[abprs]-|\bAKIA[0-9A-Z]{16}\b/i

const maxNodes = 100
const maxDepth = 6
const maxText = 200
const maxItems = 20

/**
 * Makes the redactor of a log. What it gives is short, whatever it was given: a record must not cost more than its
 * request.
 */
export function createRedactor(options: RedactionOptions = {}): Redactor {
  const { arguments: kept = 'redacted', redact = [] } = options
  if (kept === 'none') return () => undefined
  const isOwnSecret = redact.length === 0 ? undefined : anyOf(redact)
  const onlyNames = kept === 'names'
  return (object, given) => {
    if (given === undefined) return undefined
    const walk = new Walk(onlyNames, isOwnSecret)
    return JSON.stringify(walk.copy(given, object, 0))
  }
}

class Walk {
  readonly #onlyNames: boolean
  readonly #isOwnSecret: ((path: string) => boolean) | undefined
  #left = maxNodes

  constructor(onlyNames: boolean, isOwnSecret: ((path: string) => boolean) | undefined) {
    this.#onlyNames = onlyNames
    this.#isOwnSecret = isOwnSecret
  }

  copy(value: unknown, path: string, depth: number): unknown {
    this.#left -= 1
    if (this.#left < 0) return '…'
    if (Array.isArray(value)) return this.#array(value, path, depth)
    if (isJsonObject(value)) return this.#object(value, path, depth)
    if (this.#onlyNames) return null
    if (typeof value !== 'string') return value
    // What is cut away is not looked at, and not kept.
    const start = value.length > maxText ? value.slice(0, maxText) : value
    if (secretValue.test(start)) return hidden
    return value.length > maxText ? `${start}… (${value.length})` : value
  }

  #array(value: readonly unknown[], path: string, depth: number): unknown {
    if (depth >= maxDepth) return `[${value.length}]`
    const items = value.slice(0, maxItems).map((each) => this.copy(each, path, depth + 1))
    if (value.length > maxItems) items.push(`… (${value.length})`)
    return items
  }

  #object(value: Readonly<Record<string, unknown>>, path: string, depth: number): unknown {
    if (depth >= maxDepth) return '{…}'
    const copy: Record<string, unknown> = Object.create(null)
    for (const name of Object.keys(value)) {
      if (this.#left <= 0) {
        copy['…'] = '…'
        break
      }
      const inner = `${path}.${name}`
      const isSecret = secretName.test(name) || this.#isOwnSecret?.(inner) === true
      const key = name.length > maxText ? `${name.slice(0, maxText)}…` : name
      copy[key] = isSecret ? hidden : this.copy(value[name], inner, depth + 1)
      if (isSecret) this.#left -= 1
    }
    return copy
  }
}
