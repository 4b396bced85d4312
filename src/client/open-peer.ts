import { McpError } from '../protocol/errors.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import { type OpenedLink, openLink } from './links/open-link.ts'
import {
  type Agreement,
  allowedRevisions,
  type ClientProfile,
  httpStatusOf,
  initialize,
  probe,
} from './negotiate.ts'
import type { Peer, PeerEvents, PeerOptions } from './peer.ts'
import { Rpc } from './rpc.ts'
import { StatefulPeer } from './stateful-peer.ts'
import { StatelessPeer } from './stateless-peer.ts'
import type { Target } from './target.ts'

/** An open link, and what speaks over it. */
interface Attempt extends OpenedLink {
  readonly rpc: Rpc
}

/**
 * Connects to a server, whatever its transport and revision: asks for the newest revision first, and falls back to the
 * handshake of older servers, and to HTTP with SSE where a URL has nothing newer.
 *
 * @throws McpError CONNECTION_FAILED, CONNECTION_LOST, SERVER_TIMEOUT, UNAUTHORIZED, FORBIDDEN, UNSUPPORTED_VERSION, or
 *   what the server answered; TypeError for a target or options that are none
 *
 * @example
 * const peer = await openPeer({ command: 'node', args: ['server.js'] }, {})
 * const { tools } = await peer.request('tools/list')
 * await peer.close()
 */
export async function openPeer(
  target: Target,
  events: PeerEvents = {},
  options: PeerOptions = {},
): Promise<Peer> {
  const allowed = allowedRevisions(options)
  const { clientInfo = { name: 'tsmcp', version: '0.1.0' }, capabilities = {} } = options
  const profile: ClientProfile = { clientInfo, capabilities }
  const attempt = (at: Target): Promise<Attempt> => open(at, events, options)
  let current = await attempt(target)
  try {
    const probed = await tryProbe(current, allowed, profile, options)
    if (probed !== undefined) return makePeer(current, probed, profile, events, options)
    // A server that cannot stand a method before the handshake is started anew.
    if (current.rpc.isClosed) {
      await current.link.close()
      current = await attempt(target)
    }
    try {
      const agreed = await initialize(current.rpc, allowed, profile, options.signal)
      return makePeer(current, agreed, profile, events, options)
    } catch (error) {
      if (!isWithoutStreamableHttp(target, error)) throw error
      await current.link.close()
      const older = await attempt({ ...target, transport: 'sse' }).catch(() => undefined)
      // What is wrong is then not the age of the transport.
      if (older === undefined) throw error
      current = older
      const agreed = await initialize(older.rpc, allowed, profile, options.signal)
      return makePeer(older, agreed, profile, events, options)
    }
  } catch (error) {
    await current.link.close()
    throw error
  }
}

async function open(target: Target, events: PeerEvents, options: PeerOptions): Promise<Attempt> {
  const {
    timeoutMs = 60_000,
    maxInFlight = 10_000,
    maxMessageBytes = 16 * 1024 * 1024,
    maxConnections = 256,
    signal,
  } = options
  if (signal?.aborted) throw new McpError('REQUEST_CANCELLED', undefined, { cause: signal.reason })
  const rpc = new Rpc(events, { timeoutMs, maxInFlight })
  const opened = await openLink(target, rpc, { maxMessageBytes, maxConnections, timeoutMs })
  rpc.link = opened.link
  return { ...opened, rpc }
}

async function tryProbe(
  { rpc, link }: Attempt,
  allowed: readonly Revision[],
  profile: ClientProfile,
  { probeTimeoutMs = 10_000, timeoutMs = 60_000, signal }: PeerOptions,
): Promise<Agreement | undefined> {
  const waitMs = link.hasOwnStreams ? timeoutMs : Math.min(probeTimeoutMs, timeoutMs)
  const probed = await probe(rpc, allowed, profile, waitMs, !link.hasOwnStreams, signal)
  return probed.kind === 'agreed' ? probed.agreement : undefined
}

function makePeer(
  { rpc, link, pid }: Attempt,
  agreement: Agreement,
  profile: ClientProfile,
  events: PeerEvents,
  options: PeerOptions,
): Peer {
  const { revision } = agreement
  link.negotiated(revision)
  rpc.cancelsByDisconnect = link.hasOwnStreams && revision.http.disconnectCancels
  if (revision.era === 'stateless') {
    return new StatelessPeer(rpc, link, pid, agreement, profile, events, options)
  }
  rpc.notify('notifications/initialized')
  if (events.notification !== undefined || events.request !== undefined) link.listen()
  return new StatefulPeer(rpc, link, pid, agreement)
}

/** What a server of 2024-11-05 says to a POST where it knows only GET (2025-11-25, transports#backwards-compatibility). */
function isWithoutStreamableHttp(target: Target, error: unknown): target is { url: string } {
  if (!('url' in target) || !(error instanceof McpError)) return false
  if ('transport' in target && target.transport !== undefined) return false
  if (!/^https?:/i.test(String(target.url))) return false
  return error.code === 'METHOD_NOT_ALLOWED' || [400, 404, 405].includes(httpStatusOf(error) ?? 0)
}
