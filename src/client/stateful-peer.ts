import type { RevisionName } from '../protocol/revisions/index.ts'
import type { Implementation, JsonObject, ServerCapabilities } from '../protocol/types.ts'
import type { CloseReason, Link } from './link.ts'
import type { Agreement } from './negotiate.ts'
import type { Peer, PeerRequestOptions } from './peer.ts'
import type { Rpc } from './rpc.ts'

/** A peer in a session: up to 2025-11-25. Requests go through as they are. */
export class StatefulPeer implements Peer {
  readonly era = 'stateful'
  readonly revision: RevisionName
  readonly serverInfo: Implementation
  readonly capabilities: ServerCapabilities
  readonly instructions: string | undefined
  readonly pid: number | undefined
  readonly closed: Promise<CloseReason>
  readonly #rpc: Rpc
  readonly #link: Link
  #closing: Promise<void> | undefined

  constructor(rpc: Rpc, link: Link, pid: number | undefined, agreement: Agreement) {
    this.#rpc = rpc
    this.#link = link
    this.pid = pid
    this.revision = agreement.revision.name
    this.serverInfo = agreement.serverInfo
    this.capabilities = agreement.capabilities
    this.instructions = agreement.instructions
    this.closed = rpc.closed
  }

  request(
    method: string,
    params: JsonObject = {},
    options?: PeerRequestOptions,
  ): Promise<JsonObject> {
    return this.#rpc.request(method, params, options)
  }

  notify(method: string, params?: JsonObject): void {
    this.#rpc.notify(method, params)
  }

  close(): Promise<void> {
    this.#closing ??= this.#link.close()
    return this.#closing
  }
}
