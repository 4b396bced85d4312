import { createRequire } from 'node:module'
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonSchema } from '../protocol/types.ts'
import { patternEngine, type UnboundedPatterns } from './pattern-engine.ts'
import { uniqueItems } from './unique-items.ts'

/** A schema as a user gives it: any Standard Schema that can say its JSON Schema (zod 4, arktype, ...), or JSON Schema. */
export type SchemaInput = StandardSchemaV1 | JsonSchema

/** The value that a schema lets through, after its defaults and transformations. */
export type SchemaOutput<Schema> =
  Schema extends StandardSchemaV1<unknown, infer Output> ? Output : Record<string, unknown>
/** The value that a schema accepts, before its defaults and transformations. */
export type SchemaValue<Schema> = Schema extends StandardSchemaV1<infer Value> ? Value : unknown

export type Checked = { readonly value: unknown } | { readonly problem: string }

/** A schema compiled once, when the tool is registered. */
export interface CompiledSchema {
  /** The document that lists show, exactly as given where it was given as JSON Schema. */
  readonly json: JsonSchema
  /** A promise only where a Standard Schema validates asynchronously. */
  readonly check: (value: unknown) => Checked | Promise<Checked>
}

const dialects = {
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
  'draft-07': 'http://json-schema.org/draft-07/schema',
} as const
type Dialect = keyof typeof dialects

/** How many problems one message names. */
const maxProblems = 5

/**
 * Compiles a schema.
 *
 * @param side - whether the document describes what goes into the schema or what comes out of it
 * @param unboundedPatterns - for JSON Schema; what a Standard Schema does with its patterns is its library's business
 * @throws TypeError when the schema is invalid under its dialect, the dialect is not supported, or a `$ref` leads
 *   outside the document: nothing is ever fetched
 */
export function compileSchema(
  schema: SchemaInput,
  side: 'input' | 'output',
  unboundedPatterns: UnboundedPatterns = 'refuse',
): CompiledSchema {
  return isStandardSchema(schema)
    ? compileStandard(schema, side)
    : compileJsonSchema(schema, unboundedPatterns)
}

function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  return (
    ((typeof schema === 'object' && schema !== null) || typeof schema === 'function') &&
    '~standard' in schema
  )
}

function compileStandard(schema: StandardSchemaV1, side: 'input' | 'output'): CompiledSchema {
  const standard = schema['~standard']
  const { jsonSchema } = standard as Partial<StandardJSONSchemaV1.Props>
  if (jsonSchema === undefined) {
    throw new TypeError(
      `The ${standard.vendor} schema cannot say its JSON Schema (StandardJSONSchemaV1); ` +
        'update the library, or convert the schema (valibot: toStandardJsonSchema)',
    )
  }
  const json = jsonSchema[side]({ target: 'draft-2020-12' })
  return {
    json,
    check: (value) => {
      const result = standard.validate(value)
      return result instanceof Promise ? result.then(fromStandard) : fromStandard(result)
    },
  }
}

function fromStandard(result: StandardSchemaV1.Result<unknown>): Checked {
  if (result.issues === undefined) return { value: result.value }
  const problems = result.issues.slice(0, maxProblems).map(({ path, message }) => {
    const where = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where === undefined || where === '' ? message : `${where}: ${message}`
  })
  return { problem: problems.join('; ') }
}

function compileJsonSchema(schema: JsonSchema, patterns: UnboundedPatterns): CompiledSchema {
  if (!isJsonObject(schema)) throw new TypeError('A schema must be a Standard Schema or an object')
  const ajv = validatorFor(schema, patterns)
  let validate: ValidateFunction
  try {
    validate = ajv.compile(schema)
  } catch (error) {
    throw new TypeError(`Invalid JSON Schema: ${error instanceof Error ? error.message : error}`)
  } finally {
    // Ajv would keep the schema for ever and refuse the same $id in another tool.
    ajv.removeSchema(schema)
    if (typeof schema.$id === 'string') ajv.removeSchema(schema.$id)
  }
  return {
    json: schema,
    check: (value) => (validate(value) ? { value } : { problem: describe(validate.errors ?? []) }),
  }
}

function describe(errors: readonly ErrorObject[]): string {
  const problems = errors.slice(0, maxProblems).map(({ instancePath, message, params }) => {
    const where = instancePath.slice(1).replaceAll('/', '.')
    const extra =
      typeof params.additionalProperty === 'string' ? ` (${params.additionalProperty})` : ''
    return `${where === '' ? '' : `${where}: `}${message ?? 'invalid'}${extra}`
  })
  return problems.join('; ')
}

const validators = new Map<string, Ajv>()
// Ajv takes longer to load than the rest of the server; a program without JSON Schemas never loads it.
const require = createRequire(import.meta.url)

function validatorFor(schema: JsonSchema, patterns: UnboundedPatterns): Ajv {
  const dialect = dialectOf(schema)
  const key = `${dialect} ${patterns}`
  let ajv = validators.get(key)
  if (ajv === undefined) {
    const { default: Constructor } = require(
      dialect === '2020-12' ? 'ajv/dist/2020.js' : 'ajv',
    ) as typeof import('ajv')
    const { default: addFormats } = require('ajv-formats') as typeof import('ajv-formats')
    // Keywords that are not JSON Schema's, such as x-mcp-header, are annotations and no error.
    ajv = new (Constructor as unknown as typeof Ajv)({
      strict: false,
      allErrors: false,
      code: { regExp: patternEngine(patterns) },
    })
    ajv.removeKeyword('uniqueItems').addKeyword(uniqueItems)
    ;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
    validators.set(key, ajv)
  }
  return ajv
}

function dialectOf(schema: JsonSchema): Dialect {
  const named = schema.$schema
  if (named === undefined) return '2020-12'
  for (const [dialect, uri] of Object.entries(dialects)) {
    if (typeof named === 'string' && named.replace(/#$/, '') === uri) return dialect as Dialect
  }
  throw new TypeError(
    `JSON Schema dialect not supported: ${String(named)} (supported: ${Object.values(dialects).join(', ')})`,
  )
}
