import { createServer } from 'node:net'
import { type HttpListener, serveHttp } from '../http.ts'
import type { Servable } from '../index.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import { shellQuoted } from './example-arguments.ts'
import type { serveSettings, ValuesOf } from './settings.ts'

/** The resolved settings of `serve`. */
export type ServeValues = ValuesOf<typeof serveSettings>

/** Serves over HTTP with the settings of the command line; `file` is named in what a failure suggests. */
export async function listen(
  server: Servable,
  values: ServeValues,
  file: string,
): Promise<HttpListener> {
  const { allowedHosts, allowedOrigins } = values
  try {
    return await serveHttp(server, {
      port: values.port,
      host: values.host,
      drainMs: values.drainMs,
      maxBodyBytes: values.maxBodyBytes,
      sessions: { idleTtlMs: values.sessionIdleMs, max: values.maxSessions },
      ...(allowedHosts.length > 0 ? { allowedHosts: [...allowedHosts] } : {}),
      ...(allowedOrigins.length > 0 ? { allowedOrigins: [...allowedOrigins] } : {}),
    })
  } catch (error) {
    throw await explainListenError(error, values, file)
  }
}

async function explainListenError(
  error: unknown,
  { port, host }: ServeValues,
  file: string,
): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE': {
      const free = await nextFreePort(port, host)
      const command = `tsmcp serve ${shellQuoted(file)} --port ${free ?? 0}`
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
