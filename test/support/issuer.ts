import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export interface TokenParts {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  key?: SigningKey
  /** Claims to leave out. */
  without?: readonly string[]
}

/** An authorization server of tests: it publishes keys, signs what it is told to, and counts who asks for what. */
export class TestIssuer {
  readonly issuer: string
  readonly resource: string
  keys: SigningKey[]
  /** What it answers at its introspection endpoint, by token. */
  readonly opaque = new Map<string, Record<string, unknown>>()
  /** Paths that it was asked for, in their order. */
  readonly asked: string[] = []
  /** Further or other members of its metadata. */
  metadata: Record<string, unknown> = {}
  /** Answers a request instead of what it would say. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  readonly close: () => void

  constructor(issuer: string, resource: string, key: SigningKey, close: () => void) {
    this.issuer = issuer
    this.resource = resource
    this.keys = [key]
    this.close = close
  }

  get key(): SigningKey {
    return this.keys[0]!
  }

  count(path: string): number {
    return this.asked.filter((each) => each === path).length
  }

  /** A token that is good, but for what is said. */
  async token({ claims = {}, header, key = this.key, without = [] }: TokenParts = {}) {
    const now = Math.floor(Date.now() / 1000)
    const all: Record<string, unknown> = {
      iss: this.issuer,
      sub: 'alice',
      aud: this.resource,
      client_id: 'desktop',
      scope: 'mcp',
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
      ...claims,
    }
    for (const name of without) delete all[name]
    return new SignJWT(all)
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
      .sign(key.privateKey)
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '/', this.issuer).pathname
    this.asked.push(path)
    if (this.intercept?.(request, response) === true) return
    if (path === '/.well-known/oauth-authorization-server') {
      sendJson(response, 200, {
        issuer: this.issuer,
        jwks_uri: `${this.issuer}/jwks`,
        introspection_endpoint: `${this.issuer}/introspect`,
        ...this.metadata,
      })
    } else if (path === '/jwks') sendJson(response, 200, { keys: this.keys.map(({ jwk }) => jwk) })
    else if (path === '/introspect') void this.#introspect(request, response)
    else sendJson(response, 404, {})
  }

  async #introspect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const expected = `Basic ${Buffer.from('mcp+server:s%3Aecret').toString('base64')}`
    if (request.headers.authorization !== expected) {
      sendJson(response, 401, {})
      return
    }
    const token = new URLSearchParams(body).get('token') ?? ''
    const found = this.opaque.get(token)
    sendJson(response, 200, found === undefined ? { active: false } : { active: true, ...found })
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** @param resource - the audience of its tokens */
export async function startIssuer(
  t: TestContext,
  resource = 'https://mcp.example.com/mcp',
  alg = 'ES256',
): Promise<TestIssuer> {
  const key = await signingKey('first', alg)
  const listener = createServer((request, response) => issuer.answer(request, response))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const close = (): void => {
    listener.close()
    listener.closeAllConnections()
  }
  const issuer = new TestIssuer(`http://127.0.0.1:${port}`, resource, key, close)
  t.after(close)
  return issuer
}

/** An `Authorization` header. */
export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}
