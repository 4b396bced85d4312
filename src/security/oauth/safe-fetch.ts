import { type LookupAddress, lookup } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { builtin } from '../../internal/builtin.ts'
import { isPublicAddress } from './public-address.ts'
import { isSecureOrLoopback } from './resource-uri.ts'

/** A longer answer is refused. */
const maxBytes = 512 * 1024
/** All of it must have come by then. */
const timeoutMs = 5000

export interface SafeRequest {
  readonly url: string
  /**
   * The issuer in whose name is fetched. Its own host may have any address, for that is the operator's choice; another
   * that its metadata names must have public addresses.
   */
  readonly issuer: URL
  /** A form to post; default: GET. */
  readonly form?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Fetches JSON for an authorization server, from nowhere that its metadata should not lead to (SSRF): `https` only
 * (`http` where the issuer itself is a loopback one), no redirects, no private addresses, within a time and a size.
 *
 * @throws Error for anything but an answer with status 200 and JSON
 */
export async function fetchJson(request: SafeRequest): Promise<unknown> {
  const url = requireAllowed(request)
  const text = await send(url, request)
  return JSON.parse(text)
}

function requireAllowed({ url: text, issuer }: SafeRequest): URL {
  if (!URL.canParse(text)) throw new Error('not a URL')
  const url = new URL(text)
  if (!isSecureOrLoopback(url) || (url.protocol === 'http:' && issuer.protocol !== 'http:')) {
    throw new Error(`${url.origin}: only https is allowed`)
  }
  if (url.username !== '' || url.password !== '') throw new Error(`${url.origin}: has a password`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // Names are looked at when they have been resolved.
  if (url.hostname !== issuer.hostname && isIP(host) !== 0 && !isPublicAddress(host)) {
    throw new Error(`${url.origin}: private addresses are not allowed`)
  }
  return url
}

function send(url: URL, { issuer, form, headers }: SafeRequest): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const stack = url.protocol === 'https:' ? builtin.https : builtin.http
  const sending = stack.request(url, {
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    signal: AbortSignal.timeout(timeoutMs),
    ...(url.hostname !== issuer.hostname && { lookup: publicOnly }),
  })
  sending.once('error', reject)
  sending.once('response', (response) => {
    if (response.statusCode === 200) read(response, resolve, reject)
    else {
      reject(new Error(`${url.origin}${url.pathname} answered ${response.statusCode}`))
      response.destroy()
    }
  })
  sending.end(form?.toString())
  return promise
}

function read(
  response: IncomingMessage,
  resolve: (text: string) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxBytes) response.destroy(new Error(`the answer is over ${maxBytes} bytes`))
    else chunks.push(chunk)
  })
  response.once('error', reject)
  response.once('end', () => resolve(Buffer.concat(chunks).toString()))
}

/** Resolves names to public addresses: what is looked at is what is connected to. */
const publicOnly: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const addresses = found as LookupAddress[] | undefined
    const first = addresses?.[0]
    if (error !== null || addresses === undefined || first === undefined) {
      done(error ?? new Error(`${hostname}: no address`), '', 0)
    } else if (!addresses.every(({ address }) => isPublicAddress(address))) {
      done(new Error(`${hostname}: private addresses are not allowed`), '', 0)
    } else if (options.all === true) done(null, addresses)
    else done(null, first.address, first.family)
  })
}
