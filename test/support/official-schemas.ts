/**
 * The official JSON Schemas of the protocol, one a revision, and what they say of a message.
 *
 * Of all packages only the official conformance suite carries them, inside its bundle: 2025-03-26 and later. That of
 * 2024-11-05 no package carries; it is that of 2025-03-26 without what 2025-03-26 has added.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { RevisionName } from '../../src/protocol/revisions/revision.ts'

type JsonSchema = { [member: string]: JsonSchema }
interface OfficialSchema {
  readonly $schema: string
  readonly definitions?: Record<string, JsonSchema>
  readonly $defs?: Record<string, JsonSchema>
}

/** A message, as far as a schema for it has to be found. */
interface WireMessage {
  readonly id?: unknown
  readonly method?: string | undefined
  readonly result?: { readonly [member: string]: unknown } | undefined
  readonly error?: { readonly code: number } | undefined
}

const bundle = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'))

/** What stands for a JSON Schema, and so may hold any of its words. */
const jsonSchemas = ['inputSchema', 'outputSchema']

/**
 * Reads the schemas out of the bundle of the suite, which exports nothing. Its version is pinned.
 *
 * @throws Error when the bundle is no longer built like that
 */
function readSuite(): Record<RevisionName, OfficialSchema> {
  const source = readFileSync(bundle, 'utf8')
  const table = /\{"2025-03-26":(\w+),"2025-06-18":(\w+),"2025-11-25":(\w+),\[\w+\]:(\w+)\}/.exec(
    source,
  )
  if (table === null) throw new Error(`No table of schemas in ${bundle}`)
  const [v0326, v0618, v1125, v0728] = table.slice(1).map((name) => {
    const start = source.indexOf(`${name}={$schema:`)
    if (start < 0) throw new Error(`No schema ${name} in ${bundle}`)
    const literal = objectLiteral(source, start + name.length + 1)
    return runInNewContext(`JSON.stringify(${literal})`) as string
  })
  const parse = (text = ''): OfficialSchema => JSON.parse(text)
  return {
    '2024-11-05': withoutLaterAdditions(parse(v0326)),
    '2025-03-26': parse(v0326),
    '2025-06-18': parse(v0618),
    '2025-11-25': parse(v1125),
    '2026-07-28': parse(v0728),
  }
}

/** The text of the object literal that begins there. */
function objectLiteral(source: string, start: number): string {
  let depth = 0
  let quote = ''
  for (let at = start; at < source.length; at += 1) {
    const letter = source[at] as string
    if (quote !== '') {
      if (letter === '\\') at += 1
      else if (letter === quote) quote = ''
    } else if (letter === '`' || letter === '"' || letter === "'") quote = letter
    else if (letter === '{') depth += 1
    else if (letter === '}') {
      depth -= 1
      if (depth === 0) return source.slice(start, at + 1)
    }
  }
  throw new Error('An object literal without end')
}

/** What 2025-03-26 has added is all that the two schemas differ by (its changelog, and `git diff` of both). */
function withoutLaterAdditions(schema: OfficialSchema): OfficialSchema {
  const { definitions = {} } = schema
  for (const name of ['AudioContent', 'ToolAnnotations', 'JSONRPCBatchRequest']) {
    delete definitions[name]
  }
  delete definitions.JSONRPCBatchResponse
  delete definitions.Tool?.properties?.annotations
  delete definitions.ServerCapabilities?.properties?.completions
  delete definitions.ProgressNotification?.properties?.params?.properties?.message
  const message = definitions.JSONRPCMessage as unknown as { anyOf: { items?: object }[] }
  message.anyOf = message.anyOf.filter(({ items }) => items === undefined)
  dropReferences(definitions, '#/definitions/AudioContent')
  return schema
}

/** Takes a definition out of every choice. */
function dropReferences(value: unknown, reference: string): void {
  if (typeof value !== 'object' || value === null) return
  const { anyOf } = value as { anyOf?: { $ref?: string }[] }
  if (Array.isArray(anyOf)) {
    Object.assign(value, { anyOf: anyOf.filter(({ $ref }) => $ref !== reference) })
  }
  for (const each of Object.values(value)) dropReferences(each, reference)
}

/**
 * Forbids members that a schema does not name. The official schemas are open, for a receiver must ignore what it does
 * not know; a sender must not use what a revision does not have.
 */
