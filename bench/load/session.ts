import { randomBytes } from 'node:crypto'
import type { Connection } from './connection.ts'
import { readMessage } from './reply.ts'
import {
  initializedRequest,
  initializeRequest,
  nextId,
  type Peer,
  type Session,
} from './requests.ts'

/** Opens one session: initialize, then notifications/initialized. */
export async function openSession(peer: Peer, connection: Connection): Promise<Session> {
  const id = nextId()
  const reply = await connection.exchange(initializeRequest(peer, id))
  const message = readMessage(reply)
  const revision = message.result?.protocolVersion
  if (message.id !== id || revision !== peer.revision) {
    throw new Error(`initialize: status ${reply.status}, ${reply.body.slice(0, 200)}`)
  }
  const session: Session = { id: /\r\nmcp-session-id: *(\S+)/i.exec(reply.head)?.[1], revision }
  if (session.id === undefined) throw new Error('initialize: no session id')
  const accepted = await connection.exchange(initializedRequest(peer, session))
  if (accepted.status !== 202) throw new Error(`initialized: status ${accepted.status}`)
  return session
}

/**
 * The session that a connection of a workload uses. Where the peer has none, its requests carry an
 * id all the same up to 2025-11-25, so that the raw server reads as many bytes as tsmcp.
 */
export function sessionFor(peer: Peer, connection: Connection): Session | Promise<Session> {
  if (peer.hasSessions) return openSession(peer, connection)
  const isStateless = peer.revision === '2026-07-28'
  const id = isStateless ? undefined : randomBytes(16).toString('base64url')
  return { id, revision: peer.revision }
}
