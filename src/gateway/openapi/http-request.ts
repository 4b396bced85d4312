import { invalidParams } from '../../protocol/errors.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'
import type { Operation, OperationParameter } from './operation.ts'

/** A request of HTTP. */
export interface HttpRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: string | undefined
}

/**
 * The request of a call (OpenAPI 3.1, parameter object, style values).
 *
 * @param baseUrl - before the path of the operation
 * @param own - headers of each request, which no argument overrides
 * @throws McpError INVALID_PARAMS for an argument that cannot be sent
 */
export function requestOf(
  operation: Operation,
  args: JsonObject,
  baseUrl: string,
  own: Readonly<Record<string, string>>,
): HttpRequest {
  let { path } = operation
  const query: string[] = []
  const headers = new Headers({ accept: 'application/json, text/*;q=0.9, */*;q=0.5' })
  const cookies: string[] = []
  for (const parameter of operation.parameters) {
    const value = args[parameter.argument]
    if (value === undefined) continue
    const { name } = parameter
    switch (parameter.in) {
      case 'path':
        path = path.replaceAll(`{${name}}`, pathPart(parameter, value))
        break
      case 'query':
        query.push(...queryPairs(parameter, value))
        break
      case 'header':
        setHeader(
          headers,
          name,
          simple(parameter, value, (text) => text),
        )
        break
      case 'cookie':
        cookies.push(`${encodeURIComponent(name)}=${encodeURIComponent(plain(value))}`)
        break
    }
  }
  if (/[{}]/.test(path)) throw invalidParams(`the path ${operation.path} needs all its parameters`)
  if (cookies.length > 0) headers.set('cookie', cookies.join('; '))
  const body = bodyOf(operation, args, headers)
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  const url = new URL(baseUrl.replace(/\/+$/, '') + path)
  if (query.length > 0) url.search = query.join('&')
  return { url, method: operation.method, headers, body }
}

/** A value of a path is one segment of it, whatever it holds. */
function pathPart(parameter: OperationParameter, value: unknown): string {
  const text = simple(parameter, value, encodeURIComponent)
  // Else it would lead to another path.
  if (text === '' || text === '.' || text === '..') {
    throw invalidParams(`${parameter.argument} cannot stand in a path`)
  }
  return text
}

/** `a,b` of a list; `k,v` or, exploded, `k=v` of an object. */
function simple(
  { explode }: OperationParameter,
  value: unknown,
  encode: (text: string) => string,
): string {
  if (Array.isArray(value)) return value.map((each) => encode(plain(each))).join(',')
  if (!isJsonObject(value)) return encode(plain(value))
  return Object.entries(value)
    .map(([key, each]) => `${encode(key)}${explode ? '=' : ','}${encode(plain(each))}`)
    .join(',')
}

function queryPairs(parameter: OperationParameter, value: unknown): string[] {
  const { name, style, explode } = parameter
  const pair = (key: string, each: unknown): string =>
    `${encodeURIComponent(key)}=${encodeURIComponent(plain(each))}`
  if (Array.isArray(value)) {
    if (style === 'form' && explode) return value.map((each) => pair(name, each))
    const separator = { spaceDelimited: '%20', pipeDelimited: '%7C' }[style as string] ?? ','
    const parts = value.map((each) => encodeURIComponent(plain(each)))
    return [`${encodeURIComponent(name)}=${parts.join(separator)}`]
  }
  if (!isJsonObject(value)) return [pair(name, value)]
  const entries = Object.entries(value)
  if (style === 'deepObject') return entries.map(([key, each]) => pair(`${name}[${key}]`, each))
  if (explode) return entries.map(([key, each]) => pair(key, each))
  const parts = entries.flat().map((each) => encodeURIComponent(plain(each)))
  return [`${encodeURIComponent(name)}=${parts.join(',')}`]
}

function bodyOf({ body }: Operation, args: JsonObject, headers: Headers): string | undefined {
  const value = body === undefined ? undefined : args[body.argument]
  if (body === undefined || value === undefined) return undefined
  headers.set('content-type', body.mediaType)
  if (/json/i.test(body.mediaType)) return JSON.stringify(value)
  if (!/urlencoded/i.test(body.mediaType)) return plain(value)
  if (!isJsonObject(value)) throw invalidParams(`${body.argument} must be an object`)
  const form = new URLSearchParams()
  for (const [key, each] of Object.entries(value)) {
    for (const one of Array.isArray(each) ? each : [each]) form.append(key, plain(one))
  }
  return form.toString()
}

function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.set(name, value)
  } catch {
    throw invalidParams(`${name} cannot be the value of a header`)
  }
}

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
