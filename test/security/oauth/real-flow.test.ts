/** The whole way to a token and what follows, with a real authorization server and a real client. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { serveHttp } from '../../../src/http.ts'
import { type OAuthOptions, oauth, openSecurity } from '../../../src/security.ts'
import {
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { protectedServer } from '../../support/protected.ts'

const redirectUrl = 'http://127.0.0.1:9/callback'
const cimd = 'https://client.example.com/oauth/client.json'
const clientMetadata = {
  client_name: 'Real client',
  redirect_uris: [redirectUrl],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
}
const registered = { client_id: 'registered-before', ...clientMetadata }
const documents = new Map([[cimd, { client_id: cimd, ...clientMetadata }]])

type Registration = 'CIMD' | 'DCR' | 'pre-registration'
type ClientInformation = Parameters<NonNullable<OAuthClientProvider['saveClientInformation']>>[0]
type TokenSet = Parameters<OAuthClientProvider['saveTokens']>[0]

/** What the official client keeps of a user, and where it sends them. */
class MemoryProvider implements OAuthClientProvider {
  readonly redirectUrl = redirectUrl
  readonly clientMetadata = clientMetadata
  readonly clientMetadataUrl?: string
  /** Where the user was sent, in their order. */
  readonly sentTo: URL[] = []
  information: ClientInformation | undefined
  tokenSet: TokenSet | undefined
  #verifier = ''

  constructor(registration: Registration) {
    if (registration === 'CIMD') this.clientMetadataUrl = cimd
    if (registration === 'pre-registration') this.information = { client_id: registered.client_id }
  }

  clientInformation(): ClientInformation | undefined {
    return this.information
  }
  saveClientInformation(information: ClientInformation): void {
    this.information = information
  }
  tokens(): TokenSet | undefined {
    return this.tokenSet
  }
  saveTokens(tokens: TokenSet): void {
    this.tokenSet = tokens
  }
  invalidateCredentials(): void {
    this.tokenSet = undefined
  }
  redirectToAuthorization(url: URL): void {
    this.sentTo.push(url)
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }
  codeVerifier(): string {
    return this.#verifier
  }
}

async function start(
  t: TestContext,
  registration: Registration,
  revision: string,
  options: {
    server?: Partial<AuthorizationServerOptions>
    oauth?: (issuer: string) => Partial<OAuthOptions>
    policy?: string
  } = {},
) {
  const fixture = protectedServer()
  const placeholder = await serveHttp(fixture.server, { port: 0, drainMs: 0 })
  const { url: resource, port } = placeholder
  await placeholder.close()
  const login = await startAuthorizationServer(t, {
    resource,
    documents,
    clients: [registered as never],
    ...options.server,
  })
  const auth = oauth({
    resource,
    issuers: [login.issuer],
    requiredScopes: ['mcp'],
    ...options.oauth?.(login.issuer),
  })
  const policy = join(temporaryFolder(t), 'policy.yaml')
  if (options.policy !== undefined) writeFileSync(policy, options.policy)
  const security = await openSecurity(options.policy === undefined ? {} : { policy })
  const listener = await serveHttp(fixture.server, {
    port,
    drainMs: 0,
    authenticate: auth,
    guard: security.guard,
  })
  t.after(async () => {
    await listener.close()
    await security.close()
  })
  const provider = new MemoryProvider(registration)
  const connect = async () => {
    const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision }
    const client = new Client(
      { name: 'real', version: '1' },
      { versionNegotiation: { mode: mode as 'legacy' } },
    )
    const transport = new StreamableHTTPClientTransport(new URL(resource), {
      authProvider: provider,
    })
    t.after(() => client.close())
    return { client, transport, connected: client.connect(transport) }
  }
  /** What a host does when its user must agree. */
  const agree = async (transport: StreamableHTTPClientTransport): Promise<void> => {
    const back = await login.authorize(provider.sentTo.at(-1)!)
    await transport.finishAuth(back.searchParams)
  }
  const signIn = async () => {
    const first = await connect()
    await assert.rejects(first.connected, UnauthorizedError)
    await agree(first.transport)
    const second = await connect()
    await second.connected
    return second
  }
  return { ...fixture, auth, login, provider, resource, connect, agree, signIn }
}

const revisions = ['2026-07-28', '2025-11-25']
const registrations = [
  { registration: 'CIMD', ids: '26.auth.092: ' },
  { registration: 'DCR', ids: '26.auth.006 0326.auth.007: ' },
  { registration: 'pre-registration', ids: '25.base.011 26.base.028: ' },
] as const

