import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject, JsonSchema, ToolAnnotations } from '../../protocol/types.ts'
import type { OpenApiDocument } from './document.ts'
import { SchemaBundle } from './schemas.ts'

/** Where an argument of a tool goes in the request. */
export interface OperationParameter {
  /** As the tool calls it. */
  readonly argument: string
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly style: 'simple' | 'form' | 'deepObject' | 'spaceDelimited' | 'pipeDelimited'
  readonly explode: boolean
}

/** One operation of a document, as a tool. */
export interface Operation {
  readonly name: string
  readonly title: string | undefined
  readonly description: string
  readonly inputSchema: JsonSchema
  readonly annotations: ToolAnnotations
  /** In upper case. */
  readonly method: string
  /** With its parameters in braces. */
  readonly path: string
  readonly parameters: readonly OperationParameter[]
  /** The argument that is the body, and as what it is sent. */
  readonly body: { readonly argument: string; readonly mediaType: string } | undefined
}

/** An operation that cannot be a tool, and why. */
export interface SkippedOperation {
  readonly method: string
  readonly path: string
  readonly reason: string
}

const methods = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const
/** Headers that are not an argument's to set (OpenAPI 3.1, parameter object). */
const reservedHeaders = new Set(['accept', 'content-type', 'authorization', 'host', 'cookie'])
const maxDescription = 4000

/** All operations of a document, in its order. */
export function operationsOf(document: OpenApiDocument): {
  operations: Operation[]
  skipped: SkippedOperation[]
} {
  const operations: Operation[] = []
  const skipped: SkippedOperation[] = []
  const names = new Set<string>()
  const { paths } = document.root
  for (const [path, item] of Object.entries(isJsonObject(paths) ? paths : {})) {
    const pathItem = document.resolve(item)
    for (const method of methods) {
      if (!isJsonObject(pathItem[method])) continue
      try {
        const operation = readOperation(document, method, path, pathItem, pathItem[method])
        if (names.has(operation.name))
          throw new TypeError(`another is called ${operation.name}, too`)
        names.add(operation.name)
        operations.push(operation)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        skipped.push({ method: method.toUpperCase(), path, reason })
      }
    }
  }
  return { operations, skipped }
}

function readOperation(
  document: OpenApiDocument,
  method: string,
  path: string,
  pathItem: JsonObject,
  operation: JsonObject,
): Operation {
  const bundle = new SchemaBundle(document)
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  const add = (wanted: string, place: string, schema: JsonSchema, isRequired: boolean): string => {
    const argument = Object.hasOwn(properties, wanted) ? `${wanted}_${place}` : wanted
    if (Object.hasOwn(properties, argument)) throw new TypeError(`it has ${argument} twice`)
    properties[argument] = schema
    if (isRequired) required.push(argument)
    return argument
  }
  const parameters: OperationParameter[] = []
  for (const parameter of allParameters(document, pathItem, operation)) {
    const read = readParameter(parameter)
    if (read === undefined) continue
    const { schema, content } = parameter
    // One with `content` is given as text.
    const converted = content === undefined ? bundle.convert(schema) : { type: 'string' }
    const described = withDescription(converted, parameter.description)
    const argument = add(read.name, read.in, described, parameter.required === true)
    parameters.push({ ...read, argument })
  }
  const requestBody =
    operation.requestBody === undefined ? undefined : document.resolve(operation.requestBody)
  let body: Operation['body']
  if (requestBody !== undefined) {
    const { mediaType, schema } = readBody(requestBody)
    const converted = withDescription(bundle.convert(schema), requestBody.description)
    body = { mediaType, argument: add('body', 'body', converted, requestBody.required === true) }
  }
  const definitions = bundle.definitions
  return {
    name: nameOf(method, path, operation),
    title: typeof operation.summary === 'string' ? operation.summary : undefined,
    description: descriptionOf(method, path, operation),
    inputSchema: {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
      ...(definitions !== undefined && { $defs: definitions }),
    },
    annotations: annotationsOf(method),
    method: method.toUpperCase(),
    path,
    parameters,
    body,
  }
}

/** The parameters of a path and of its operation, which come before those of the same name and place. */
function allParameters(
  document: OpenApiDocument,
  pathItem: JsonObject,
  operation: JsonObject,
): JsonObject[] {
  const found = new Map<string, JsonObject>()
  for (const list of [pathItem.parameters, operation.parameters]) {
    for (const each of Array.isArray(list) ? list : []) {
      const parameter = document.resolve(each)
      found.set(`${parameter.in} ${parameter.name}`, parameter)
    }
  }
  return [...found.values()]
}

function readParameter(parameter: JsonObject): Omit<OperationParameter, 'argument'> | undefined {
  const name = String(parameter.name)
  const place = parameter.in as OperationParameter['in']
  if (place === 'header' && reservedHeaders.has(name.toLowerCase())) return undefined
  const isForm = place === 'query' || place === 'cookie'
  const style = (parameter.style ?? (isForm ? 'form' : 'simple')) as OperationParameter['style']
  const known =
    place === 'query' ? ['form', 'deepObject', 'spaceDelimited', 'pipeDelimited'] : undefined
  const isKnown = known?.includes(style) ?? style === (isForm ? 'form' : 'simple')
  if (!isKnown) throw new TypeError(`its parameter ${name} has the style ${style}`)
  const explode = typeof parameter.explode === 'boolean' ? parameter.explode : style === 'form'
  return { name, in: place, style, explode }
}

function readBody({ content }: JsonObject): { mediaType: string; schema: unknown } {
  const types = Object.entries(isJsonObject(content) ? content : {})
  const pick =
    types.find(([type]) => /^application\/([\w.-]+\+)?json\b/i.test(type)) ??
    types.find(([type]) => /^application\/x-www-form-urlencoded\b/i.test(type)) ??
    types.find(([type]) => /^text\//i.test(type))
  if (pick === undefined) throw new TypeError('its body is neither JSON, nor a form, nor text')
  const [mediaType, media] = pick
  return { mediaType, schema: isJsonObject(media) ? media.schema : undefined }
}

function nameOf(method: string, path: string, { operationId }: JsonObject): string {
  const base = typeof operationId === 'string' ? operationId : `${method}${path}`
  const name = base.replace(/[^A-Za-z0-9_.-]+/g, '_').replace(/^_+|_+$/g, '')
  if (name === '') throw new TypeError('it has no name')
  return name.slice(0, 100)
}

function descriptionOf(method: string, path: string, operation: JsonObject): string {
  const { summary, description } = operation
  const parts = [summary, description].filter((each) => typeof each === 'string' && each !== '')
  const told = parts.length === 0 ? `${method.toUpperCase()} ${path}` : parts.join('\n\n')
  return told.slice(0, maxDescription)
}

function withDescription(schema: JsonSchema, description: unknown): JsonSchema {
  if (typeof description !== 'string' || schema.description !== undefined) return schema
  return { ...schema, description: description.slice(0, maxDescription) }
}

/** What HTTP says of its methods (RFC 9110, 9.2). */
function annotationsOf(method: string): ToolAnnotations {
  const readOnlyHint = method === 'get' || method === 'head' || method === 'options'
  return {
    readOnlyHint,
    openWorldHint: true,
    ...(!readOnlyHint && {
      destructiveHint: method === 'delete' || method === 'put',
      idempotentHint: method === 'delete' || method === 'put',
    }),
  }
}
