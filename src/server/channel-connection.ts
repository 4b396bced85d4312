import { McpError } from '../protocol/errors.ts'
import {
  type Envelope,
  encodeError,
  encodeResult,
  type JsonRpcRequest,
  openEnvelope,
} from '../protocol/json-rpc.ts'
import { idInText, parseJson } from '../protocol/json-text.ts'
import { claimedVersion, claimsStateless, readRequestMeta } from '../protocol/meta.ts'
import { findRevision, unsupportedVersion } from '../protocol/revisions/index.ts'
import type { AuthInfo, RequestId } from '../protocol/types.ts'
import type { InFlightRequest, Session, SessionOutlet } from '../sessions/session.ts'
import type { Channel, ChannelListener } from '../transports/channel.ts'
import { dispatchBatch } from './batch.ts'
import type { Engine, Origin, RequestOwner } from './engine.ts'
import { type Network, networks } from './observer.ts'
import { type BatchReply, batchText } from './reply.ts'

/** Whoever is in the same process. */
export const sameProcess: Origin = {
  authInfo: undefined,
  remoteAddress: undefined,
  network: networks.other,
}

/**
 * One client on a connection of its own: stdio and its like. The connection is the session in the stateful era;
 * stateless requests may come on it at any time.
 */
export class ChannelConnection implements ChannelListener, RequestOwner, SessionOutlet {
  inFlight: Map<RequestId, InFlightRequest> | undefined = undefined
  readonly #engine: Engine
  readonly #channel: Channel
  readonly network: Network
  #authInfo: AuthInfo | undefined
  readonly #remoteAddress: string | undefined
  readonly #onClosed: () => void
  #session: Session | undefined = undefined

  /**
   * @param origin - who is on the other side, and where
   * @param onClosed - called when the other side has gone, or is given up, after everything on the connection has ended
   */
  constructor(
    engine: Engine,
    channel: Channel,
    { authInfo, remoteAddress, network }: Origin,
    onClosed: () => void,
  ) {
    this.#engine = engine
    this.#channel = channel
    this.network = network
    this.#authInfo = authInfo
    this.#onClosed = onClosed
    this.#remoteAddress = remoteAddress
  }

  /** Who is on the other side. */
  get authInfo(): AuthInfo | undefined {
    return this.#authInfo
  }
  /** The same principal, with credentials that may allow other things. */
  set authInfo(authInfo: AuthInfo | undefined) {
    this.#authInfo = authInfo
    if (this.#session !== undefined) this.#session.authInfo = authInfo
  }

  message(text: string): void {
    let value: unknown
    try {
      value = parseJson(text, this.#engine.jsonBounds)
    } catch (error) {
      const isJson = error instanceof McpError && error.code === 'INVALID_REQUEST'
      this.#refuse(error, isJson ? idInText(text) : undefined)
      return
    }
    this.receive(value)
  }

  /** Takes a message that has been parsed. Never throws. */
  receive(value: unknown): void {
    let id: RequestId | undefined
    if (this.#session !== undefined) this.#session.lastSeenMs = Date.now()
    try {
      if (Array.isArray(value)) {
        dispatchBatch(this.#engine, this.#requireSession(), value, this.#reply(), this)
        return
      }
      const envelope = openEnvelope(value)
      if (envelope.kind === 'request') id = envelope.message.id
      this.#open(envelope)
    } catch (error) {
      this.#refuse(error, id)
    }
  }

  fault(error: McpError): void {
    this.#refuse(error, undefined)
  }

  send(json: string): void {
    this.#channel.send(json)
  }

  hangUp(): void {
    this.#channel.close()
    this.closed()
  }

  closed(): void {
    for (const request of this.inFlight?.values() ?? []) request.cancel('The connection has closed')
    if (this.#session !== undefined) {
      void this.#engine.endSession(this.#session, 'The connection has closed')
    }
    this.#onClosed()
  }

  #open(envelope: Envelope): void {
    switch (envelope.kind) {
      case 'fault':
        this.#refuse(envelope.error, envelope.id)
        break
      case 'request':
        this.#request(envelope.message)
        break
      case 'notification':
        this.#engine.notified(envelope.message, this, this.#session, this.#origin)
        break
      case 'response':
        // An answer that nobody waits for is most likely late, and no answer is given to answers.
        this.#session?.respond(envelope.message)
        break
    }
  }

  #request(request: JsonRpcRequest): void {
    if (claimsStateless(request.params)) {
      this.#stateless(request)
      return
    }
    if (request.method === 'initialize' && this.#session === undefined) {
      const { session, response } = this.#engine.initialize(request, this.#origin, true)
      this.#session = session
      session.outlet = this
      this.#engine.subscriptions.addSession(session)
      this.#channel.send(response)
      return
    }
    if (request.method === 'ping') {
      // The one request that may come before the handshake (2025-11-25, lifecycle#initialization).
      this.#channel.send(encodeResult(request.id, '{}'))
      return
    }
    this.#engine.dispatch(this.#requireSession(), request, this.#reply(), this)
  }

  #stateless(request: JsonRpcRequest): void {
    const requested = claimedVersion(request.params)
    const revision = requested === undefined ? undefined : findRevision(requested)
    if (requested !== undefined && revision?.era !== 'stateless') {
      throw unsupportedVersion(requested)
    }
    const meta = readRequestMeta(request.params)
    // readRequestMeta has refused a request without a version.
    if (revision === undefined) return
    const peer = { revision, authInfo: this.#authInfo, ...meta }
    this.#engine.dispatch(peer, request, this.#reply(), this)
  }

  get #origin(): Origin {
    return {
      authInfo: this.#authInfo,
      remoteAddress: this.#remoteAddress,
      network: this.network,
    }
  }

  #requireSession(): Session {
    if (this.#session !== undefined) return this.#session
    throw new McpError(
      'INVALID_REQUEST',
      'Invalid request: the first request must be initialize, or carry the _meta of a stateless revision',
    )
  }

  #reply(): BatchReply {
    return new ChannelReply(this.#channel, this.network, this.#remoteAddress)
  }

  #refuse(thrown: unknown, id: RequestId | undefined): void {
    const error =
      thrown instanceof McpError
        ? thrown
        : new McpError('INTERNAL_ERROR', undefined, { cause: thrown })
    this.#engine.guard?.refused?.(this.#origin, error)
    this.#engine.observer?.refused(this.#origin, error)
    this.#channel.send(encodeError(id, error))
  }
}

/** Answers on the one channel that there is. */
class ChannelReply implements BatchReply {
  readonly getHeader = undefined
  readonly remoteAddress: string | undefined
  readonly network: Network
  readonly #channel: Channel
  #isMuted = false

  constructor(channel: Channel, network: Network, remoteAddress: string | undefined) {
    this.#channel = channel
    this.network = network
    this.remoteAddress = remoteAddress
  }
  send(json: string): void {
    if (!this.#isMuted) this.#channel.send(json)
  }
  end(response: string | Uint8Array): void {
    if (!this.#isMuted) this.#channel.send(response)
  }
  endBatch(responses: readonly string[]): void {
    this.end(batchText(responses))
  }
  abandon(): void {
    this.#isMuted = true
  }
  pause(): void {}
  hold(): void {}
}
