import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpHeaders } from '../transports/http/exchange.ts'

/** Web pages of clients read these documents before they have any credentials (RFC 9728, 3). */
const headers: HttpHeaders = [
  'content-type',
  'application/json',
  'cache-control',
  'public, max-age=300',
  'access-control-allow-origin',
  '*',
  'access-control-allow-methods',
  'GET',
  'access-control-allow-headers',
  'mcp-protocol-version',
]

/** How a document for everybody is answered, whatever HTTP stack is beneath. */
export function documentAnswer(
  method: string | undefined,
  document: string,
): { status: number; headers: HttpHeaders; body: string } {
  if (method === 'GET' || method === 'HEAD') return { status: 200, headers, body: document }
  if (method === 'OPTIONS') return { status: 204, headers, body: '' }
  return { status: 405, headers: ['allow', 'GET, HEAD, OPTIONS'], body: '' }
}

/** Answers with a document for everybody. */
export function sendDocument(
  request: IncomingMessage,
  response: ServerResponse,
  document: string,
): void {
  request.resume()
  const { status, headers, body } = documentAnswer(request.method, document)
  const length = status === 204 ? [] : ['content-length', String(Buffer.byteLength(body))]
  response.writeHead(status, [...headers, ...length])
  response.end(body)
}
