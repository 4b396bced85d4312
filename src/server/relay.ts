import { AsyncLocalStorage } from 'node:async_hooks'
import { McpError } from '../protocol/errors.ts'
import {
  encodeNotification,
  isJsonObject,
  type JsonRpcError,
  openEnvelope,
} from '../protocol/json-rpc.ts'
import type {
  AuthInfo,
  ClientCapabilities,
  Implementation,
  JsonObject,
  RequestId,
  ServerCapabilities,
} from '../protocol/types.ts'
import { Session } from '../sessions/session.ts'
import type { RequestContext } from './context.ts'

/** What the official SDKs call a transport, as far as a server uses it. */
export interface SdkTransport {
  start(): Promise<void>
  send(message: object, options?: { relatedRequestId?: RequestId }): Promise<void>
  close(): Promise<void>
  onmessage?(message: unknown, extra?: object): void
  onclose?(): void
  onerror?(error: Error): void
}
/** An `McpServer` or `Server` of the official SDK, v1 or v2. */
export interface SdkServer {
  connect(transport: SdkTransport): Promise<void>
  close(): Promise<void>
}

interface Call {
  readonly context: RequestContext | undefined
  readonly resolve: (result: JsonObject) => void
  readonly reject: (error: unknown) => void
}

/** What the server said of itself in the handshake. */
export interface Greeting {
  readonly capabilities: ServerCapabilities
  readonly serverInfo: Implementation
  readonly instructions?: string
}

/** Who we are towards the server. */
export interface ClientIdentity {
  readonly clientInfo: Implementation
  readonly capabilities: ClientCapabilities
}

const relayRevision = '2025-11-25'
/** Pages that users may be on; for one more the oldest is forgotten. */
const maxVisitors = 1000

/**
 * A connection to an official-SDK server in this process, as its only client. Requests of many clients go through it
 * under ids of its own; what the server sends in the course of one goes back to the client it belongs to.
 */
export class Relay {
  readonly #calls = new Map<RequestId, Call>()
  /** Whose call a handler runs in, also where the server does not say it. */
  readonly #running = new AsyncLocalStorage<Call>()
  readonly #onNotification: (method: string, params: JsonObject) => void
  /** The sessions whose users were sent to a page, by the id of the elicitation. */
  readonly #visitors = new Map<unknown, Session>()
  #transport: SdkTransport | undefined
  #nextId = 1

  /** @param onNotification - told of what belongs to no request */
  constructor(onNotification: (method: string, params: JsonObject) => void) {
    this.#onNotification = onNotification
  }

  /** Connects and shakes hands. @param profile - as whom: the client, or one that can do everything */
  async open(server: SdkServer, profile: ClientIdentity): Promise<Greeting> {
    const transport: SdkTransport = {
      start: () => Promise.resolve(),
      close: async () => {
        this.#closed()
        transport.onclose?.()
      },
      send: async (message, options) => this.#receive(message, options?.relatedRequestId),
    }
    this.#transport = transport
    await server.connect(transport)
    const greeting = await this.request('initialize', {
      protocolVersion: relayRevision,
      ...profile,
    })
    this.#post({ method: 'notifications/initialized' })
    return greeting as unknown as Greeting
  }

  /** Sends a request, in the course of a client's one if there is one. @throws McpError that the server answers with */
  request(method: string, params: JsonObject, context?: RequestContext): Promise<JsonObject> {
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    const made: Call = { context, resolve, reject }
    this.#calls.set(id, made)
    const meta = isJsonObject(params._meta) ? params._meta : undefined
    // Progress comes back under our id, whatever token the client has chosen.
    const relayed =
      context === undefined ? params : { ...params, _meta: { ...meta, progressToken: id } }
    const cancel = (): void => {
      this.#leave(id, 'The client has cancelled')
      reject(new McpError('REQUEST_CANCELLED'))
    }
    context?.signal.addEventListener('abort', cancel, { once: true })
    const extra = context?.authInfo && { authInfo: sdkAuthInfo(context.authInfo) }
    this.#running.run(made, () => this.#post({ id, method, params: relayed }, extra))
    return promise.finally(() => {
      this.#calls.delete(id)
      context?.signal.removeEventListener('abort', cancel)
    })
  }

