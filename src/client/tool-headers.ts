import {
  type HeaderParameter,
  headerParameters,
  headersOfParameters,
} from '../protocol/header-parameters.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonObject } from '../protocol/types.ts'

/** Tools whose headers are kept; of more, those are forgotten that were seen first. */
const maxTools = 10_000

/** Which arguments of which tool are repeated in headers (2026-07-28, transports/streamable-http#custom-headers). */
export class ToolHeaders {
  readonly #byTool = new Map<string, readonly HeaderParameter[]>()

  /** Reads a list of tools. @returns it without the tools whose annotations break the rules, which must not be used */
  learn(result: JsonObject): JsonObject {
    if (!Array.isArray(result.tools)) return result
    const tools = result.tools.filter((tool) => this.#isUsable(tool))
    return tools.length === result.tools.length ? result : { ...result, tools }
  }

  /** The headers of a call. */
  of({ name, arguments: args }: JsonObject): Record<string, string> {
    const parameters = this.#byTool.get(String(name))
    if (parameters === undefined) return {}
    return headersOfParameters(parameters, isJsonObject(args) ? args : {})
  }

  #isUsable(tool: unknown): boolean {
    if (!isJsonObject(tool) || typeof tool.name !== 'string') return true
    this.#byTool.delete(tool.name)
    if (!isJsonObject(tool.inputSchema)) return true
    try {
      const parameters = headerParameters(tool.inputSchema)
      if (parameters.length > 0) this.#keep(tool.name, parameters)
      return true
    } catch {
      // An annotation that breaks the rules.
      return false
    }
  }

  #keep(name: string, parameters: readonly HeaderParameter[]): void {
    const [oldest] = this.#byTool.keys()
    if (this.#byTool.size >= maxTools && oldest !== undefined) this.#byTool.delete(oldest)
    this.#byTool.set(name, parameters)
  }
}
