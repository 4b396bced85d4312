import type { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import { revisions } from '../protocol/revisions/index.ts'
import type { ObservedRequest } from '../server/observer.ts'

/** Stands for what is not known, so that nobody can make names without end (semantic conventions, `_OTHER`). */
const other = '_OTHER'
/** Names that are remembered because they have been seen to work. */
const maxLearned = 10_000

const notifications = [
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]
const methods: ReadonlySet<string> = new Set([
  'initialize',
  ...notifications,
  ...revisions.flatMap(({ clientRequests }) => [...clientRequests]),
])

/** How an operation ended, in the words of the semantic conventions. */
export interface Ending {
  /** `error.type`: a JSON-RPC code, `tool_error`, `cancelled`; undefined for what went well. */
  readonly errorType: string | undefined
  /** `rpc.response.status_code`: that of the error in the response; undefined where there is none. */
  readonly statusCode: string | undefined
}

const success: Ending = { errorType: undefined, statusCode: undefined }
const toolError: Ending = { errorType: 'tool_error', statusCode: undefined }
const cancelled: Ending = { errorType: 'cancelled', statusCode: undefined }

/** How a request ended. A cancelled one has no response. */
export function endingOf(
  request: ObservedRequest,
  error: McpError | undefined,
  result: unknown,
): Ending {
  if (error === undefined) {
    const hasFailed = request.method === 'tools/call' && isJsonObject(result) && result.isError
    return hasFailed === true ? toolError : success
  }
  if (error.code === 'REQUEST_CANCELLED') return cancelled
  const code = String(request.rpcCodeOf(error))
  return { errorType: code, statusCode: code }
}

/** What an operation is about. */
export interface Target {
  readonly method: string
  readonly toolName: string | undefined
  readonly promptName: string | undefined
  /** The method, and the name where there is one: how a span is called. */
  readonly label: string
}

/**
 * Names operations, and only with names that there are: a client may ask for any method, tool or prompt it can think of.
 * Those that the protocol or the server does not name itself are known once they have worked.
 */
export class OperationNames {
  readonly #isOffered: (kind: 'tool' | 'prompt', name: string) => boolean
  // One object for each target, since all requests have one.
  readonly #methods = new Map<string, Target>()
  readonly #tools = new Map<string, Target>()
  readonly #prompts = new Map<string, Target>()

  /** @param isOffered - whether a server has a tool or prompt of that name */
  constructor(isOffered: (kind: 'tool' | 'prompt', name: string) => boolean) {
    this.#isOffered = isOffered
    for (const method of [...methods, other]) this.#methods.set(method, targetOf(method))
  }

  /** @param worked - whether the operation has ended well, by which its names become known */
  targetOf(method: string, params: unknown, worked: boolean): Target {
    const name = nameIn(method, params)
    const isTool = method === 'tools/call'
    if (name !== undefined) {
      const named = (isTool ? this.#tools : this.#prompts).get(name)
      if (named !== undefined) return named
      if (worked || this.#isOffered(isTool ? 'tool' : 'prompt', name)) {
        return learn(isTool ? this.#tools : this.#prompts, name, () =>
          isTool ? targetOf(method, name, undefined) : targetOf(method, undefined, name),
        )
      }
    }
    const known = this.#methods.get(method)
    if (known !== undefined) return known
    if (worked) return learn(this.#methods, method, () => targetOf(method))
    return this.#methods.get(other) ?? targetOf(other)
  }
}

function targetOf(method: string, toolName?: string, promptName?: string): Target {
  const name = toolName ?? promptName
  return { method, toolName, promptName, label: name === undefined ? method : `${method} ${name}` }
}

function nameIn(method: string, params: unknown): string | undefined {
  if (method !== 'tools/call' && method !== 'prompts/get') return undefined
  const name = isJsonObject(params) ? params.name : undefined
  return typeof name === 'string' ? name : undefined
}

function learn(targets: Map<string, Target>, name: string, make: () => Target): Target {
  const target = make()
  if (targets.size < maxLearned) targets.set(name, target)
  return target
}