for (const revision of revisions) {
  suite(`the official client in ${revision}`, () => {
    for (const { registration, ids } of registrations) {
      test(`${ids}signs in with ${registration} and calls a tool`, async (t) => {
        const { login, provider, signIn, callers, resource } = await start(
          t,
          registration,
          revision,
        )
        const { client } = await signIn()
        await client.callTool({ name: 'whoami' })
        const [caller] = callers
        assert.equal(caller?.subject, 'alice')
        assert.equal(caller.issuer, login.issuer)
        assert.deepEqual(caller.scopes, ['mcp'])

        assert.equal(provider.sentTo.length, 1)
        const asked = provider.sentTo[0]!.searchParams
        // What is for refreshing the client asks for by itself.
        assert.equal(asked.get('scope'), 'mcp offline_access')
        assert.equal(asked.get('resource'), resource)
        assert.equal(asked.get('code_challenge_method'), 'S256')
        assert.ok(asked.get('code_challenge'))
        assert.equal(login.asked.includes('/reg'), registration === 'DCR')
        if (registration === 'CIMD') assert.equal(caller.clientId, cimd)
        if (registration === 'pre-registration') {
          assert.equal(caller.clientId, registered.client_id)
        }
      })
    }

    test('26.security.010 26.auth.060 26.auth.061 25.auth.022 25.auth.023: steps up when a tool needs more', async (t) => {
      const { provider, signIn, agree, ran } = await start(t, 'CIMD', revision)
      const { client, transport } = await signIn()
      await client.callTool({ name: 'whoami' })
      await assert.rejects(client.callTool({ name: 'write' }), UnauthorizedError)
      assert.equal(provider.sentTo.length, 2)
      const asked = provider.sentTo[1]!.searchParams.get('scope')?.split(' ').toSorted()
      assert.deepEqual(asked, ['files:read', 'files:write', 'mcp', 'offline_access'])
      await agree(transport)
      await client.callTool({ name: 'write' })
      assert.deepEqual(ran, ['whoami', 'write'])
    })

    test('26.auth.066 26.auth.069: steps up to the scope that a policy asks for', async (t) => {
      const { provider, signIn, agree, ran } = await start(t, 'CIMD', revision, {
        policy: `version: 1
roles:
  user: { allow: { tools: whoami } }
  writer: { allow: { tools: write } }
grants:
  - { roles: user, to: { authenticated: true } }
  - { roles: writer, to: { scopes: "files:write" } }
`,
      })
      const { client, transport } = await signIn()
      await client.callTool({ name: 'whoami' })
      await assert.rejects(client.callTool({ name: 'write' }), UnauthorizedError)
      const asked = provider.sentTo[1]!.searchParams.get('scope')?.split(' ').toSorted()
      assert.deepEqual(asked, ['files:write', 'mcp', 'offline_access'])
      await agree(transport)
      // The policy lets it pass now; what the tool itself needs is one scope more.
      await assert.rejects(client.callTool({ name: 'write' }), UnauthorizedError)
      await agree(transport)
      await client.callTool({ name: 'write' })
      assert.deepEqual(ran, ['whoami', 'write'])
    })

    test('refreshes a token that is no longer accepted, without its user', async (t) => {
      const { auth, provider, signIn, ran } = await start(t, 'CIMD', revision)
      const { client } = await signIn()
      await client.callTool({ name: 'whoami' })
      const token = provider.tokenSet?.access_token ?? ''
      auth.revoke({ token })
      await client.callTool({ name: 'whoami' })
      assert.notEqual(provider.tokenSet?.access_token, token)
      assert.equal(provider.sentTo.length, 1)
      assert.deepEqual(ran, ['whoami', 'whoami'])
    })

    test('a subject that is revoked is not let in by a refreshed token either', async (t) => {
      const { auth, login, provider, signIn, ran } = await start(t, 'CIMD', revision)
      const { client } = await signIn()
      await client.callTool({ name: 'whoami' })
      const token = provider.tokenSet?.access_token
      const issuedUntil = Math.floor(Date.now() / 1000) + 60
      auth.revoke({ issuer: login.issuer, subject: 'alice', issuedUntil })
      // Not even what is refreshed lets in.
      await assert.rejects(client.callTool({ name: 'whoami' }))
      assert.notEqual(provider.tokenSet?.access_token, token)
      assert.deepEqual(ran, ['whoami'])
    })
  })
}

suite('opaque tokens of a real authorization server', () => {
  test('are introspected, and refused once they are revoked there', async (t) => {
    const secret = 'resource-server-secret'
    const inspector = {
      client_id: 'vault',
      client_secret: secret,
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    }
    const { login, provider, signIn, callers, connect } = await start(
      t,
      'pre-registration',
      '2026-07-28',
      {
        server: { tokenFormat: 'opaque', clients: [registered as never, inspector as never] },
        oauth: (issuer) => ({
          issuers: [
            { issuer, introspection: { clientId: 'vault', clientSecret: secret, cacheMs: 0 } },
          ],
        }),
      },
    )
    const { client } = await signIn()
    await client.callTool({ name: 'whoami' })
    assert.equal(callers[0]?.subject, 'alice')
    const token = provider.tokenSet?.access_token ?? ''
    assert.equal(token.split('.').length, 1)
    for (const each of [provider.tokenSet?.refresh_token ?? '', token]) {
      const revoked = await fetch(`${login.issuer}/token/revocation`, {
        method: 'POST',
        body: new URLSearchParams({ token: each, client_id: registered.client_id }),
      })
      assert.equal(revoked.status, 200)
    }
    const again = await connect()
    await assert.rejects(again.connected, UnauthorizedError)
    assert.equal(provider.sentTo.length, 2)
  })
})

test('a token for another resource of the same authorization server does not open this one', async (t) => {
  const fixture = await start(t, 'pre-registration', '2026-07-28')
  const { login, provider, resource, agree, connect } = fixture
  const first = await connect()
  await assert.rejects(first.connected, UnauthorizedError)
  const elsewhere = new URL(provider.sentTo[0]!)
  elsewhere.searchParams.set('resource', 'https://other.example.com/mcp')
  const back = await login.authorize(elsewhere)
  const answer = await fetch(`${login.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: redirectUrl,
      client_id: registered.client_id,
      code_verifier: provider.codeVerifier(),
      resource: 'https://other.example.com/mcp',
    }),
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  assert.ok(token)
  const refused = await fetch(resource, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  assert.equal(refused.status, 401)
  assert.match(String(refused.headers.get('www-authenticate')), /invalid_token/)
  // Nothing is wrong with the user.
  await agree(first.transport)
  await (await connect()).connected
})
