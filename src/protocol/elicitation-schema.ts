import { isJsonObject } from './json-rpc.ts'
import type { Revision } from './revisions/revision.ts'
import type { ElicitationSchema, JsonObject } from './types.ts'

/** The forms of elicitation: flat objects of strings, numbers, booleans and choices (client/elicitation). */

const stringFormats = ['email', 'uri', 'date', 'date-time']

/** @throws TypeError that names the property whose schema a form cannot hold */
export function checkElicitationSchema(schema: ElicitationSchema): void {
  if (!isJsonObject(schema) || schema.type !== 'object' || !isJsonObject(schema.properties)) {
    throw new TypeError('The schema of an elicitation must have type "object" and properties')
  }
  for (const [name, property] of Object.entries(schema.properties)) {
    const problem = isJsonObject(property) ? propertyProblem(property) : 'must be a schema object'
    if (problem !== undefined) throw new TypeError(`Elicitation property "${name}" ${problem}`)
  }
}

function propertyProblem(property: JsonObject): string | undefined {
  switch (property.type) {
    case 'string':
      if (property.format !== undefined && !stringFormats.includes(String(property.format))) {
        return `has format ${String(property.format)}; allowed: ${stringFormats.join(', ')}`
      }
      return undefined
    case 'number':
    case 'integer':
      return undefined
    case 'boolean':
      return property.default === undefined || typeof property.default === 'boolean'
        ? undefined
        : 'has a default that is no boolean'
    case 'array':
      return choicesOf(property) === undefined
        ? 'must list its choices in items.enum or items.anyOf'
        : undefined
    default:
      return 'must be a string, number, integer, boolean or a choice of several strings'
  }
}

/**
 * The schema as a revision without rich choices can show it: `oneOf` becomes `enum` with `enumNames`, and only booleans
 * have a `default` (2025-06-18, schema).
 */
export function shapeElicitationSchema(
  revision: Revision,
  schema: ElicitationSchema,
): ElicitationSchema {
  if (revision.elicitation?.richChoices !== false) return schema
  const properties: Record<string, JsonObject> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    if (property.type === 'array') {
      throw new TypeError(
        `Elicitation property "${name}" is a choice of several, which ${revision.name} does not know`,
      )
    }
    properties[name] = plainProperty(property)
  }
  return { ...schema, properties }
}

function plainProperty(property: JsonObject): JsonObject {
  if (property.type === 'boolean') return property
  const { default: _, oneOf, ...rest } = property
  if (!Array.isArray(oneOf)) return rest
  const choices = oneOf as { const: string; title?: string }[]
  return {
    ...rest,
    enum: choices.map((each) => each.const),
    enumNames: choices.map((each) => each.title ?? each.const),
  }
}

/** What is wrong with the content of an accepted form, or undefined when it fits its schema. */
export function elicitedContentProblem(
  schema: ElicitationSchema,
  content: unknown,
): string | undefined {
  if (!isJsonObject(content)) return 'content must be an object'
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(content, name)) return `${name} is required`
  }
  for (const [name, value] of Object.entries(content)) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    if (property === undefined) continue // more than was asked is ignored by the handler
    const problem = valueProblem(property, value)
    if (problem !== undefined) return `${name} ${problem}`
  }
  return undefined
}

function valueProblem(property: JsonObject, value: unknown): string | undefined {
  switch (property.type) {
    case 'string':
      return typeof value === 'string' ? stringProblem(property, value) : 'must be a string'
    case 'integer':
    case 'number':
      return numberProblem(property, value)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be a boolean'
    case 'array':
      return choiceListProblem(property, value)
    default:
      return undefined
  }
}

function stringProblem(property: JsonObject, value: string): string | undefined {
  const choices = choicesOf(property)
  if (choices !== undefined && !choices.includes(value))
    return `must be one of ${choices.join(', ')}`
  const length = [...value].length
  if (typeof property.minLength === 'number' && length < property.minLength) {
    return `must have at least ${property.minLength} characters`
  }
  if (typeof property.maxLength === 'number' && length > property.maxLength) {
    return `must have at most ${property.maxLength} characters`
  }
  return formatMatches(property.format, value) ? undefined : `must be a valid ${property.format}`
}

function formatMatches(format: unknown, value: string): boolean {
  switch (format) {
    case 'email':
      return /^[^\s@]+@[^\s@]+$/.test(value)
    case 'uri':
      return URL.canParse(value)
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))
    case 'date-time':
      return /^\d{4}-\d{2}-\d{2}[Tt]/.test(value) && !Number.isNaN(Date.parse(value))
    default:
      return true
  }
}

function numberProblem(property: JsonObject, value: unknown): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be a number'
  if (property.type === 'integer' && !Number.isInteger(value)) return 'must be an integer'
  if (typeof property.minimum === 'number' && value < property.minimum) {
    return `must be at least ${property.minimum}`
  }
  if (typeof property.maximum === 'number' && value > property.maximum) {
    return `must be at most ${property.maximum}`
  }
  return undefined
}

function choiceListProblem(property: JsonObject, value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be an array'
  const choices = choicesOf(property) ?? []
  if (!value.every((each) => choices.includes(each))) {
    return `must hold only ${choices.join(', ')}`
  }
  if (typeof property.minItems === 'number' && value.length < property.minItems) {
    return `must have at least ${property.minItems} items`
  }
  if (typeof property.maxItems === 'number' && value.length > property.maxItems) {
    return `must have at most ${property.maxItems} items`
  }
  return undefined
}

/** The values that a choice allows, in any of the forms that a choice may have. */
function choicesOf(property: JsonObject): unknown[] | undefined {
  const source = isJsonObject(property.items) ? property.items : property
  if (Array.isArray(source.enum)) return source.enum
  const titled = source.oneOf ?? source.anyOf
  return Array.isArray(titled) ? titled.map((each) => (each as JsonObject).const) : undefined
}
