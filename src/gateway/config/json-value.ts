import {
  type Node as JsonNode,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import { GatewayFileError } from './gateway-file-error.ts'

/** Where a document comes from, to say where in it something is wrong. */
interface Source {
  readonly file: string
  readonly text: string
}

/**
 * Parses JSON as people write configuration: with comments and trailing commas.
 *
 * @throws GatewayFileError with the line
 */
export function parseJsonFile(text: string, file: string): JsonValue {
  const source = { file, text }
  const errors: ParseError[] = []
  const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, {
    allowTrailingComma: true,
    disallowComments: false,
  })
  const [error] = errors
  if (error !== undefined) {
    throw failureAt(source, error.offset, reasons[printParseErrorCode(error.error)])
  }
  if (root === undefined) throw failureAt(source, 0, 'the file is empty')
  return new JsonValue(source, root, '')
}

/** A value of a JSON document that knows where it stands. Each reader throws a GatewayFileError for what it is not. */
export class JsonValue {
  readonly #source: Source
  readonly #node: JsonNode
  /** How it is reached: `mcpServers.github.args`. */
  readonly path: string

  constructor(source: Source, node: JsonNode, path: string) {
    this.#source = source
    this.#node = node
    this.path = path
  }

  /** @throws GatewayFileError always */
  fail(reason: string): never {
    const what = this.path === '' ? reason : `${this.path} ${reason}`
    throw failureAt(this.#source, this.#node.offset, what)
  }

  /** The members of an object, in their order. @param known - the names that there are; default: any */
  members(known?: readonly string[]): Map<string, JsonValue> {
    if (this.#node.type !== 'object') this.fail('must be an object')
    const members = new Map<string, JsonValue>()
    for (const property of this.#node.children ?? []) {
      const [key, value] = property.children ?? []
      if (key === undefined || value === undefined) continue
      const name = String(key.value)
      const path = this.path === '' ? name : `${this.path}.${name}`
      const member = new JsonValue(this.#source, value, path)
      if (members.has(name)) member.fail('is given twice')
      if (known !== undefined && !known.includes(name)) {
        member.fail(`is not known: there are ${known.join(', ')}`)
      }
      members.set(name, member)
    }
    return members
  }

  items(): JsonValue[] {
    if (this.#node.type !== 'array') this.fail('must be an array')
    return (this.#node.children ?? []).map(
      (node, index) => new JsonValue(this.#source, node, `${this.path}[${index}]`),
    )
  }

  string(): string {
    const { type, value } = this.#node
    if (type !== 'string') this.fail('must be a string')
    return value
  }

  boolean(): boolean {
    const { type, value } = this.#node
    if (type !== 'boolean') this.fail('must be true or false')
    return value
  }

  integer(min: number, max = Number.MAX_SAFE_INTEGER): number {
    const { type, value } = this.#node
    if (type !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`
      this.fail(`must be an integer of ${range}`)
    }
    return value
  }

  oneOf<const Word extends string>(words: readonly Word[]): Word {
    const word = words.find((each) => each === this.#node.value)
    return word ?? this.fail(`must be one of ${words.join(', ')}`)
  }
}

function failureAt({ file, text }: Source, offset: number, reason = 'is no JSON'): Error {
  const before = text.slice(0, offset).split('\n')
  return new GatewayFileError(file, before.length, (before.at(-1)?.length ?? 0) + 1, reason)
}

/** What the parser finds, in words. */
const reasons: Readonly<Record<string, string>> = {
  InvalidSymbol: 'there is a word that JSON does not know',
  InvalidNumberFormat: 'there is a number that is none',
  PropertyNameExpected: 'the name of a member is expected, in double quotes',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a closing brace is missing',
  CloseBracketExpected: 'a closing bracket is missing',
  EndOfFileExpected: 'there is something after the end',
  UnexpectedEndOfComment: 'a comment does not end',
  UnexpectedEndOfString: 'a string does not end',
  UnexpectedEndOfNumber: 'a number does not end',
  InvalidUnicode: 'there is an escape of Unicode that is none',
  InvalidEscapeCharacter: 'there is an escape that JSON does not know',
  InvalidCharacter: 'there is a control character in a string',
}
