import { McpError } from './errors.ts'
import type { JsonObject, RequestId } from './types.ts'

/** A JSON-RPC 2.0 request whose envelope has been checked. */
export interface JsonRpcRequest {
  jsonrpc: '2.0'
  id: RequestId
  method: string
  params?: JsonObject
}
export interface JsonRpcNotification {
  jsonrpc: '2.0'
  method: string
  params?: JsonObject
}
export interface JsonRpcError {
  code: number
  message: string
  data?: unknown
}
/** An answer: exactly one of `result` and `error`. An error about an unreadable message has no id. */
export interface JsonRpcResponse {
  jsonrpc: '2.0'
  id?: RequestId
  result?: JsonObject
  error?: JsonRpcError
}

/** A decoded message, or the fault of its envelope together with the id to answer it under. */
export type Envelope =
  | { readonly kind: 'request'; readonly message: JsonRpcRequest }
  | { readonly kind: 'notification'; readonly message: JsonRpcNotification }
  | { readonly kind: 'response'; readonly message: JsonRpcResponse }
  | { readonly kind: 'fault'; readonly error: McpError; readonly id: RequestId | undefined }

/** Checks the envelope of one parsed message (JSON-RPC 2.0; MCP forbids null ids and array params). */
export function openEnvelope(value: unknown): Envelope {
  if (!isJsonObject(value)) return fault('a message must be a JSON object')
  const id = isRequestId(value.id) ? value.id : undefined
  if (value.jsonrpc !== '2.0') return fault('jsonrpc must be "2.0"', id)
  if (value.method !== undefined) return openCall(value, id)
  return openResponse(value, id)
}

function openCall(value: JsonObject, id: RequestId | undefined): Envelope {
  if (typeof value.method !== 'string') return fault('method must be a string', id)
  const hasId = value.id !== undefined
  if (hasId && id === undefined) return fault('id must be a string or an integer')
  if ('result' in value || 'error' in value) {
    return fault('a message with a method must have no result and no error', id)
  }
  if (value.params !== undefined && !isJsonObject(value.params)) {
    const error = new McpError('INVALID_PARAMS', 'Invalid params: params must be an object')
    return { kind: 'fault', error, id }
  }
  return hasId
    ? { kind: 'request', message: value as unknown as JsonRpcRequest }
    : { kind: 'notification', message: value as unknown as JsonRpcNotification }
}

function openResponse(value: JsonObject, id: RequestId | undefined): Envelope {
  const hasResult = value.result !== undefined
  const hasError = value.error !== undefined
  if (!hasResult && !hasError) return fault('a message needs a method, a result or an error', id)
  if (hasResult && hasError) return fault('a response has a result or an error, not both', id)
  if (hasResult && !isJsonObject(value.result)) return fault('result must be an object', id)
  if (hasError && !isRpcError(value.error)) {
    return fault('error must be an object with an integer code and a string message', id)
  }
  // An error may lack the id when the peer could not read ours; a result may not.
  if (id === undefined && (hasResult || (value.id !== undefined && value.id !== null))) {
    return fault('id must be a string or an integer')
  }
  return { kind: 'response', message: value as unknown as JsonRpcResponse }
}

function isRpcError(value: unknown): boolean {
  return isJsonObject(value) && Number.isInteger(value.code) && typeof value.message === 'string'
}

function fault(what: string, id?: RequestId): Envelope {
  return { kind: 'fault', error: new McpError('INVALID_REQUEST', `Invalid request: ${what}`), id }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
}

/** JSON text of a successful response around a result that is JSON text already. */
export function encodeResult(id: RequestId, resultJson: string): string {
  return `${resultHead(id)}${resultJson}}`
}

/** What stands before the result in a response; `}` follows it. For results kept as bytes. */
export function resultHead(id: RequestId): string {
  return `{"jsonrpc":"2.0","id":${typeof id === 'number' ? id : JSON.stringify(id)},"result":`
}

/** JSON text of an error response; without an id when the request's could not be read. */
export function encodeError(
  id: RequestId | undefined,
  error: McpError,
  rpcCodes?: Parameters<McpError['rpcCode']>[0],
): string {
  const body: JsonRpcError = { code: error.rpcCode(rpcCodes), message: error.message }
  if (isJsonable(error.data)) body.data = error.data
  return JSON.stringify(
    id === undefined ? { jsonrpc: '2.0', error: body } : { jsonrpc: '2.0', id, error: body },
  )
}

/** Data that cannot be JSON must not cost the peer its error. */
function isJsonable(data: unknown): boolean {
  if (data === undefined) return false
  try {
    return JSON.stringify(data) !== undefined
  } catch {
    return false
  }
}

export function encodeNotification(method: string, params?: JsonObject): string {
  return JSON.stringify(
    params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params },
  )
}

export function encodeRequest(id: RequestId, method: string, params: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}
