import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { type ClientMetadata, type Configuration, Provider } from 'oidc-provider'

export interface AuthorizationServer {
  readonly issuer: string
  /** Paths that it was asked for. */
  readonly asked: string[]
  /** Sends the user there and back: what a browser does, with a user who agrees to everything. */
  authorize(url: URL): Promise<URL>
}

export interface AuthorizationServerOptions {
  resource: string
  clients?: ClientMetadata[]
  /** The document that a client has put on the web, by its URL. */
  documents?: ReadonlyMap<string, object>
  tokenFormat?: 'jwt' | 'opaque'
}

const scopes = 'mcp files:read files:write'

/** A real authorization server, `oidc-provider`, with a user who agrees to everything. */
export async function startAuthorizationServer(
  t: TestContext,
  {
    resource,
    clients = [],
    documents = new Map(),
    tokenFormat = 'jwt',
  }: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  t.after(() => {
    listener.close()
    listener.closeAllConnections()
  })
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const configuration: Configuration = {
    clients,
    jwks: {
      keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'one' }] as never,
    },
    cookies: { keys: ['only for tests'] },
    scopes: ['offline_access', ...scopes.split(' ')],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    pkce: { required: () => true },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, indicator) => ({
          scope: scopes,
          audience: indicator,
          accessTokenFormat: tokenFormat,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    fetch: async (url: unknown) => {
      const document = documents.get(String(url))
      return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
    },
  } as Configuration
  const provider = new Provider(issuer, configuration)
  const callback = provider.callback()
  const asked: string[] = []
  listener.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', issuer)
    asked.push(pathname)
    if (pathname.startsWith('/interaction/')) void agree(provider, request, response)
    else void callback(request, response)
  })
  return { issuer, asked, authorize: (url) => browse(url, issuer) }
}

/** The user logs in as alice, and consents. */
async function agree(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    const login = { login: { accountId: 'alice' } }
    await provider.interactionFinished(request, response, login, { mergeWithLastSubmission: false })
    return
  }
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant =
    known ??
    new provider.Grant({
      accountId: String(session?.accountId),
      clientId: String(params.client_id),
    })
  const { missingOIDCScope, missingResourceScopes } = prompt.details as {
    missingOIDCScope?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  if (missingOIDCScope !== undefined) grant.addOIDCScope(missingOIDCScope.join(' '))
  for (const [indicator, missing] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(indicator, missing.join(' '))
  }
  const consent = { consent: { grantId: await grant.save() } }
  await provider.interactionFinished(request, response, consent, { mergeWithLastSubmission: true })
}

/** Follows redirects, with cookies, until one leaves the authorization server. */
async function browse(start: URL, issuer: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = start
  for (let steps = 0; steps < 10; steps++) {
    if (url.origin !== issuer) return url
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const each of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (each.split(';')[0] ?? '').split('=')
      cookies.set(name, value)
    }
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} at ${url}: ${await answer.text()}`)
    url = new URL(location, url)
  }
  throw new Error(`Too many redirects: ${url}`)
}
