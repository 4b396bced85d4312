import { createServer } from 'node:net'
import { type HttpListener, serveHttp } from '../http.ts'
import type { Servable } from '../index.ts'
import { serveTcp } from '../tcp.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import { shellQuoted } from './example-arguments.ts'
import type { SecurityOptions } from './security-options.ts'
import { securitySettings } from './security-settings.ts'
import type { serveSettings, ValuesOf } from './settings.ts'

/** The resolved settings of `serve`. */
export type ServeValues = ValuesOf<typeof serveSettings>

/** Everything that one `serve` listens on. */
export interface Listeners {
  /** The MCP endpoint over HTTP. */
  readonly url: string
  /** Other ways in, by what they are called. */
  readonly others: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Serves with the settings of the command line; `file` is named in what a failure suggests. */
export async function listen(
  server: Servable,
  values: ServeValues,
  file: string,
): Promise<Listeners> {
  const security = await loadSecurity(values)
  const http = await listenHttp(server, withHttpAddress(values), file, security)
  const others: Record<string, string> = {}
  const sibling = (protocol: string, path: string): string => {
    const url = new URL(path, http.url)
    url.protocol = protocol
    return url.href
  }
  const isSecure = security.tls !== undefined
  if (values.webSocketPath !== '') {
    others.WebSocket = sibling(isSecure ? 'wss:' : 'ws:', values.webSocketPath)
  }
  if (values.legacySse) others.SSE = sibling(isSecure ? 'https:' : 'http:', '/sse')
  try {
    const tcp = values.tcp === '' ? undefined : await listenTcp(server, values, file, security)
    if (tcp !== undefined) others.TCP = `${isSecure ? 'tls' : 'tcp'}://${tcp.host}:${tcp.port}`
    const stopWatching = security.watch((tls) => {
      http.setTls(tls)
      tcp?.setTls(tls)
    })
    return {
      url: http.url,
      others,
      close: async () => {
        stopWatching()
        await Promise.all([http.close(), tcp?.close()])
      },
    }
  } catch (error) {
    await http.close()
    throw error
  }
}

/** What security needs is loaded where it is asked for. */
async function loadSecurity(values: ServeValues): Promise<SecurityOptions> {
  const isAsked = Object.entries(securitySettings).some(([name, setting]) => {
    const value = values[name as keyof typeof securitySettings]
    return Array.isArray(value) ? value.length > 0 : value !== setting.default
  })
  if (!isAsked) return { tls: undefined, authenticate: undefined, watch: () => () => {} }
  const { securityOptions } = await import('./security-options.ts')
  return securityOptions(values)
}

async function listenHttp(
  server: Servable,
  values: ServeValues,
  file: string,
  { tls, authenticate }: SecurityOptions,
): Promise<HttpListener> {
  const { allowedHosts, allowedOrigins, webSocketPath, legacySse } = values
  try {
    return await serveHttp(server, {
      port: values.port,
      host: values.host,
      drainMs: values.drainMs,
      maxBodyBytes: values.maxBodyBytes,
      sessions: { idleTtlMs: values.sessionIdleMs, max: values.maxSessions },
      legacySse,
      ...(tls !== undefined && { tls }),
      ...(authenticate !== undefined && { authenticate }),
      ...(webSocketPath !== '' ? { webSocketPath } : {}),
      ...(allowedHosts.length > 0 ? { allowedHosts: [...allowedHosts] } : {}),
      ...(allowedOrigins.length > 0 ? { allowedOrigins: [...allowedOrigins] } : {}),
    })
  } catch (error) {
    throw await explainListenError(error, values, file, '--port')
  }
}

async function listenTcp(
  server: Servable,
  values: ServeValues,
  file: string,
  { tls, authenticate }: SecurityOptions,
) {
  const { host, port } = readAddress(values.tcp)
  try {
    const listener = await serveTcp(server, {
      host,
      port,
      drainMs: values.drainMs,
      maxMessageBytes: values.maxBodyBytes,
      maxConnections: values.maxSessions,
      ...(tls !== undefined && { tls }),
      ...(authenticate !== undefined && { authenticate }),
    })
    return { host, ...listener }
  } catch (error) {
    throw await explainListenError(error, { ...values, host, port }, file, '--tcp')
  }
}

/** `--http` stands for `--host` and `--port`. */
function withHttpAddress(values: ServeValues): ServeValues {
  return values.http === '' ? values : { ...values, ...readAddress(values.http) }
}

/** The parts of `host:port`; without a host it is this machine only. */
function readAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, '')
  return { host: host === '' ? '127.0.0.1' : host, port: Number(address.slice(colon + 1)) }
}

async function explainListenError(
  error: unknown,
  { port, host }: ServeValues,
  file: string,
  flag: '--port' | '--tcp',
): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE': {
      const free = await nextFreePort(port, host)
      const command = `tsmcp serve ${shellQuoted(file)} ${flag} ${free ?? 0}`
      return new CliError(
        `port ${port} is in use on ${host}: stop what uses it, or type: ${command}`,
        {
          cause: error,
        },
      )
    }
    case 'EACCES':
      return new CliError(
        `port ${port} needs more rights than this user has: take one above 1023`,
        {
          cause: error,
        },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return usageError(
        `--host is '${host}', which is no address of this machine: take 127.0.0.1 (this machine only) or 0.0.0.0`,
      )
    default:
      return new CliError(`cannot listen on ${host}, port ${port}: ${messageOf(error)}`, {
        cause: error,
      })
  }
}

const portsToTry = 50

async function nextFreePort(taken: number, host: string): Promise<number | undefined> {
  const last = Math.min(taken + portsToTry, 65_535)
  for (let port = taken + 1; port <= last; port++) {
    if (await isFree(port, host)) return port
  }
  return undefined
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
