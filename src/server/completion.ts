import { invalidParams, quoted } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { AuthInfo, Completion, JsonObject } from '../protocol/types.ts'
import type { RequestContext } from './context.ts'
import { mapMaybe } from './maybe-promise.ts'
import { requireScopes } from './required-scopes.ts'

/**
 * Suggests values for an argument, best first.
 *
 * @param value - what has been typed so far
 * @param context - the other arguments as far as they are known, and who asks
 */
export type Completer = (
  value: string,
  context: { arguments: Record<string, string>; authInfo: AuthInfo | undefined },
) => string[] | Promise<string[]>

/**
 * Completes from a list: what begins with the typed text first, then what has a word that does, then what has its
 * letters in their order; otherwise in the order of the list.
 *
 * @example
 * server.prompt('paint', { arguments: { color: { complete: completeFrom(['red', 'green', 'blue']) } } }, …)
 */
export function completeFrom(values: readonly string[]): Completer {
  const ranked = values.map((value) => ({ value, lower: value.toLowerCase() }))
  return (typed) => {
    const wanted = typed.toLowerCase()
    return ranked
      .map(({ value, lower }) => ({ value, rank: rankOf(lower, wanted) }))
      .filter(({ rank }) => rank < noMatch)
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ value }) => value)
  }
}

const noMatch = 3

function rankOf(value: string, wanted: string): number {
  if (value.startsWith(wanted)) return 0
  if (value.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))) return 1
  let found = 0
  for (const letter of value) if (wanted.startsWith(letter, found)) found += letter.length
  return found === wanted.length ? 2 : noMatch
}

/** What a prompt or a resource template offers to complete. */
export interface Completable {
  /** Names of the arguments that exist. */
  readonly argumentNames: readonly string[]
  readonly completers: ReadonlyMap<string, Completer>
  readonly scopes: readonly string[] | undefined
}

/** More values than this are counted but not sent (server/utilities/completion). */
const maxValues = 100

/**
 * Answers `completion/complete`.
 *
 * @param find - the prompt (`ref/prompt`, by name) or template (`ref/resource`, by URI) that is referred to
 */
export function complete(
  context: RequestContext,
  params: JsonObject,
  find: (type: 'ref/prompt' | 'ref/resource', key: string) => Completable | undefined,
): JsonObject | Promise<JsonObject> {
  const { ref, argument } = params
  if (!isJsonObject(ref)) throw invalidParams('ref must be an object')
  if (ref.type !== 'ref/prompt' && ref.type !== 'ref/resource') {
    throw invalidParams('ref.type must be ref/prompt or ref/resource')
  }
  const key = ref.type === 'ref/prompt' ? ref.name : ref.uri
  if (typeof key !== 'string') {
    throw invalidParams(`ref.${ref.type === 'ref/prompt' ? 'name' : 'uri'} must be a string`)
  }
  if (
    !isJsonObject(argument) ||
    typeof argument.name !== 'string' ||
    typeof argument.value !== 'string'
  ) {
    throw invalidParams('argument must have name and value, both strings')
  }
  const { name, value } = argument
  const completable = find(ref.type, key)
  if (completable === undefined)
    throw invalidParams(
      `unknown ${ref.type === 'ref/prompt' ? 'prompt' : 'resource template'}: ${quoted(key)}`,
    )
  requireScopes(context.authInfo, completable.scopes)
  if (!completable.argumentNames.includes(name))
    throw invalidParams(`unknown argument: ${quoted(name)}`)
  const completer = completable.completers.get(name)
  if (completer === undefined) return { completion: { values: [], hasMore: false } }
  const others = knownArguments(params)
  return mapMaybe(
    completer(value, { arguments: others, authInfo: context.authInfo }),
    (values) => ({
      completion: limited(values),
    }),
  )
}

function knownArguments(params: JsonObject): Record<string, string> {
  const { context } = params
  const given = isJsonObject(context) ? context.arguments : undefined
  if (given === undefined) return {}
  if (!isJsonObject(given) || !Object.values(given).every((each) => typeof each === 'string')) {
    throw invalidParams('context.arguments must map names to strings')
  }
  return { ...(given as Record<string, string>) }
}

function limited(values: string[]): Completion {
  const hasMore = values.length > maxValues
  return { values: hasMore ? values.slice(0, maxValues) : values, total: values.length, hasMore }
}
