import { type ErrorCode, McpError } from '../../protocol/errors.ts'
import { isJsonObject, type JsonRpcError } from '../../protocol/json-rpc.ts'
import { parseJson } from '../../protocol/json-text.ts'

/** What an HTTP status says, or the JSON-RPC error in its body. */
export function statusError(status: number, body: string): McpError {
  const error = rpcErrorIn(body)
  // Refusals at the door have meanings that the numbers of JSON-RPC do not tell apart.
  const code = codesByStatus[status]
  if (error !== undefined && code === undefined) return McpError.received(error)
  const said = error === undefined ? '' : `: ${error.message}`
  const cause = Object.assign(new Error(`HTTP ${status}${said}`), { status })
  return new McpError(
    code ?? 'INVALID_RESPONSE',
    `The server answered with HTTP ${status}${said}`,
    { cause },
  )
}

const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  405: 'METHOD_NOT_ALLOWED',
  429: 'RATE_LIMITED',
  503: 'OVERLOADED',
}

function rpcErrorIn(body: string): JsonRpcError | undefined {
  try {
    const value = parseJson(body)
    const error = isJsonObject(value) ? value.error : undefined
    if (!isJsonObject(error) || !Number.isInteger(error.code)) return undefined
    return { code: error.code as number, message: String(error.message ?? ''), data: error.data }
  } catch {
    // no JSON-RPC error then
    return undefined
  }
}
