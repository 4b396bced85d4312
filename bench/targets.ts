/** One server, spoken to in one revision of the protocol. */
export interface Target {
  /** What samples and `--only` call it, for example `tsmcp/2025-11-25`. */
  name: string
  label: string
  file: string
  revision: string
  /** True if a client opens a session first (every revision before 2026-07-28). */
  hasSessions: boolean
}

export const latestStateful = '2025-11-25'
export const stateless = '2026-07-28'

const target = (server: string, label: string, revision: string): Target => ({
  name: `${server}/${revision}`,
  label,
  file: `servers/${server}.ts`,
  revision,
  hasSessions: revision !== stateless && server !== 'raw',
})

export const raw2025 = target('raw', 'raw `node:http`', latestStateful)
export const raw2026 = target('raw', 'raw `node:http`', stateless)
export const tsmcp2025 = target('tsmcp', '**tsmcp**', latestStateful)
/** Sessions, events and tasks are kept in a file. */
export const tsmcpDurable = target('tsmcp-durable', '**tsmcp** with `data`', latestStateful)
export const tsmcp2026 = target('tsmcp', '**tsmcp**', stateless)
/** With tokens, roles, limits and the audit log. */
export const tsmcpSecured2025 = target(
  'tsmcp-secured',
  '**tsmcp**, all security on',
  latestStateful,
)
export const tsmcpSecured2026 = target('tsmcp-secured', '**tsmcp**, all security on', stateless)
export const sdkV1Express = target(
  'sdk-v1-express',
  'official SDK v1 as documented (express)',
  latestStateful,
)
export const sdkV1 = target('sdk-v1', 'official SDK v1 on `node:http`', latestStateful)
export const sdkV2 = target('sdk-v2-stateful', 'official SDK v2, sessions', latestStateful)
export const sdkV2Stateless = target(
  'sdk-v2-2026',
  'official SDK v2, `createMcpHandler`',
  stateless,
)
// mcp-lite knows no newer revision; asked for one, it falls back to 2025-03-26.
export const mcpLite = target('mcp-lite', 'mcp-lite, sessions', '2025-06-18')

/** In the order in which a round walks them. */
export const httpTargets: readonly Target[] = [
  raw2025,
  tsmcp2025,
  mcpLite,
  sdkV1Express,
  sdkV1,
  sdkV2,
  raw2026,
  tsmcp2026,
  sdkV2Stateless,
]

/** What a call costs behind all that production asks for; the others are without any security. */
export const securedTargets: readonly Target[] = [
  raw2025,
  tsmcpSecured2025,
  sdkV1Express,
  raw2026,
  tsmcpSecured2026,
]

export const mcpTargets = httpTargets.filter(({ file }) => file !== raw2025.file)
export const sessionTargets = mcpTargets
  .filter(({ hasSessions }) => hasSessions)
  .flatMap((each) => (each === tsmcp2025 ? [each, tsmcpDurable] : [each]))

const stdio = (server: string, label: string): Target => ({
  ...target(`${server}-stdio`, label, latestStateful),
  hasSessions: false,
})

export const tsmcpStdio = stdio('tsmcp', '**tsmcp**')
export const sdkV1Stdio = stdio('sdk-v1', 'official SDK v1')
export const sdkV2Stdio = stdio('sdk-v2', 'official SDK v2')
export const stdioTargets: readonly Target[] = [tsmcpStdio, sdkV1Stdio, sdkV2Stdio]

const gateway = (server: string, label: string): Target =>
  target(`gateway-${server}`, label, latestStateful)

/** Programs that serve a command on stdio to many clients over HTTP. */
export const tsmcpGateway = gateway('tsmcp', '**tsmcp** serve mcp.json')
export const mcpProxy = gateway('mcp-proxy', 'mcp-proxy')
export const supergateway = gateway('supergateway', 'supergateway')
/** 200 upstreams of 50 tools each. */
export const manyUpstreams = gateway('many', '**tsmcp** serve mcp.json, 200 upstreams of 50 tools')
export const gatewayTargets: readonly Target[] = [tsmcpGateway, mcpProxy, supergateway]
