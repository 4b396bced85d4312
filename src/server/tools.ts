import { isForModel, supportsUi } from '../protocol/apps.ts'
import { McpError, quoted } from '../protocol/errors.ts'
import {
  checkHeaderParameters,
  type HeaderParameter,
  headerParameters,
} from '../protocol/header-parameters.ts'
import { checkIcons } from '../protocol/icons.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import { checkMeta } from '../protocol/meta.ts'
import { isSecretName } from '../protocol/secret-names.ts'
import { shapeTool, shapeToolResult } from '../protocol/shape.ts'
import type { CallToolResult, JsonObject, Tool } from '../protocol/types.ts'
import { defineKind } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'
import type { Context, RequestContext } from './context.ts'
import { InputRequired } from './input-round.ts'
import { PagedList, viewOf } from './list.ts'
import { withoutCredentials } from './log-data.ts'
import { isPromise, mapMaybe } from './maybe-promise.ts'
import { checkScopes, requireScopes } from './required-scopes.ts'
import type { EncodedResult, ResultEncoder } from './result.ts'
import { type Checked, type CompiledSchema, compileSchema, type SchemaInput } from './schema.ts'
import type { MethodHost } from './service.ts'
import { callAsTask, readTaskConfig, type TaskConfig, taskMode } from './tasks/task-call.ts'
import type { ToolConfig, ToolHandler } from './tool-config.ts'
import { failed, plainResult, structuredResult } from './tool-result.ts'
import { warnOnce } from './warn-once.ts'

interface RegisteredTool {
  readonly tool: Tool
  readonly input: CompiledSchema
  readonly output: CompiledSchema | undefined
  readonly headerParameters: readonly HeaderParameter[]
  readonly task: TaskConfig | undefined
  readonly scopes: readonly string[] | undefined
  /** Something else shows the results, and the content must not be left to it. */
  readonly needsContent: boolean
  readonly handler: (args: never, context: Context) => unknown
}

const toolKind = defineKind<RegisteredTool>('tool', {
  describe: ({ tool: { title = '' }, task }) => ({ title, task: task?.support ?? 'forbidden' }),
})

/** The tools that may be offered to the agent. */
const modelView = { name: 'model', includes: ({ tool }: RegisteredTool) => isForModel(tool) }

const nameOf = ({ tool }: RegisteredTool): string => tool.name

/** The schema of a tool that takes nothing (2026-07-28, server/tools#tool). */
const noArguments = { type: 'object', additionalProperties: false } as const

/** `tools/list` and `tools/call`. */
export class Tools {
  readonly list: PagedList<RegisteredTool>
  readonly #onFailure: (error: unknown, context: RequestContext) => void
  /** Some tool is for user interfaces alone. */
  #hasAppTools = false
  /** Some tool can be a task, or could: what was offered once stays advertised. */
  offersTasks = false

  /** @param onFailure - told what a tool threw; its client sees only the message */
  constructor(
    registry: Registry,
    pageSize: number,
    onFailure: (error: unknown, context: RequestContext) => void,
  ) {
    const names = registry.of(toolKind)
    this.list = new PagedList(names, 'tools', pageSize, (revision, { tool }) =>
      shapeTool(revision, tool),
    )
    this.#onFailure = onFailure
  }

  /**
   * Registers a tool and compiles its schemas.
   *
   * @returns a function that takes it away again
   * @throws TypeError when the name is taken or a schema is invalid
   */
  add<Input extends SchemaInput, Output extends SchemaInput>(
    name: string,
    config: ToolConfig<Input, Output>,
    handler: ToolHandler<Input, Output>,
  ): () => void {
    if (name === '') throw new TypeError('A tool needs a name')
    if (!goodName.test(name)) warnOfName(name)
    const { input, output, task: taskConfig, ui, scopes, unboundedPatterns, ...described } = config
    const registered = withToolName(name, () => {
      checkIcons(config.icons)
      checkMeta(config._meta)
      const compiled = compileSchema(input ?? noArguments, 'input', unboundedPatterns)
      if (compiled.json.type !== 'object') throw new TypeError('input must have type "object"')
      const compiledOutput =
        output === undefined ? undefined : compileSchema(output, 'output', unboundedPatterns)
      const tool: Tool = { name, ...described, inputSchema: compiled.json }
      if (compiledOutput !== undefined) tool.outputSchema = compiledOutput.json
      const task = readTaskConfig(taskConfig)
      if (task !== undefined) tool.execution = { taskSupport: task.support }
      const parameters = headerParameters(compiled.json)
      for (const each of parameters) warnOfSecret(name, each)
      return {
        tool,
        input: compiled,
        output: compiledOutput,
        headerParameters: parameters,
        task,
        scopes: checkScopes(scopes),
        needsContent: ui !== undefined,
        handler: handler as RegisteredTool['handler'],
      }
    })
    this.list.add(name, registered)
    this.#hasAppTools ||= !isForModel(registered.tool)
    this.offersTasks ||= registered.task !== undefined
    return () => this.list.remove(name, registered)
  }

  /** A page of the list. Tools for user interfaces alone are shown to clients that have such. */
  page(
    encoder: ResultEncoder,
    { peer: { revision, clientCapabilities }, visibility }: RequestContext,
    cursor: unknown,
  ): EncodedResult {
    const hidesSome = this.#hasAppTools && !supportsUi(clientCapabilities)
    const view = viewOf(visibility, 'tool', nameOf, hidesSome ? modelView : undefined)
    return this.list.page(encoder, revision, cursor, view)
  }

