import type { HttpHeaders } from './exchange.ts'

/** What pages of other origins may do (Fetch standard, 3.3). */
export interface Cors {
  /** The headers that let a page of that origin read a response; undefined for origins that are not on the list. */
  headersFor(origin: string | undefined): HttpHeaders | undefined
  /** The headers of the answer to the question whether a page may call, with the headers it wants to send (preflight). */
  preflightFor(origin: string | undefined, wanted: string | undefined): HttpHeaders | undefined
}

/** Headers of ours that pages may read. */
const exposed = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'
const methods = 'POST, GET, DELETE'
/** Headers that clients send. The `Mcp-Param-` ones are named by tools, so they are allowed as they are asked for. */
const usualHeaders = [
  'content-type',
  'accept',
  'authorization',
  'dpop',
  'x-api-key',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
  'traceparent',
  'tracestate',
]
const parameterHeader = /^mcp-param-[a-z0-9-]{1,100}$/
const maxParameters = 100

/**
 * Lets pages of the listed origins call; no others, and nobody with cookies.
 *
 * @param origins - whole origins, or `*` for any
 */
export function createCors(origins: readonly string[]): Cors | undefined {
  if (origins.length === 0) return undefined
  const listed = new Set(origins.map((origin) => origin.toLowerCase()))
  const isAllowed = (origin: string | undefined): origin is string =>
    origin !== undefined && (listed.has('*') || listed.has(origin.toLowerCase()))
  const baseFor = (origin: string): string[] =>
    listed.has('*')
      ? ['access-control-allow-origin', '*']
      : // The answer is for this origin: a cache must not give it to another.
        ['access-control-allow-origin', origin, 'vary', 'origin']
  return {
    headersFor: (origin) =>
      isAllowed(origin)
        ? [...baseFor(origin), 'access-control-expose-headers', exposed]
        : undefined,
    preflightFor: (origin, wanted) =>
      isAllowed(origin)
        ? [
            ...baseFor(origin),
            'access-control-allow-methods',
            methods,
            'access-control-allow-headers',
            [...usualHeaders, ...parametersIn(wanted)].join(', '),
            'access-control-max-age',
            '600',
          ]
        : undefined,
  }
}

function parametersIn(wanted = ''): string[] {
  const names = wanted.slice(0, 16_384).toLowerCase().split(',')
  return names
    .map((name) => name.trim())
    .filter((name) => parameterHeader.test(name))
    .slice(0, maxParameters)
}
