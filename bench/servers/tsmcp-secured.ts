/** Everything that stands before a call in production: a signed token, roles, limits and the audit log. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { description, echo, implementation, schema, toolNames } from './echo.ts'
import { serve } from './harness.ts'

// As in tsmcp.ts: the built files, with the types of the sources.
const dist = (file: string) => new URL(`../../dist/${file}.js`, import.meta.url).href
const { defineServer }: typeof import('../../src/index.ts') = await import(dist('index'))
const { serveHttp }: typeof import('../../src/http.ts') = await import(dist('http'))
const { auditSignerOf, oauth, openSecurity }: typeof import('../../src/security.ts') = await import(
  dist('security')
)

const folder = mkdtempSync(join(tmpdir(), 'tsmcp-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const resource = 'https://mcp.example.com/mcp'
const { publicKey, privateKey } = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }
const login = createServer((request, response) => {
  const { host } = request.headers
  const document =
    request.url === '/jwks'
      ? { keys: [jwk] }
      : { issuer: `http://${host}`, jwks_uri: `http://${host}/jwks` }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
})
login.listen(0, '127.0.0.1')
await once(login, 'listening')
const issuer = `http://127.0.0.1:${(login.address() as AddressInfo).port}`
const token = await new SignJWT({ client_id: 'bench', scope: 'mcp tools:call' })
  .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
  .setIssuer(issuer)
  .setAudience(resource)
  .setSubject('alice')
  .setIssuedAt()
  .setExpirationTime('2h')
  .setJti('1')
  .sign(privateKey)

const policy = join(folder, 'policy.yaml')
writeFileSync(
  policy,
  `version: 1
roles:
  reader: { allow: { tools: "read.*" }, deny: { tools: "*.secret" } }
  caller: { allow: { tools: ["echo", "tool-*"] } }
grants:
  - { roles: reader, to: { authenticated: true } }
  - { roles: caller, to: { scopes: "tools:call", issuers: "http://127.0.0.1:*" } }
limits:
  rates:
    - { per: address, rate: 10000000/second }
    - { per: identity, rate: 10000000/second }
  concurrency:
    - { per: identity, max: 10000 }
  quotas:
    - { per: identity, max: 1000000000, period: day }
`,
)
const { guard } = await openSecurity({
  policy,
  audit: { directory: join(folder, 'audit'), signer: auditSignerOf(join(folder, 'key.pem')) },
})

const server = defineServer(implementation)
for (const name of toolNames) server.tool(name, { description, input: schema }, echo)

const listener = await serveHttp(server, {
  port: 0,
  guard,
  authenticate: oauth({ resource, issuers: [issuer], requiredScopes: ['mcp'] }),
})
serve(Number(new URL(listener.url).port), { token })
