import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject, JsonSchema } from '../../protocol/types.ts'
import type { OpenApiDocument } from './document.ts'

/** Members that are about documentation or XML, and only cost a model attention. */
const left = new Set(['example', 'examples', 'externalDocs', 'xml', 'discriminator', 'deprecated'])
const maxDefinitions = 1000

/** The schemas of one tool: what they refer to is taken along once, as `$defs`. */
export class SchemaBundle {
  readonly #document: OpenApiDocument
  readonly #names = new Map<string, string>()
  readonly #definitions: Record<string, JsonSchema> = {}

  constructor(document: OpenApiDocument) {
    this.#document = document
  }

  /** A schema of the document as one of JSON Schema 2020-12. @throws TypeError for a reference that leads nowhere */
  convert(schema: unknown): JsonSchema {
    return isJsonObject(schema) ? (this.#convert(schema) as JsonSchema) : {}
  }

  /** What the converted schemas refer to; undefined when that is nothing. */
  get definitions(): Record<string, JsonSchema> | undefined {
    return this.#names.size === 0 ? undefined : this.#definitions
  }

  #convert(value: unknown, isMap = false): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#convert(each))
    if (!isJsonObject(value)) return value
    const converted: JsonObject = {}
    for (const [key, each] of Object.entries(value)) {
      if (!isMap && left.has(key)) continue
      if (!isMap && key === '$ref' && typeof each === 'string') {
        converted.$ref = `#/$defs/${this.#define(each)}`
      } else if (key === 'enum' || key === 'const' || key === 'default' || key === 'required') {
        converted[key] = each
      } else {
        const holdsNames = !isMap && (key === 'properties' || key === 'patternProperties')
        converted[key] = this.#convert(each, holdsNames)
      }
    }
    return isMap || !this.#document.isOld ? converted : modern(converted)
  }

  #define(reference: string): string {
    const known = this.#names.get(reference)
    if (known !== undefined) return known
    if (this.#names.size >= maxDefinitions) throw new TypeError('it refers to too many schemas')
    const base = (reference.split('/').at(-1) ?? '').replace(/[^A-Za-z0-9_.-]/g, '_')
    const taken = new Set(this.#names.values())
    let name = base
    for (let count = 2; taken.has(name); count++) name = `${base}_${count}`
    // Before what is in it: it may refer to itself.
    this.#names.set(reference, name)
    this.#definitions[name] = this.convert(this.#document.at(reference))
    return name
  }
}

/** What 3.0 writes in a way of its own. */
function modern({ nullable, ...schema }: JsonObject): JsonObject {
  if (nullable === true) {
    if (typeof schema.type === 'string') schema.type = [schema.type, 'null']
    if (Array.isArray(schema.enum)) schema.enum = [...schema.enum, null]
  }
  for (const [bound, limit] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (schema[bound] === true) {
      schema[bound] = schema[limit]
      delete schema[limit]
    } else if (schema[bound] === false) delete schema[bound]
  }
  return schema
}
