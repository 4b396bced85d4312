/** The head of a request in HTTP/1.1, read. */
export interface RequestHead {
  /** As it came, with the empty line at its end; a character is a byte. */
  readonly text: string
  readonly method: string
  readonly target: string
  /** The target without its query. */
  readonly path: string
  /** Bytes of the body; 0 when there is none. */
  readonly contentLength: number
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly getHeader: (name: string) => string | undefined
}

/** Bytes of a longest head, and the most headers in one, that are read here. */
export const maxHeadBytes = 8192
const maxHeaders = 64

const requestLine = /(POST|GET|DELETE) (\/[!"$-~]*) HTTP\/1\.1\r\n/y
/** RFC 9110, 5.1 and 5.5: a token, and a value without control characters. */
const headerLine = /([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)\r\n/y
/** These change how the message is read, or what the connection is. */
const framingHeaders: ReadonlySet<string> = new Set([
  'expect',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Reads the head of a request, if it is of the plain kind that nearly all are: one form of each thing, nothing
 * twice, a body of known length.
 *
 * It is no parser of HTTP: what it does not take is left to one (RFC 9112 has the rest). So it may be stricter than
 * needed and must never be laxer: two readers that disagree on where a request ends are how requests are smuggled.
 *
 * @param text - up to and with the empty line
 * @returns undefined for whatever is not plain
 */
export function readRequestHead(text: string): RequestHead | undefined {
  requestLine.lastIndex = 0
  const line = requestLine.exec(text)
  if (line === null) return undefined
  const [, method = '', target = ''] = line
  const headers = new Map<string, string>()
  let position = requestLine.lastIndex
  const end = text.length - 2
  while (position < end) {
    headerLine.lastIndex = position
    const found = headerLine.exec(text)
    if (found === null) return undefined
    position = headerLine.lastIndex
    const name = (found[1] ?? '').toLowerCase()
    if (headers.has(name) || framingHeaders.has(name)) return undefined
    headers.set(name, trimmed(found[2] ?? ''))
  }
  if (headers.size > maxHeaders || !headers.has('host')) return undefined
  const connection = headers.get('connection')
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined
  const length = headers.get('content-length') ?? '0'
  if (!/^\d{1,10}$/.test(length)) return undefined
  const query = target.indexOf('?')
  return {
    text,
    method,
    target,
    path: query < 0 ? target : target.slice(0, query),
    contentLength: Number(length),
    headers,
    getHeader: (name) => headers.get(name),
  }
}

/** Without the optional white space around it (RFC 9110, 5.6.3), which `trim` takes too widely. */
function trimmed(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start += 1
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1
  return value.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
