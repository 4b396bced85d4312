import { McpError } from './errors.ts'
import { decodeHeaderValue, encodeHeaderValue, header } from './headers.ts'
import { isJsonObject } from './json-rpc.ts'
import type { JsonObject, JsonSchema } from './types.ts'

/** A tool argument that the client repeats in an `Mcp-Param-*` header, marked by `x-mcp-header` in its schema. */
export interface HeaderParameter {
  /** Name of the header, in lower case. */
  readonly header: string
  /** Where the value stands in the arguments. */
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

const annotation = 'x-mcp-header'
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * The header parameters that an input schema declares (2026-07-28, transports/streamable-http#custom-headers).
 *
 * @throws TypeError when an annotation breaks a rule: not a token, not unique, on a type other than string, integer
 * or boolean, or anywhere but on properties reached by `properties` alone
 */
export function headerParameters(schema: JsonSchema): HeaderParameter[] {
  const found: HeaderParameter[] = []
  collect(schema, [], found)
  if (found.length !== countAnnotations(schema)) {
    throw new TypeError(`${annotation} is allowed only on properties reached by "properties" alone`)
  }
  const names = new Set(found.map((each) => each.header))
  if (names.size !== found.length) throw new TypeError(`${annotation} values must be unique`)
  return found
}

function collect(schema: JsonSchema, path: string[], found: HeaderParameter[]): void {
  if (!isJsonObject(schema.properties)) return
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!isJsonObject(property)) continue
    const here = [...path, name]
    const value = property[annotation]
    if (value !== undefined) found.push(parameter(value, property.type, here))
    collect(property, here, found)
  }
}

function parameter(value: unknown, type: unknown, path: string[]): HeaderParameter {
  const where = path.join('.')
  if (typeof value !== 'string' || !token.test(value)) {
    throw new TypeError(`${annotation} of ${where} must be a token (RFC 9110, 5.6.2)`)
  }
  if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
    throw new TypeError(`${annotation} of ${where} needs type string, integer or boolean`)
  }
  return { header: header.parameterPrefix + value.toLowerCase(), path, type }
}

function countAnnotations(value: unknown): number {
  if (Array.isArray(value))
    return value.reduce<number>((sum, each) => sum + countAnnotations(each), 0)
  if (!isJsonObject(value)) return 0
  let count = isSchemaWithAnnotation(value) ? 1 : 0
  for (const each of Object.values(value)) count += countAnnotations(each)
  return count
}

/** A property that happens to be called `x-mcp-header` has a schema there, not a name. */
function isSchemaWithAnnotation(value: JsonObject): boolean {
  return annotation in value && !isJsonObject(value[annotation])
}

/**
 * Checks the `Mcp-Param-*` headers of a call against its arguments.
 *
 * @throws McpError HEADER_MISMATCH that names the header
 */
export function checkHeaderParameters(
  parameters: readonly HeaderParameter[],
  args: JsonObject,
  getHeader: (name: string) => string | undefined,
): void {
  for (const each of parameters) {
    const value = valueAt(args, each.path)
    const raw = getHeader(each.header)
    if (value === undefined || value === null) {
      if (raw !== undefined) throw mismatch(each, 'is given for an argument that is not')
      continue
    }
    if (raw === undefined) throw mismatch(each, `is required, for argument ${each.path.join('.')}`)
    const decoded = decodeHeaderValue(each.header, raw)
    if (!agrees(each, decoded, value)) throw mismatch(each, 'does not agree with the body')
  }
}

/** The `Mcp-Param-*` headers of a call, for its arguments. */
export function headersOfParameters(
  parameters: readonly HeaderParameter[],
  args: JsonObject,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { header: name, path } of parameters) {
    const value = valueAt(args, path)
    if (typeof value === 'string') headers[name] = encodeHeaderValue(value)
    else if (typeof value === 'number' || typeof value === 'boolean') headers[name] = String(value)
  }
  return headers
}

function agrees(parameter: HeaderParameter, decoded: string, value: unknown): boolean {
  if (typeof value === 'number') {
    if (parameter.type === 'integer' && !Number.isSafeInteger(value)) return false
    return decoded.trim() !== '' && Number(decoded) === value
  }
  if (typeof value === 'boolean') return decoded === String(value)
  return decoded === value
}

function valueAt(args: JsonObject, path: readonly string[]): unknown {
  let value: unknown = args
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

function mismatch(parameter: HeaderParameter, what: string): McpError {
  return new McpError('HEADER_MISMATCH', `Header ${parameter.header} ${what}`)
}
