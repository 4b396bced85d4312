import { type AddressInfo, createServer } from 'node:net'
import { type HttpListener, serveHttp } from '../http.ts'
import type { Servable } from '../index.ts'
import type { AuditRecorder, Bind } from '../security.ts'
import type { Observer } from '../server/observer.ts'
import { serveTcp } from '../tcp.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import { shellQuoted } from './example-arguments.ts'
import { openServeSecurity, type ServeSecurity } from './serve-security.ts'
import type { ServeValues } from './settings.ts'

/** The limits of the settings, on whatever the server is served. */
export function limitsOf(values: ServeValues) {
  return {
    sessions: {
      idleTtlMs: values.sessionIdleMs,
      maxAgeMs: values.sessionMaxAgeMs,
      max: values.maxSessions,
      maxPerPrincipal: values.maxSessionsPerPrincipal,
    },
    maxConnections: values.maxConnections,
    admission: {
      maxRunning: values.maxRunning,
      maxWaiting: values.maxWaiting,
      maxWaitMs: values.maxWaitMs,
    },
    shedding: { maxLagMs: values.maxLagMs, maxMemoryBytes: values.maxMemoryMb * 2 ** 20 },
  }
}

/** Everything that one `serve` listens on. */
export interface Listeners {
  /** The MCP endpoint over HTTP. */
  readonly url: string
  /** Other ways in, by what they are called. */
  readonly others: Readonly<Record<string, string>>
  close(): Promise<void>
}

/**
 * Serves with the settings of the command line.
 *
 * @param file - is named in what a failure suggests
 * @param place - where secrets and paths are looked up, and who records what is to be audited, if this process does not
 * @param observer - sees what happens
 */
export async function listen(
  server: Servable,
  given: ServeValues,
  file: string,
  place: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly cwd: string
    readonly audit?: AuditRecorder | undefined
  },
  observer?: Observer,
): Promise<Listeners> {
  const values = withHttpAddress(given)
  const security = await openServeSecurity(
    values,
    bindsOf(values),
    place.env,
    place.cwd,
    place.audit,
  )
  try {
    const listeners = await listenAll(server, values, file, { ...security, observer })
    return {
      ...listeners,
      close: async () => {
        await listeners.close()
        await security.close()
      },
    }
  } catch (error) {
    await security.close()
    throw error
  }
}

/** The addresses that the settings ask for. */
function bindsOf(values: ServeValues): Bind[] {
  const isByCertificate = values.tlsCa !== '' && values.tlsClient === 'required'
  const isAuthenticated = values.apiKeys !== '' || values.authIssuers.length > 0 || isByCertificate
  const isEncrypted = values.tlsCert !== ''
  const http: Bind = {
    setting: values.http === '' ? '--host' : '--http',
    host: values.host,
    isEncrypted,
    isAuthenticated,
  }
  const binds = [http]
  if (values.tcp !== '') {
    // Nothing but a certificate says over TCP who is there.
    const { host } = readAddress(values.tcp)
    binds.push({ setting: '--tcp', host, isEncrypted, isAuthenticated: isByCertificate })
  }
  if (values.admin !== '') {
    const { host } = readAddress(values.admin)
    binds.push({ setting: '--admin', host, isEncrypted, isAuthenticated })
  }
  return binds
}

/** What goes into each listener beside the settings. */
type Surroundings = ServeSecurity & { readonly observer: Observer | undefined }

async function listenAll(
  server: Servable,
  values: ServeValues,
  file: string,
  security: Surroundings,
): Promise<Listeners> {
  const http = await listenHttp(server, values, file, security)
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

/**
 * The settings with a free port in place of 0, for processes that are to share it: the next of them must find the same
 * when the one before has gone.
 */
export async function withCertainPorts<Values extends ServeValues>(
  values: Values,
): Promise<Values> {
  const { host, port } = withHttpAddress(values)
  const certain = { ...values, http: '', host, port: port === 0 ? await freePort(host) : port }
  if (values.tcp === '') return certain
  const tcp = readAddress(values.tcp)
  const tcpPort = tcp.port === 0 ? await freePort(tcp.host) : tcp.port
  return { ...certain, tcp: `${tcp.host}:${tcpPort}` }
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    // Then 0 is asked for where it is explained what is wrong with the address.
    probe.once('error', () => resolve(0))
    probe.listen({ port: 0, host, exclusive: true }, () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

async function listenHttp(
  server: Servable,
  values: ServeValues,
  file: string,
  { guard, authenticate, stateSecret, tls, observer }: Surroundings,
): Promise<HttpListener> {
  const { allowedHosts, allowedOrigins, webSocketPath, legacySse, trustedProxies } = values
  try {
    return await serveHttp(server, {
      port: values.port,
      host: values.host,
      drainMs: values.drainMs,
      pingIntervalMs: values.pingIntervalMs,
      maxBodyBytes: values.maxBodyBytes,
      ...(values.data !== '' && {
        data: values.data,
        dataSurvives: values.dataSurvives === 'power' ? 'power' : 'process',
      }),
      ...limitsOf(values),
      legacySse,
      trustedProxies,
      ...(guard && { guard }),
      ...(observer && { observer }),
      ...(authenticate && { authenticate }),
      ...(stateSecret !== undefined && { stateSecret }),
      ...(tls && { tls }),
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
  { guard, authenticate, stateSecret, tls, observer }: Surroundings,
) {
  const { host, port } = readAddress(values.tcp)
  try {
    const listener = await serveTcp(server, {
      host,
      port,
      drainMs: values.drainMs,
      pingIntervalMs: values.pingIntervalMs,
      maxMessageBytes: values.maxBodyBytes,
      ...limitsOf(values),
      ...(guard && { guard }),
      ...(observer && { observer }),
      ...(stateSecret !== undefined && { stateSecret }),
      ...(tls && { tls }),
      ...(authenticate && { authenticate }),
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
export function readAddress(address: string): { host: string; port: number } {
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
  if (error instanceof Error && error.name === 'StorageError') {
    return new CliError(error.message, { cause: error })
  }
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
