import { McpError } from './errors.ts'
import { isJsonObject, isRequestId } from './json-rpc.ts'
import type { RequestId } from './types.ts'

/** How large the parts of a message may be, whatever its size. */
export interface JsonBounds {
  /** Arrays and objects inside one another. Default 100. */
  readonly maxDepth: number
  /** Items of one array, or members of one object. Default 100,000. */
  readonly maxItems: number
  /** Characters of one string, as it is written. Default 4 Mi. */
  readonly maxStringLength: number
}

export const defaultJsonBounds: JsonBounds = {
  maxDepth: 100,
  maxItems: 100_000,
  maxStringLength: 4 * 1024 * 1024,
}

/**
 * Parses JSON text.
 *
 * @throws McpError PARSE_ERROR, which says where but never repeats the input; INVALID_REQUEST for parts that are too
 *   large, and for members that would change prototypes: `idInText` finds the id to refuse it with
 */
export function parseJson(text: string, bounds: JsonBounds = defaultJsonBounds): unknown {
  checkJsonBounds(text, bounds)
  const value = parse(text)
  if (isPolluting(text, value)) {
    throw new McpError(
      'INVALID_REQUEST',
      'Invalid request: members named __proto__, or constructor.prototype, are not accepted',
    )
  }
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1]
    const where = position === undefined ? '' : ` (position ${position})`
    throw new McpError('PARSE_ERROR', `Parse error: the message is not valid JSON${where}`)
  }
}

const quote = 34
const comma = 44
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

/**
 * Checks the bounds of JSON text before it is parsed. Text that is too short to break any bound is not looked at, and
 * that is nearly all of it; of other text it is first counted how many brackets there are.
 *
 * @throws McpError INVALID_REQUEST that says which bound, never what was sent
 */
function checkJsonBounds(text: string, bounds: JsonBounds): void {
  const { maxDepth, maxItems, maxStringLength } = bounds
  // Each level has two brackets, each item but the first a comma before it and something after.
  const mayBeDeep = text.length > 2 * maxDepth && hasMoreBrackets(text, maxDepth)
  if (mayBeDeep || text.length > 2 * maxItems || text.length > maxStringLength) {
    scan(text, bounds)
  }
}

/** Whether more arrays and objects are begun than that: found out by the engine's own search, which is fast. */
function hasMoreBrackets(text: string, count: number): boolean {
  let left = count
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      left -= 1
      if (left < 0) return true
    }
  }
  return false
}

function scan(text: string, { maxDepth, maxItems, maxStringLength }: JsonBounds): void {
  /** Commas so far of each open array or object. */
  const commas: number[] = []
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        if (end - at - 1 > maxStringLength) {
          throw exceeded(`a string may have ${maxStringLength} characters`)
        }
        at = end
        break
      }
      case openBracket:
      case openBrace:
        if (commas.length >= maxDepth) throw exceeded(`at most ${maxDepth} levels may be nested`)
        commas.push(0)
        break
      case closeBracket:
      case closeBrace:
        commas.pop()
        break
      case comma: {
        const count = (commas.pop() ?? 0) + 1
        if (count >= maxItems) {
          throw exceeded(`an array or object may have ${maxItems} items`)
        }
        commas.push(count)
        break
      }
    }
  }
}

/** Where the string ends that begins at a quote; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ; ) {
    const end = text.indexOf('"', from)
    if (end < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1
    if (slashes % 2 === 0) return end
    from = end + 1
  }
}

function exceeded(what: string): McpError {
  return new McpError('INVALID_REQUEST', `Invalid request: ${what}`)
}

/**
 * Whether there are members that would change the prototype of what they are copied to: `__proto__`, and `prototype`
 * inside `constructor`. Text in which neither word can be is not looked at twice.
 *
 * @param value - what the text was parsed to
 */
function isPolluting(text: string, value: unknown): boolean {
  // A name may be written with escapes.
  return (text.includes('proto') || text.includes('\\u')) && pollutes(value)
}

function pollutes(root: unknown): boolean {
  const rest: unknown[] = [root]
  for (let value = rest.pop(); value !== undefined; value = rest.pop()) {
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object' && item !== null) rest.push(item)
    } else if (isJsonObject(value)) {
      if (Object.hasOwn(value, '__proto__')) return true
      const made = Object.hasOwn(value, 'constructor') ? value.constructor : undefined
      if (isJsonObject(made) && Object.hasOwn(made, 'prototype')) return true
      for (const key of Object.keys(value)) {
        const item = value[key]
        if (typeof item === 'object' && item !== null) rest.push(item)
      }
    }
  }
  return false
}

/**
 * The id of a message that is refused by its text, so that its sender can be told which one it was.
 *
 * @returns undefined where there is none at the top
 */
export function idInText(text: string): RequestId | undefined {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        if (depth === 1 && text.slice(at, end) === '"id') {
          const id = literalAfter(text, end + 1)
          if (id !== undefined) return id
        }
        at = end
        break
      }
      case openBracket:
      case openBrace:
        depth += 1
        break
      case closeBracket:
      case closeBrace:
        depth -= 1
        break
    }
  }
  return undefined
}

function literalAfter(text: string, start: number): RequestId | undefined {
  const between = /^\s*:\s*/.exec(text.slice(start, start + 100))?.[0]
  if (between === undefined) return undefined
  const begin = start + between.length
  const literal =
    text.charCodeAt(begin) === quote
      ? text.slice(begin, endOfString(text, begin) + 1)
      : /^-?\d{1,16}(?=\s*[,}])/.exec(text.slice(begin, begin + 200))?.[0]
  if (literal === undefined) return undefined
  try {
    const id: unknown = JSON.parse(literal)
    return isRequestId(id) ? id : undefined
  } catch {
    // not JSON: then it is no id
    return undefined
  }
}
