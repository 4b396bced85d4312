import { McpError } from '../protocol/errors.ts'
import { checkCapabilities, checkImplementation, isLogLevel } from '../protocol/meta.ts'
import { negotiate, type Revision, supportedVersions } from '../protocol/revisions/index.ts'
import { shapeServerCapabilities } from '../protocol/shape.ts'
import {
  type ClientCapabilities,
  type Implementation,
  type JsonObject,
  logLevels,
} from '../protocol/types.ts'
import type { ClientProfile } from '../sessions/peer.ts'
import { Session } from '../sessions/session.ts'
import type { RequestContext } from './context.ts'
import { mapMaybe } from './maybe-promise.ts'
import type { MethodHost, Outcome, Service } from './service.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What the protocol's own methods work on, beside their request. */
interface ProtocolHost extends MethodHost {
  readonly service: Service
  readonly subscriptions: Subscriptions
}
type ProtocolMethod = (
  context: RequestContext,
  params: JsonObject,
  host: ProtocolHost,
) => Outcome | Promise<Outcome>

/** The methods that belong to the protocol itself rather than to what a server offers. */
export const protocolMethods: ReadonlyMap<string, ProtocolMethod> = new Map<string, ProtocolMethod>(
  [
    ['initialize', initializeAgain],
    ['ping', () => ({})],
    ['server/discover', discover],
    ['subscriptions/listen', listen],
    ['logging/setLevel', setLogLevel],
    ['resources/subscribe', subscribe],
    ['resources/unsubscribe', unsubscribe],
  ],
)

/**
 * Reads the params of `initialize`.
 *
 * @throws McpError INVALID_PARAMS that names what is missing or malformed
 */
export function readInitialize(params: JsonObject): {
  revision: Revision
  profile: ClientProfile
} {
  const { protocolVersion, capabilities, clientInfo } = params
  if (typeof protocolVersion !== 'string') {
    throw new McpError('INVALID_PARAMS', 'Invalid params: protocolVersion must be a string', {
      data: { supported: supportedVersions },
    })
  }
  checkCapabilities(capabilities, 'capabilities')
  checkImplementation(clientInfo, 'clientInfo')
  return {
    revision: negotiate(protocolVersion),
    profile: {
      clientInfo: clientInfo as unknown as Implementation,
      clientCapabilities: capabilities as ClientCapabilities,
    },
  }
}

/** The first `initialize` opens the session and never comes here. */
function initializeAgain(): never {
  throw new McpError('INVALID_REQUEST', 'Invalid request: the session is initialized already')
}

function discover(
  { peer: { revision } }: RequestContext,
  _: JsonObject,
  { service }: ProtocolHost,
) {
  const result: JsonObject = {
    supportedVersions,
    capabilities: shapeServerCapabilities(revision, service.capabilities()),
  }
  if (service.instructions !== undefined) result.instructions = service.instructions
  return service.encoder.withCacheHints(revision, result)
}

function listen(context: RequestContext, params: JsonObject, host: ProtocolHost) {
  const capabilities = host.service.capabilities()
  const topic = capabilities.tasks === undefined ? undefined : host.tasks.listeners
  return host.subscriptions.listen(context, params, capabilities, topic)
}

function setLogLevel({ peer }: RequestContext, { level }: JsonObject, { service }: ProtocolHost) {
  if (service.capabilities().logging === undefined) throw notFound('logging/setLevel')
  if (!isLogLevel(level)) {
    throw new McpError(
      'INVALID_PARAMS',
      `Invalid params: level must be one of ${logLevels.join(', ')}`,
    )
  }
  return mapMaybe(sessionOf(peer).setLogLevel(level), () => ({}))
}

function subscribe({ peer }: RequestContext, { uri }: JsonObject, host: ProtocolHost) {
  const wanted = requireUri(uri, host.service, 'resources/subscribe')
  return mapMaybe(host.subscriptions.subscribe(sessionOf(peer), wanted), () => ({}))
}

function unsubscribe({ peer }: RequestContext, { uri }: JsonObject, host: ProtocolHost) {
  const unwanted = requireUri(uri, host.service, 'resources/unsubscribe')
  return mapMaybe(host.subscriptions.unsubscribe(sessionOf(peer), unwanted), () => ({}))
}

function requireUri(uri: unknown, service: Service, method: string): string {
  if (service.capabilities().resources?.subscribe !== true) throw notFound(method)
  if (typeof uri !== 'string') {
    throw new McpError('INVALID_PARAMS', 'Invalid params: uri must be a string')
  }
  return uri
}

function sessionOf(peer: RequestContext['peer']): Session {
  // The tables of the revisions let these methods through for sessions only.
  if (!(peer instanceof Session)) throw notFound('this method')
  return peer
}

function notFound(method: string): McpError {
  return new McpError('METHOD_NOT_FOUND', `Method not found: ${method}`)
}
