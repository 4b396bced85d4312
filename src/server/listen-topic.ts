import type { JsonObject } from '../protocol/types.ts'
import type { RequestContext } from './context.ts'

/** Tells one listener something, under its subscription. */
export type Tell = (method: string, params: JsonObject) => void

/** What a listener has asked for and is to be told of. */
export interface OpenTopic {
  /** What was agreed to, as it stands in the acknowledgement. */
  readonly agreed: JsonObject
  /** Begins to tell. @returns a function that ends it */
  start(tell: Tell): () => void
}

/** Something beside lists and resources that `subscriptions/listen` can tell of: tasks. */
export interface ListenTopic {
  /**
   * Reads what a listener asks for; undefined when it asks for nothing of this topic.
   *
   * @throws McpError INVALID_PARAMS, or MISSING_CLIENT_CAPABILITY
   */
  open(
    context: RequestContext,
    notifications: JsonObject,
  ): OpenTopic | undefined | Promise<OpenTopic | undefined>
}
