import type {
  CallToolResult,
  ContentBlock,
  Icon,
  JsonObject,
  ToolAnnotations,
} from '../protocol/types.ts'
import type { ToolResult } from './content.ts'
import type { Context } from './context.ts'
import type { UiLink } from './extensions/apps.ts'
import type { UnboundedPatterns } from './pattern-engine.ts'
import type { SchemaInput, SchemaOutput, SchemaValue } from './schema.ts'
import type { TaskConfig } from './tasks/task-call.ts'

export interface ToolConfig<Input, Output> {
  title?: string
  description?: string
  /** What the tool takes: a Standard Schema or JSON Schema with an object at its root. Default: no arguments. */
  input?: Input
  /** What the tool gives as structured content. */
  output?: Output
  annotations?: ToolAnnotations
  icons?: Icon[]
  /**
   * Whether calls may run as tasks: the client has an id at once and comes back for the outcome. Default `forbidden`.
   */
  task?: 'forbidden' | 'optional' | 'required' | TaskConfig
  /** The user interface that shows the results (MCP Apps); add it by `server.ui()` first. */
  ui?: string | UiLink
  /** Scopes that a caller must have been granted, over transports that ask who is calling. */
  scopes?: readonly string[]
  /**
   * What is done with a `pattern` of a JSON Schema that cannot be matched in linear time (look-around,
   * back-references): `refuse` the tool, or run it by `backtracking`, at the risk that a client's text stops the
   * server. Default `refuse`.
   */
  unboundedPatterns?: UnboundedPatterns
  _meta?: JsonObject
}

/**
 * What a tool may return without an `output` schema: text, a block, blocks, or a whole result. With an `output`
 * schema it returns the value itself; {@link toolResult} makes a whole result in either case.
 */
export type ToolReturn<Output> =
  | ToolResult
  | (SchemaInput extends Output
      ? string | ContentBlock | ContentBlock[] | CallToolResult | undefined
      : SchemaValue<Output>)

export type ToolHandler<Input, Output> = (
  args: SchemaOutput<Input>,
  context: Context,
) => ToolReturn<Output> | Promise<ToolReturn<Output>>
