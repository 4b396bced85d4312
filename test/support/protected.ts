import type { TestContext } from 'node:test'
import { type ServeHttpOptions, serveHttp } from '../../src/http.ts'
import { type AuthInfo, defineServer, type Server } from '../../src/index.ts'
import { type OAuth, type OAuthOptions, oauth } from '../../src/security.ts'
import { HttpClient } from './http.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'

/** A server with tools for some and for all, and what happened inside. */
export interface ProtectedFixture {
  readonly server: Server
  /** Names of tools whose handlers ran. */
  readonly ran: string[]
  /** What the handlers were told of their callers. */
  readonly callers: (AuthInfo | undefined)[]
}

export function protectedServer(): ProtectedFixture {
  const ran: string[] = []
  const callers: (AuthInfo | undefined)[] = []
  const server = defineServer({ name: 'vault', version: '1.0.0', instructions: 'Top secret' })
  const tool = (name: string, scopes?: readonly string[]): void => {
    server.tool(name, scopes === undefined ? {} : { scopes }, (_args, { authInfo }) => {
      ran.push(name)
      callers.push(authInfo)
      return JSON.stringify(authInfo ?? null)
    })
  }
  tool('whoami')
  tool('write', ['files:read', 'files:write'])
  server.resource('vault://ledger', { name: 'ledger', scopes: ['files:read'] }, () => 'gold: 7')
  server.resourceTemplate(
    'vault://box/{number}',
    { name: 'box', scopes: ['files:read'], complete: { number: () => ['1', '2'] } },
    ({ variables }) => `box ${variables.number}`,
  )
  server.prompt(
    'audit',
    { scopes: ['files:read'], arguments: { of: { complete: () => ['ledger'] } } },
    () => 'Audit it',
  )
  return { server, ran, callers }
}

export interface Protected extends ProtectedFixture {
  readonly http: HttpClient
  readonly issuer: TestIssuer
  readonly auth: OAuth
  readonly port: number
  /** What the operator was told. */
  readonly reported: unknown[]
}

/** Serves behind an authorization server of its own. */
export async function startProtected(
  t: TestContext,
  options: Partial<OAuthOptions> & { alg?: string } = {},
  serve: ServeHttpOptions = {},
): Promise<Protected> {
  const { alg, ...others } = options
  const issuer = await startIssuer(t, options.resource, alg)
  const reported: unknown[] = []
  const auth = oauth({
    resource: 'https://mcp.example.com/mcp',
    issuers: [issuer.issuer],
    requiredScopes: ['mcp'],
    onError: (error) => reported.push(error),
    ...others,
  })
  const fixture = protectedServer()
  const listener = await serveHttp(fixture.server, {
    port: 0,
    drainMs: 0,
    authenticate: auth,
    ...serve,
  })
  t.after(() => listener.close())
  const http = new HttpClient(t, listener.port)
  return { ...fixture, http, issuer, auth, port: listener.port, reported }
}

/** The parameters of a challenge, by scheme and name. */
export function readChallenge(header: string | undefined): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {}
  for (const [, scheme = '', parameters = ''] of (header ?? '').matchAll(
    /(?:^|, )(\w+)((?:,? \w+="[^"]*")*)/g,
  )) {
    found[scheme] = Object.fromEntries(
      [...parameters.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    )
  }
  return found
}