  #leave(id: RequestId, reason: string): void {
    this.#post({ method: 'notifications/cancelled', params: { requestId: id, reason } })
  }

  #post(message: object, extra?: object): void {
    // Never within the server's own call: it does not expect an answer before its `send` has returned.
    queueMicrotask(() => this.#transport?.onmessage?.({ jsonrpc: '2.0', ...message }, extra))
  }

  #receive(message: unknown, relatedId: RequestId | undefined): void {
    const envelope = openEnvelope(message)
    switch (envelope.kind) {
      case 'response': {
        const { id, result, error } = envelope.message
        const call = id === undefined ? undefined : this.#calls.get(id)
        if (result !== undefined) call?.resolve(result)
        else if (error !== undefined) call?.reject(fromRpcError(error))
        break
      }
      case 'notification':
        this.#notified(envelope.message.method, envelope.message.params ?? {}, relatedId)
        break
      case 'request':
        void this.#asked(
          envelope.message.id,
          envelope.message.method,
          envelope.message.params ?? {},
          relatedId,
        )
        break
      case 'fault':
        break
    }
  }

  #notified(method: string, params: JsonObject, relatedId: RequestId | undefined): void {
    if (method === 'notifications/progress') {
      const { progressToken, progress, total, message } = params
      const context = this.#calls.get(progressToken as RequestId)?.context
      context?.progress(
        progress as number,
        total as number | undefined,
        message as string | undefined,
      )
    } else if (method === 'notifications/message') {
      const { level, data, logger } = params
      this.#callOf(relatedId)?.context?.log(level as never, data, logger as string | undefined)
    } else if (method === 'notifications/elicitation/complete') {
      // It comes whenever the user is done with the page, mostly after the call.
      const { elicitationId } = params
      this.#visitors.get(elicitationId)?.outlet?.send(encodeNotification(method, params))
      this.#visitors.delete(elicitationId)
    } else this.#onNotification(method, params)
  }

  /** Passes a question of the server to the client in the course of whose request it is asked. */
  async #asked(
    id: RequestId,
    method: string,
    params: JsonObject,
    relatedId: RequestId | undefined,
  ): Promise<void> {
    if (method === 'ping') {
      this.#post({ id, result: {} })
      return
    }
    const call = this.#callOf(relatedId)
    try {
      if (call?.context === undefined) {
        throw new McpError('INTERNAL_ERROR', `${method} belongs to no request of a client`)
      }
      this.#remember(params.elicitationId, call.context)
      this.#post({ id, result: await call.context.ask(method, params) })
    } catch (error) {
      // In the stateless era the client's request ends here, and comes again with the answer.
      const callId = [...this.#calls].find(([, each]) => each === call)?.[0]
      if (callId !== undefined) this.#leave(callId, 'The client is asked for input')
      call?.reject(error)
      const known = error instanceof McpError ? error : new McpError('INTERNAL_ERROR')
      this.#post({ id, error: { code: known.rpcCode(), message: known.message } })
    }
  }

  #remember(elicitationId: unknown, { peer }: RequestContext): void {
    if (elicitationId === undefined || !(peer instanceof Session)) return
    this.#visitors.set(elicitationId, peer)
    const [oldest] = this.#visitors.keys()
    if (this.#visitors.size > maxVisitors) this.#visitors.delete(oldest)
  }

  /** The call that something belongs to: the one named, or the one in whose handler it is sent. */
  #callOf(relatedId: RequestId | undefined): Call | undefined {
    return relatedId === undefined ? this.#running.getStore() : this.#calls.get(relatedId)
  }

  #closed(): void {
    this.#transport = undefined
    const error = new McpError('INTERNAL_ERROR', 'The mounted server has closed its connection')
    for (const call of this.#calls.values()) call.reject(error)
  }
}

function fromRpcError({ code, message, data }: JsonRpcError): McpError {
  switch (code) {
    case -32002:
      return new McpError('RESOURCE_NOT_FOUND', message, { data })
    case -32042:
      return new McpError('URL_ELICITATION_REQUIRED', message, { data })
    case -32600:
      return new McpError('INVALID_REQUEST', message, { data })
    case -32601:
      return new McpError('METHOD_NOT_FOUND', message, { data })
    case -32602:
      return new McpError('INVALID_PARAMS', message, { data })
    default:
      return code >= -32768 && code <= -32000
        ? new McpError('INTERNAL_ERROR', message, { data })
        : new McpError('APPLICATION_ERROR', message, { data, rpcCode: code })
  }
}

/** Who is calling, as the SDK's handlers know it. The token itself is never passed on. */
function sdkAuthInfo({
  subject,
  clientId = subject,
  scopes = [],
  expiresAt,
  claims,
}: AuthInfo): object {
  return {
    token: '',
    clientId,
    scopes: [...scopes],
    ...(expiresAt !== undefined && { expiresAt }),
    ...(claims !== undefined && { extra: claims }),
  }
}
