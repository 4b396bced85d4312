import type { Implementation, JsonObject, ServerCapabilities } from '../protocol/types.ts'
import type { Registry } from '../registry/registry.ts'
import type { Session } from '../sessions/session.ts'
import type { ContextHost, RequestContext } from './context.ts'
import type { EncodedResult, ResultEncoder } from './result.ts'
import type { TaskLimits } from './tasks/task-options.ts'
import type { Tasks } from './tasks/tasks.ts'

/** What a method gives: a result, or one that is encoded already. */
export type Outcome = object | EncodedResult
/** What methods work on, beside their request. */
export interface MethodHost {
  readonly tasks: Tasks
}
export type MethodHandler = (
  context: RequestContext,
  params: JsonObject,
  host: MethodHost,
) => Outcome | Promise<Outcome>

/** Something that clients want to hear of: a list that changed, or a resource. */
export type Change =
  | { readonly list: 'tools' | 'prompts' | 'resources' }
  | { readonly resource: string }

/** What an engine serves: the features of a server, as methods. */
export interface Service extends ContextHost {
  readonly info: Implementation
  readonly instructions: string | undefined
  /** Everything that has a name here: what the server offers, and the sessions and connections of its endpoints. */
  readonly registry: Registry
  capabilities(): ServerCapabilities
  /** The methods of features; those of the protocol itself are the engine's. */
  readonly methods: ReadonlyMap<string, MethodHandler>
  /** The methods that extensions bring; they exist in revisions that have extensions. */
  readonly extensionMethods?: ReadonlyMap<string, MethodHandler>
  /** How many tasks there may be, and for how long. */
  readonly taskLimits?: TaskLimits
  readonly encoder: ResultEncoder
  /** Told of failures that the client sees only as "Internal error". */
  onError(error: unknown, context: RequestContext | undefined): void
  /** Calls back for each change until the returned function is called. */
  onChange(listener: (change: Change) => void): () => void
  /** Someone has subscribed to a resource, or no longer does: a session, or a listener of the stateless era. */
  watchResource?(uri: string, isWatched: boolean, session: Session | undefined): void
  sessionEnded?(session: Session): void
  /** The client of a session works in other folders than before. */
  rootsChanged?(session: Session): void
}

/** Where a server keeps its service; a symbol, so that it does not stand among the public methods. */
export const service: unique symbol = Symbol.for('tsmcp.service') as never

/** Anything that can be served: what `defineServer` and `mount` give. */
export interface Servable {
  readonly [service]: Service
}

export function isServable(value: unknown): value is Servable {
  return typeof value === 'object' && value !== null && service in value
}
