import type { ErrorCode } from '../errors.ts'
import type { ContentBlock } from '../types.ts'

/** The name of a revision: the date it was published under. */
export type RevisionName = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/**
 * One revision of the Model Context Protocol, as data.
 *
 * Whatever differs between revisions is a field here; the engine reads fields and never asks which revision it has.
 */
export interface Revision {
  readonly name: RevisionName
  /** `stateful`: an `initialize` handshake opens a session. `stateless`: each request is whole in itself. */
  readonly era: 'stateful' | 'stateless'

  /** Requests that a client may send. Any other method is unknown. */
  readonly clientRequests: ReadonlySet<string>
  /** Requests that may be asked of the client: by a request of the server's own, or inside `input_required`. */
  readonly serverRequests: ReadonlySet<string>
  /** Requests whose result may be `input_required`. */
  readonly inputRequiredMethods: ReadonlySet<string>
  /** JSON-RPC batches are allowed. */
  readonly batches: boolean

  /** JSON-RPC numbers that differ from the error table's. */
  readonly errorCodes: Partial<Record<ErrorCode, number>>
  /** HTTP statuses that differ from the error table's. */
  readonly httpStatuses: Partial<Record<ErrorCode, number>>

  /** Members that the revision knows of the server's capabilities and of each thing; all others are left out. */
  readonly members: {
    readonly serverCapabilities: readonly string[]
    readonly implementation: readonly string[]
    readonly tool: readonly string[]
    readonly resource: readonly string[]
    readonly resourceTemplate: readonly string[]
    readonly prompt: readonly string[]
    readonly promptArgument: readonly string[]
    /** Of resources and of content; tools have annotations of another kind. */
    readonly annotations: readonly string[]
    /** Of content blocks and of the contents of resources; undefined where the revision knows all that there are. */
    readonly content: readonly string[] | undefined
  }
  /** Kinds of content block; others are turned into text. */
  readonly contentTypes: ReadonlySet<ContentBlock['type']>
  /** Arguments that a tool's schema forbids: an error of the protocol, or a result that the model can learn from. */
  readonly invalidArguments: 'error' | 'result'
  /** What `structuredContent`, and the root of an `outputSchema`, may be. */
  readonly structuredContent: 'any' | 'object' | 'none'
  /** Results carry `resultType` and, in `_meta`, the server's name. */
  readonly resultType: boolean
  /** Results of lists, reads and discovery carry `ttlMs` and `cacheScope`. */
  readonly cacheHints: boolean
  /**
   * How a call becomes a task. `augmented`: at the client's wish, by the `task` in its params. `extension`: at the
   * server's choice, for clients that declare the extension.
   */
  readonly tasks: 'augmented' | 'extension' | 'none'
  /** Client and server may negotiate extensions, which may bring methods of their own. */
  readonly extensions: boolean
  /** Log messages go only to requests that asked for them, by `logLevel` in their `_meta`. */
  readonly logLevelPerRequest: boolean
  /** `progress` may carry a `message`. */
  readonly progressMessage: boolean

  /** What may be asked of the user, or undefined where elicitation does not exist. */
  readonly elicitation:
    | {
        readonly url: boolean
        /** The request names its mode. */
        readonly modeMember: boolean
        /** URL requests carry an `elicitationId`. */
        readonly elicitationId: boolean
        /** Choices with titles (`oneOf`) and choices of several (`array`) exist. */
        readonly richChoices: boolean
      }
    | undefined
  readonly sampling: {
    /** `tools` and `toolChoice` exist. */
    readonly tools: boolean
    readonly audio: boolean
  }

  readonly http: {
    /** `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name` are required and must agree with the body. */
    readonly standardHeaders: boolean
    /** A client that goes away has cancelled its request. */
    readonly disconnectCancels: boolean
    /** An event stream begins with an event that has an id and no data, and may be closed and polled. */
    readonly primedStreams: boolean
  }
}