  call(context: RequestContext, params: JsonObject, host: MethodHost): object | Promise<object> {
    const { name } = params
    if (typeof name !== 'string')
      throw new McpError('INVALID_PARAMS', 'Invalid params: name must be a string')
    const registered = this.list.get(name)
    if (registered === undefined)
      throw new McpError('INVALID_PARAMS', `Unknown tool: ${quoted(name)}`)
    requireScopes(context.authInfo, registered.scopes)
    const args = params.arguments ?? {}
    if (!isJsonObject(args)) {
      throw new McpError('INVALID_PARAMS', 'Invalid params: arguments must be an object')
    }
    const { getHeader } = context.reply
    if (getHeader !== undefined && context.peer.revision.http.standardHeaders) {
      checkHeaderParameters(registered.headerParameters, args, getHeader)
    }
    // Without a closure where nothing must be waited for: every call comes by here.
    const opened = context.openRound()
    return opened === undefined
      ? this.#begin(registered, args, context, host)
      : opened.then(() => this.#begin(registered, args, context, host))
  }

  #begin(
    registered: RegisteredTool,
    args: JsonObject,
    context: RequestContext,
    host: MethodHost,
  ): object | Promise<object> {
    const { task, tool } = registered
    if (task !== undefined || context.request.params?.task !== undefined) {
      const mode = taskMode(context, tool.name, task, this.offersTasks)
      if (mode !== 'plain' && task !== undefined) {
        const run = () => this.#check(registered, args, context)
        return callAsTask(host.tasks, context, task, mode === 'must', run)
      }
    }
    return this.#check(registered, args, context)
  }

  #check(
    registered: RegisteredTool,
    args: JsonObject,
    context: RequestContext,
  ): CallToolResult | Promise<CallToolResult> {
    return mapMaybe(registered.input.check(args), (checked) =>
      this.#run(registered, checked, context),
    )
  }

  #run(
    registered: RegisteredTool,
    checked: Checked,
    context: RequestContext,
  ): CallToolResult | Promise<CallToolResult> {
    if ('problem' in checked) {
      const message = `Invalid arguments for tool ${registered.tool.name}: ${checked.problem}`
      if (context.peer.revision.invalidArguments === 'result') return failed(message)
      throw new McpError('INVALID_PARAMS', message)
    }
    if (context.becomeTask !== undefined && registered.task?.begin !== 'by-handler') {
      return context.becomeTask().then(() => this.#handle(registered, checked.value, context))
    }
    return this.#handle(registered, checked.value, context)
  }

  #handle(
    registered: RegisteredTool,
    args: unknown,
    context: RequestContext,
  ): CallToolResult | Promise<CallToolResult> {
    let returned: unknown
    try {
      returned = registered.handler(args as never, context)
    } catch (error) {
      return this.#failure(error, context)
    }
    if (!isPromise(returned)) return this.#finish(registered, returned, context)
    return returned.then(
      (value) => this.#finish(registered, value, context),
      (error: unknown) => this.#failure(error, context),
    )
  }

  /** What a tool throws is told to the model, but for protocol errors, which are the request's. */
  #failure(error: unknown, context: RequestContext): CallToolResult {
    if (error instanceof McpError || error instanceof InputRequired) throw error
    // A handler that was told to stop may end by any error.
    if (!context.signal.aborted) this.#onFailure(error, context)
    return failed(toldOf(error))
  }

  #finish(
    { tool, output, needsContent }: RegisteredTool,
    returned: unknown,
    context: RequestContext,
  ): CallToolResult | Promise<CallToolResult> {
    const result = output === undefined ? plainResult(returned) : structuredResult(returned)
    if (needsContent && result.content.length === 0) {
      const message = `Tool ${tool.name} has a user interface and must return content all the same`
      throw new McpError('INTERNAL_ERROR', message)
    }
    if (output === undefined || result.isError === true) {
      return shapeToolResult(context.peer.revision, result)
    }
    if (result.structuredContent === undefined) {
      throw new McpError(
        'INTERNAL_ERROR',
        `Tool ${tool.name} returned nothing, but has an output schema`,
      )
    }
    return mapMaybe(output.check(result.structuredContent), (checked) => {
      if ('problem' in checked) {
        throw new McpError(
          'INTERNAL_ERROR',
          `Tool ${tool.name} returned what its output schema forbids: ${checked.problem}`,
        )
      }
      return shapeToolResult(context.peer.revision, result)
    })
  }
}

const stackFrame = /^\s+at\s/
const maxTold = 10_000

/** What the model is told of a failure: the message, without credentials or a stack that got into it. */
function toldOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const lines = message.split('\n').filter((line) => !stackFrame.test(line))
  const told = withoutCredentials(lines.join('\n')).slice(0, maxTold)
  return told === '' ? 'The tool failed' : told
}

function withToolName<Value>(name: string, make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new TypeError(`Tool "${name}": ${message}`, { cause: error })
  }
}

/** What the specification asks of names (2026-07-28, server/tools#tool-names); some clients refuse others. */
const goodName = /^[A-Za-z0-9_.\-/]{1,128}$/

function warnOfName(name: string): void {
  warnOnce(
    'TSMCP_TOOL_NAME',
    `Tool name "${quoted(name)}" should have at most 128 characters, of A-Z a-z 0-9 _ - . only`,
  )
}

/** Headers end up in the logs of all that stand between. */
function warnOfSecret(tool: string, { path }: HeaderParameter): void {
  if (!path.some(isSecretName)) return
  const text = `Tool ${quoted(tool)}: ${quoted(path.join('.'))} looks secret and should have no x-mcp-header`
  warnOnce('TSMCP_SECRET_HEADER', text)
}
