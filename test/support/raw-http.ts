import { once } from 'node:events'
import { connect } from 'node:net'

/** What came back, cut into its parts. */
export interface RawAnswer {
  status: number
  head: string
  body: string
}

export interface RawRequest {
  method?: string
  target?: string
  headers?: Record<string, string | undefined>
  body?: string | Uint8Array
  /** Byte offsets at which the request is cut into pieces that are written one after the other. */
  cuts?: readonly number[]
}

/** The bytes of a request; header values are written as they are, one byte a character. */
export function rawBytes({
  method = 'POST',
  target = '/mcp',
  headers = {},
  body = '',
}: RawRequest): Buffer {
  const payload = Buffer.from(body)
  const all = {
    host: '127.0.0.1',
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': String(payload.length),
    connection: 'close',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  )
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return Buffer.concat([head, payload])
}

/**
 * Sends bytes over a socket of its own and reads until the other side closes.
 *
 * @param thenEnd - whether to say that nothing more will come
 */
export async function rawExchange(
  port: number,
  bytes: Buffer,
  cuts: readonly number[] = [],
  thenEnd = false,
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.setNoDelay(true)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.once('end', () => socket.end())
  // The server may have said all it has to say before everything is sent.
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  let start = 0
  for (const end of [...cuts, bytes.length].sort((a, b) => a - b)) {
    if (end <= start || socket.destroyed) continue
    socket.write(bytes.subarray(start, end))
    start = end
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (thenEnd) socket.end()
  await closed
  return Buffer.concat(chunks).toString('latin1')
}

/** Sends a request over a socket of its own, with the headers that a good client sends unless told otherwise. */
export async function rawRequest(port: number, request: RawRequest): Promise<RawAnswer> {
  return parseAnswer(await rawExchange(port, rawBytes(request), request.cuts))
}

/** The first answer in a text. */
export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, end)
  const rest = text.slice(end + 4)
  const isChunked = /transfer-encoding: chunked/i.test(head)
  const length = /content-length: (\d+)/i.exec(head)?.[1]
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    head,
    body: isChunked ? unchunked(rest) : length === undefined ? rest : rest.slice(0, Number(length)),
  }
}

function unchunked(text: string): string {
  let rest = text
  let body = ''
  for (;;) {
    const found = /^([0-9a-f]+)\r\n/i.exec(rest)
    const length = Number.parseInt(found?.[1] ?? '0', 16)
    if (found === null || length === 0) return body
    body += rest.slice(found[0].length, found[0].length + length)
    rest = rest.slice(found[0].length + length + 2)
  }
}
