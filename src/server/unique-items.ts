import type { FuncKeywordDefinition } from 'ajv'
import { isJsonObject } from '../protocol/json-rpc.ts'

/**
 * `uniqueItems` in time proportional to the array. Ajv compares each item that is an object with each other one, which
 * on a long array takes minutes.
 */
export const uniqueItems: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  validate: (isWanted: boolean, items: readonly unknown[]) =>
    !isWanted || new Set(items.map(canonical)).size === items.length,
  error: { message: 'must NOT have duplicate items' },
}

/** The same text for what JSON Schema takes for equal: members have no order. */
function canonical(item: unknown): string {
  if (typeof item !== 'object' || item === null) return `${typeof item} ${JSON.stringify(item)}`
  return JSON.stringify(item, (_key, each: unknown) =>
    isJsonObject(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
}
