import { CliError, messageOf } from './cli-error.ts'

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'connection refused: start the server there (tsmcp serve FILE.ts), or check host and port',
  ECONNRESET: 'it closed the connection: is it an HTTP server?',
  ENOTFOUND: 'no such host: check the name',
  EAI_AGAIN: 'the name cannot be resolved now: check the network',
  EHOSTUNREACH: 'no route to the host: check the network',
  ENETUNREACH: 'the network cannot be reached: check the connection',
  ETIMEDOUT: 'it does not answer: check host, port and firewall',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer: check host, port and firewall',
  UND_ERR_SOCKET: 'it closed the connection: is it an HTTP server?',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP: check the port',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: try http:// in place of https://',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: name it in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is self-signed: name its authority in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate cannot be verified: name its authority in NODE_EXTRA_CA_CERTS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
}

/** Says in one line why no connection came about, and what to do. */
export function explainConnectError(error: unknown, url: string, timeoutMs: number): unknown {
  if (error instanceof Error && error.name === 'AbortError') return error
  const reason = reasonOf(error, timeoutMs)
  return new CliError(`cannot reach an MCP server at ${url}: ${reason}`, { cause: error })
}

function reasonOf(error: unknown, timeoutMs: number): string {
  const chain = [...causes(error)]
  for (const cause of chain) {
    const reason = reasons[codeOf(cause)]
    if (reason !== undefined) return reason
  }
  if (chain.some((cause) => codeOf(cause) === 'REQUEST_TIMEOUT'))
    return `no answer within ${timeoutMs} ms`
  switch (httpStatusOf(error)) {
    case 401:
      return "it asks who you are (HTTP 401): add --header 'Authorization: Bearer TOKEN'"
    case 403:
      return 'it refuses (HTTP 403): check the token, or the hosts and origins that the server allows'
    case 404:
      return 'there is no endpoint (HTTP 404): the path is usually /mcp'
    case 405:
      return 'this is no MCP endpoint (HTTP 405): the path is usually /mcp'
    case 503:
      return 'it is stopping or has no room (HTTP 503): try again later'
    default:
      return messageOf(chain.at(-1))
  }
}

/** The HTTP status that an error of the client, or a cause of it, carries. */
export function httpStatusOf(error: unknown): number | undefined {
  for (const cause of causes(error)) {
    if (typeof cause !== 'object' || cause === null) continue
    if ('status' in cause && typeof cause.status === 'number') return cause.status
    const inMessage =
      'message' in cause ? /HTTP (\d{3})/.exec(String(cause.message))?.[1] : undefined
    if (inMessage !== undefined) return Number(inMessage)
  }
  return undefined
}

/** An error, its causes, and theirs: fetch hides the socket's error behind its own. */
function* causes(error: unknown): Generator<unknown> {
  const seen = new Set<unknown>()
  const waiting = [error]
  while (waiting.length > 0) {
    const current = waiting.shift()
    if (current === undefined || seen.has(current)) continue
    seen.add(current)
    yield current
    if (current instanceof AggregateError) waiting.push(...current.errors)
    if (current instanceof Error) waiting.push(current.cause)
    if (typeof current === 'object' && current !== null && 'data' in current) {
      const { data } = current
      if (typeof data === 'object' && data !== null && 'cause' in data) waiting.push(data.cause)
    }
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