function close(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const schema = value as Record<string, unknown>
  if (isObject(schema.properties) && schema.additionalProperties === undefined) {
    schema.additionalProperties = false
  }
  for (const [member, each] of Object.entries(schema)) {
    // The parts of `allOf` hold a member each, and would forbid one another's.
    if (member === 'allOf' || jsonSchemas.includes(member)) continue
    if (member === 'properties' && isObject(each)) {
      for (const [name, property] of Object.entries(each)) {
        if (!jsonSchemas.includes(name)) close(property)
      }
    } else close(each)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schemas of one revision, by what they are for. */
class RevisionSchemas {
  readonly definitions: Record<string, JsonSchema>
  /** Names of definitions, by the method that they are of. */
  readonly byMethod = new Map<string, string>()
  readonly #ajv: Ajv
  readonly #root: string
  readonly #validators = new Map<string, ValidateFunction>()

  constructor(schema: OfficialSchema) {
    const isNew = schema.$schema.includes('2020-12')
    const options = { strict: false, allErrors: true, validateFormats: false }
    this.#ajv = isNew ? (new Ajv2020(options) as unknown as Ajv) : new Ajv(options)
    this.definitions = (isNew ? schema.$defs : schema.definitions) ?? {}
    for (const [name, definition] of Object.entries(this.definitions)) {
      // Anybody may put anything into `_meta`, under a name of their own.
      if (!name.endsWith('MetaObject')) close(definition)
    }
    this.#root = `mcp:schema#/${isNew ? '$defs' : 'definitions'}/`
    this.#ajv.addSchema({ ...schema, $id: 'mcp:schema' })
    for (const [name, { properties }] of Object.entries(this.definitions)) {
      const method = properties?.method?.const as unknown
      if (typeof method === 'string') this.byMethod.set(method, name)
    }
  }

  /** What is wrong with a value, by the definition of that name. */
  problems(name: string, value: unknown): string[] {
    let validate = this.#validators.get(name)
    if (validate === undefined) {
      validate = this.#ajv.compile({ $ref: this.#root + name })
      this.#validators.set(name, validate)
    }
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const what = `${message} ${JSON.stringify(params)}`
      return `${name}${instancePath}: ${what}`
    })
  }

  /** The message, without `jsonrpc` and `id` where its own definition leaves them to that of the envelope. */
  withoutEnvelope(name: string, message: object): object {
    if (this.definitions[name]?.properties?.jsonrpc !== undefined) return message
    const members = Object.entries(message).filter(([member]) => !/^(jsonrpc|id)$/.test(member))
    return Object.fromEntries(members)
  }

  /** The first of the names that there is. */
  either(...names: string[]): string {
    const name = names.find((each) => each in this.definitions)
    if (name === undefined) throw new Error(`No definition ${names.join(' or ')}`)
    return name
  }
}

const sources = readSuite()
const schemas = new Map<string, RevisionSchemas>()

function schemasOf(revision: string): RevisionSchemas {
  let known = schemas.get(revision)
  if (known === undefined) {
    known = new RevisionSchemas(sources[revision as RevisionName])
    schemas.set(revision, known)
  }
  return known
}

/**
 * What is wrong with a message that a server sends, by the official schema of the revision; and whatever it holds
 * that the revision does not know.
 *
 * @param requestMethod - of the request that a response answers
 */
export function officialProblems(
  revision: string,
  message: WireMessage,
  requestMethod?: string,
): string[] {
  const official = schemasOf(revision)
  if (Array.isArray(message)) {
    if (!('JSONRPCBatchResponse' in official.definitions)) return ['batches do not exist']
    return official.problems('JSONRPCBatchResponse', message)
  }
  const { method, result, error, id } = message
  if (method !== undefined) {
    const name = official.byMethod.get(method)
    if (name === undefined) return [`${method} does not exist`]
    const envelope = id === undefined ? 'JSONRPCNotification' : 'JSONRPCRequest'
    return [
      ...official.problems(envelope, message),
      ...official.problems(name, official.withoutEnvelope(name, message)),
    ]
  }
  if (error !== undefined) {
    // Which request a message is about that cannot be read, nobody knows; schemas before 2025-11-25 cannot say that.
    const envelope = official.either('JSONRPCErrorResponse', 'JSONRPCError')
    const required = official.definitions[envelope]?.required as unknown as string[]
    const isNobodys = id === undefined && required.includes('id')
    return official.problems(envelope, isNobodys ? { ...message, id: 0 } : message)
  }
  const response = official.either('JSONRPCResultResponse', 'JSONRPCResponse')
  const envelope = official.problems(response, message)
  const name = resultDefinition(official, requestMethod, result?.resultType)
  return name === undefined ? envelope : [...envelope, ...official.problems(name, result)]
}

/** The definition of a result; undefined for what an extension defines. */
function resultDefinition(
  official: RevisionSchemas,
  method: string | undefined,
  resultType: unknown,
): string | undefined {
  if (resultType === 'input_required') return official.either('InputRequiredResult')
  if (resultType === 'task') return undefined
  const request = method === undefined ? undefined : official.byMethod.get(method)
  if (request === undefined) return undefined
  const name = request.replace(/Request$/, 'Result')
  return official.either(name, 'EmptyResult')
}

/** The methods that the schema of a revision knows. */
export function officialMethods(revision: string): ReadonlySet<string> {
  return new Set(schemasOf(revision).byMethod.keys())
}
