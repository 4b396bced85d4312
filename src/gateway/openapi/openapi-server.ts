import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'
import { defineServer, type Server } from '../../server/server.ts'
import type { OpenApiDocument } from './document.ts'
import { resultOf } from './http-answer.ts'
import { requestOf } from './http-request.ts'
import { type Operation, operationsOf, type SkippedOperation } from './operation.ts'

export interface OpenApiServerOptions {
  /** Before the paths of the document. Default: its first server. */
  readonly baseUrl?: string | undefined
  /** Of each request: the credentials, for instance. */
  readonly headers: Readonly<Record<string, string>>
  /** Told of each operation that cannot be a tool. */
  onSkipped(operation: SkippedOperation): void
}

/**
 * An MCP server whose tools are the operations of an API.
 *
 * @throws TypeError when the document does not say where the API is
 */
export function openApiServer(document: OpenApiDocument, options: OpenApiServerOptions): Server {
  const { info } = document.root
  const { title, version, description } = isJsonObject(info) ? info : {}
  const baseUrl = baseUrlOf(document, options.baseUrl)
  const server = defineServer({
    name: String(title ?? 'api'),
    version: String(version ?? '1'),
    ...(typeof description === 'string' && { instructions: description.slice(0, 4000) }),
    // Whoever calls sees what the API has said; there is nothing to add.
    onError: () => {},
  })
  const { operations, skipped } = operationsOf(document)
  for (const each of skipped) options.onSkipped(each)
  for (const operation of operations) {
    try {
      addTool(server, operation, baseUrl, options.headers)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      options.onSkipped({ method: operation.method, path: operation.path, reason })
    }
  }
  return server
}

function addTool(
  server: Server,
  operation: Operation,
  baseUrl: string,
  headers: Readonly<Record<string, string>>,
): void {
  const { name, title, description, inputSchema, annotations } = operation
  server.tool(
    name,
    {
      description,
      input: inputSchema,
      annotations,
      ...(title !== undefined && { title }),
    },
    async (args, { signal }) => {
      const request = requestOf(operation, args as JsonObject, baseUrl, headers)
      const response = await fetch(request.url, {
        method: request.method,
        headers: request.headers,
        signal,
        // Credentials are for this API, and not for where it might send us.
        redirect: 'manual',
        ...(request.body !== undefined && { body: request.body }),
      })
      return resultOf(response, request.url.href)
    },
  )
}

function baseUrlOf({ root }: OpenApiDocument, given: string | undefined): string {
  const url = given ?? firstServer(root)
  if (url === undefined || !/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new TypeError('The document does not say at which URL the API is: give it as url')
  }
  return url
}

/** The URL of the first server, with the defaults of its variables. */
function firstServer({ servers }: JsonObject): string | undefined {
  const [first] = Array.isArray(servers) ? servers : []
  if (!isJsonObject(first) || typeof first.url !== 'string') return undefined
  const { variables } = first
  return first.url.replace(/\{([^}]*)\}/g, (_, name: string) => {
    const variable = isJsonObject(variables) ? variables[name] : undefined
    return isJsonObject(variable) ? String(variable.default) : ''
  })
}
