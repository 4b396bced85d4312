import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect as connectSocket } from 'node:net'
import { McpError } from '../../protocol/errors.ts'
import type { Servable } from '../../server/service.ts'
import { isServable, service } from '../../server/service.ts'
import { type StdioChild, startChild } from '../../transports/stdio/child-process.ts'
import { StreamChannel } from '../../transports/stdio/stream-channel.ts'
import type { CloseReason, Link, LinkListener } from '../link.ts'
import type { ChannelTarget, CommandTarget, Target, UrlTarget } from '../target.ts'
import { ChannelLink } from './channel-link.ts'
import type { LinkOptions } from './link-options.ts'

/** A link and, of a child process, its id. */
export interface OpenedLink {
  readonly link: Link
  readonly pid: number | undefined
}

/** Opens the way to a server. @throws McpError CONNECTION_FAILED; TypeError for a target that is none */
export async function openLink(
  target: Target,
  listener: LinkListener,
  options: LinkOptions,
): Promise<OpenedLink> {
  if (isServable(target))
    return { link: await inProcess(target, listener, options), pid: undefined }
  if ('command' in target) return command(target, listener, options)
  if ('channel' in target) return { link: await channel(target, listener, options), pid: undefined }
  return { link: await url(target, listener, options), pid: undefined }
}

async function url(target: UrlTarget, listener: LinkListener, options: LinkOptions): Promise<Link> {
  if (!URL.canParse(String(target.url))) throw new TypeError(`Not a URL: ${target.url}`)
  const at = new URL(target.url)
  switch (at.protocol) {
    case 'http:':
    case 'https:': {
      const { HttpLink } = await import('./http-link.ts')
      if (target.transport !== 'sse') return new HttpLink(at, target, listener, options)
      const { LegacySseLink } = await import('./legacy-sse-link.ts')
      return LegacySseLink.open(at, target, listener, options)
    }
    case 'ws:':
    case 'wss:':
      return webSocket(at, target, listener, options)
    case 'tcp:':
    case 'tls:':
      return socket(at, target, listener, options)
    default:
      throw new TypeError(`Not a URL of http, https, ws, wss, tcp or tls: ${at.protocol}`)
  }
}

async function command(
  target: CommandTarget,
  listener: LinkListener,
  { maxMessageBytes }: LinkOptions,
): Promise<OpenedLink> {
  let child: StdioChild | undefined
  const link = new ChannelLink(listener, maxMessageBytes, async () => child?.end())
  try {
    child = await startChild(
      target,
      () => ({
        message: (text) => link.message(text),
        fault: () => {},
        // How it has ended says more, and comes at once; a server that only closes its stdout is ended.
        closed: () => void child?.end(),
      }),
      maxMessageBytes,
    )
  } catch (error) {
    throw failure(`${target.command} cannot be started`, error)
  }
  link.channel = child.channel
  void child.exited.then(({ code, signal }) => link.over(exitReason(code, signal)))
  return { link, pid: child.pid }
}

function exitReason(code: number | null, signal: string | null): CloseReason {
  const how = signal === null ? `with code ${code}` : `by ${signal}`
  return {
    kind: 'exited',
    message: `The server process has ended ${how}`,
    ...(code !== null && { exitCode: code }),
    ...(signal !== null && { signal }),
  }
}

async function channel(
  target: ChannelTarget,
  listener: LinkListener,
  { maxMessageBytes }: LinkOptions,
): Promise<Link> {
  const link = new ChannelLink(listener, maxMessageBytes, async () => {})
  link.channel = await target.channel(link)
  return link
}

async function inProcess(
  target: Servable,
  listener: LinkListener,
  { maxMessageBytes }: LinkOptions,
): Promise<Link> {
  const [{ ChannelConnection, sameProcess }, { Engine }, { responseText }] = await Promise.all([
    import('../../server/channel-connection.ts'),
    import('../../server/engine.ts'),
    import('../../server/reply.ts'),
  ])
  const engine = new Engine(target[service], {})
  const link = new ChannelLink(listener, maxMessageBytes, () => engine.close(0))
  const connection = new ChannelConnection(
    engine,
    {
      send: (message) => {
        const text = responseText(message)
        // Never within the call that caused it: a real peer is not that near.
        queueMicrotask(() => link.message(text))
      },
      close: () => {},
    },
    sameProcess,
    () => link.closed(),
  )
  link.channel = {
    send: (text) => connection.message(responseText(text)),
    close: () => connection.closed(),
  }
  return link
}

async function webSocket(
  at: URL,
  { headers = {}, tls = {} }: UrlTarget,
  listener: LinkListener,
  { maxMessageBytes, timeoutMs }: LinkOptions,
): Promise<Link> {
  const [{ DialledWebSocket }, { WebSocketChannel }] = await Promise.all([
    import('./dialled-web-socket.ts'),
    import('../../transports/web-socket-channel.ts'),
  ])
  const link = new ChannelLink(listener, maxMessageBytes, async () => {})
  const webSocket = new DialledWebSocket(at, 'mcp', {
    ...tls,
    headers,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handshakeTimeout: Number.isFinite(timeoutMs) ? timeoutMs : 60_000,
  })
  // Made before it opens: the server may speak at once.
  link.channel = new WebSocketChannel(webSocket, () => link)
  await webSocket.opened.catch((error: unknown) => {
    throw failure(`${at.host} cannot be reached`, error)
  })
  return link
}

async function socket(
  at: URL,
  { tls = {} }: UrlTarget,
  listener: LinkListener,
  { maxMessageBytes, timeoutMs }: LinkOptions,
): Promise<Link> {
  if (at.port === '') throw new TypeError(`A port is needed: ${at.protocol}//${at.hostname}:9090`)
  const host = at.hostname.replace(/^\[|\]$/g, '')
  const where = { host, port: Number(at.port) }
  const connected: Socket =
    at.protocol === 'tls:'
      ? (await import('node:tls')).connect({ servername: host, ...tls, ...where })
      : connectSocket(where)
  const signal = Number.isFinite(timeoutMs) ? { signal: AbortSignal.timeout(timeoutMs) } : {}
  await once(connected, at.protocol === 'tls:' ? 'secureConnect' : 'connect', signal).catch(
    (error: unknown) => {
      connected.destroy()
      throw failure(`${at.host} cannot be reached`, error)
    },
  )
  connected.setNoDelay(true)
  const link = new ChannelLink(listener, maxMessageBytes, async () => void connected.destroySoon())
  link.channel = new StreamChannel(connected, connected, () => link, { maxMessageBytes })
  return link
}

function failure(what: string, cause: unknown): McpError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new McpError('CONNECTION_FAILED', `${what}${why}`, { cause })
}
