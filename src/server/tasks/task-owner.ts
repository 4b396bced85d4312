import { principalKey } from '../../protocol/principal.ts'
import type { Peer } from '../../sessions/peer.ts'
import { Session } from '../../sessions/session.ts'

/**
 * Whose a peer's tasks are. A principal has the same tasks in all its sessions and requests. Without authentication a
 * session has its own; requests without either share one owner, and knowing a task's id is what gives access to it.
 */
export function ownerOf(peer: Peer): string {
  if (peer.authInfo !== undefined) return `principal ${principalKey(peer.authInfo)}`
  return peer instanceof Session ? ownerOfSession(peer) : 'anonymous'
}

export function ownerOfSession(session: Session): string {
  // Kept with the task: it must not be what gives access to the session.
  return `session ${session.name}`
}
