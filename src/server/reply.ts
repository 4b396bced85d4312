import type { Outlet } from '../sessions/session.ts'
import type { Network } from './observer.ts'

/**
 * The way back of one request. A transport that can only answer once turns into a stream when something is sent
 * before the response.
 */
export interface Reply extends Outlet {
  /**
   * The response; nothing follows it.
   *
   * @param httpStatus - for transports that have one and have not sent it yet
   * @param headers - further headers, where there are any: names and values in turn
   */
  end(response: string | Uint8Array, httpStatus: number, headers?: readonly string[]): void
  /** No response will come: the client has cancelled. */
  abandon(): void
  /** Ends the HTTP response but not the stream, where the client can come back for the rest; else does nothing. */
  pause(retryMs: number): void
  /**
   * The response will take time: told once, for handlers that do not answer at once.
   *
   * @param cancel - to be called if the client goes away and its revision takes that as a cancellation
   */
  hold(cancel: () => void): void
  /** The headers that came with the request, by name in lower case; undefined where a transport has none. */
  readonly getHeader: ((name: string) => string | undefined) | undefined
  /** Where the request came from; undefined where a transport has no addresses. */
  readonly remoteAddress?: string | undefined
  /** How the client is connected. */
  readonly network: Network
}

/** The way back of a batch. */
export interface BatchReply extends Reply {
  /** The responses to all requests of the batch; nothing follows them. */
  endBatch(responses: readonly string[]): void
}

/** The responses to a batch as one message. */
export function batchText(responses: readonly string[]): string {
  return `[${responses.join(',')}]`
}

/** A response as text, for transports that carry text. */
export function responseText(response: string | Uint8Array): string {
  return typeof response === 'string' ? response : Buffer.from(response).toString()
}
