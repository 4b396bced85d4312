import { text as readText } from 'node:stream/consumers'
import type { Client } from '@modelcontextprotocol/client'
import type { Command } from 'commander'
import { CliError, describeFailure, messageOf, usageError } from './cli-error.ts'
import {
  addClientOptions,
  type ClientOptions,
  clientOptions,
  withConnection,
} from './client-command.ts'
import type { CommandContext } from './command-context.ts'
import type { ConnectOptions } from './connect.ts'
import { promptLines, resourcePieces, toolResultLines } from './content-lines.ts'
import { exampleArguments, shellQuoted } from './example-arguments.ts'
import type { ExitCode } from './exit-codes.ts'
import { type Io, note, print } from './io.ts'
import { didYouMean } from './nearest-name.ts'
import { ProgressDisplay } from './progress-display.ts'
import { serverLists } from './server-lists.ts'

const examples = `
Examples:
  tsmcp call http://127.0.0.1:8080/mcp forecast '{"city":"Paris"}'
  tsmcp call server.ts forecast '{"city":"Paris"}'        without a server running
  echo '{"city":"Paris"}' | tsmcp call server.ts forecast -
  tsmcp call server.ts --resource docs://readme
  tsmcp call server.ts --prompt compare '{"a":"Paris","b":"Rome"}'

A tool that reports an error ends the command with exit code 1. What the server asks in between
(elicitation) is asked at the terminal, and declined where there is none.`

/** Adds `tsmcp call` to the program. */
export function addCall(program: Command, context: CommandContext): void {
  const command = program
    .command('call')
    .summary('call a tool, read a resource or get a prompt')
    .description(
      'Calls a tool of a server, reads one of its resources, or gets one of its prompts.',
    )
    .argument('<URL|FILE>', 'where the server is, or the module that defines it')
    .argument('[TOOL]', 'name of the tool')
    .argument('[JSON]', "its arguments as a JSON object; '-' reads them from stdin")
    .option('--resource <uri>', 'read this resource instead')
    .option('--prompt <name>', 'get this prompt instead, with JSON as its arguments')
    .addHelpText('after', examples)
  addClientOptions(command)
  command.action(
    async (
      target: string,
      first: string | undefined,
      second: string | undefined,
      flags: Record<string, unknown>,
    ) => {
      const wanted = whatToCall(first, second, flags)
      context.finish(await runCall(target, wanted, clientOptions(flags, context), context.io))
    },
  )
}

/** What is asked of the server. */
type Wanted =
  | { readonly kind: 'tool' | 'prompt'; readonly name: string; readonly json: string | undefined }
  | { readonly kind: 'resource'; readonly uri: string }

function whatToCall(
  first: string | undefined,
  second: string | undefined,
  { resource, prompt }: Record<string, unknown>,
): Wanted {
  if (resource !== undefined && prompt !== undefined) {
    throw usageError('--resource and --prompt exclude each other: name one of them')
  }
  if (resource !== undefined) {
    if (first !== undefined)
      throw usageError('--resource takes neither a tool nor arguments: leave them out')
    return { kind: 'resource', uri: String(resource) }
  }
  if (prompt !== undefined) {
    if (second !== undefined)
      throw usageError('--prompt takes no tool: give its arguments as one JSON object')
    return { kind: 'prompt', name: String(prompt), json: first }
  }
  if (first === undefined) {
    throw usageError(
      'name the tool to call, or --resource or --prompt: tsmcp list shows what there is',
    )
  }
  return { kind: 'tool', name: first, json: second }
}

/** Calls what is wanted and prints the answer. */
async function runCall(
  target: string,
  wanted: Wanted,
  options: ClientOptions,
  io: Io,
): Promise<ExitCode> {
  const given = wanted.kind === 'resource' ? {} : await parsedArguments(wanted.json, io)
  return withConnection(target, options, io, async ({ client }, connect) => {
    const call = { client, target, options, connect, io }
    switch (wanted.kind) {
      case 'tool':
        return callTool(wanted.name, given, call)
      case 'prompt':
        return getPrompt(wanted.name, given, call)
      default:
        return readResource(wanted.uri, call)
    }
  })
}

/** What each kind of call needs. */
interface Call {
  readonly client: Client
  readonly target: string
  readonly options: ClientOptions
  readonly connect: ConnectOptions
  readonly io: Io
}

async function callTool(
  name: string,
  given: Record<string, unknown>,
  { client, target, options, connect, io }: Call,
): Promise<ExitCode> {
  // The client needs the list in any case, to send the arguments that a schema wants as headers.
  const tools = await serverLists(client, requestOptions(connect)).tools()
  const tool = tools.find((candidate) => candidate.name === name)
  if (tool === undefined) {
    const names = tools.map((candidate) => candidate.name)
    throw new CliError(`there is no tool '${name}'${suggestion(name, names, target)}`)
  }
  if (options.verbose) await askForLogs(client)
  const progress = new ProgressDisplay(io)
  const request = {
    name,
    arguments: given,
    ...(options.verbose ? { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' as const } } : {}),
  }
  const result = await client
    .callTool(request, { ...requestOptions(connect), onprogress: (step) => progress.show(step) })
    .catch((error: unknown) => {
      const isRefusal = error instanceof Error && 'code' in error && error.code === -32602
      const example = isRefusal ? exampleCall(tool, target) : ''
      throw example === ''
        ? error
        : new CliError(describeFailure(error).message + example, { cause: error })
    })
    .finally(() => progress.end())
  if (options.json) print(io, JSON.stringify(result))
  else if (result.isError === true) {
    const message = toolResultLines(result).join('\n')
    const hint = lacksRequired(given, tool.inputSchema) ? exampleCall(tool, target) : ''
    note(io, (message || `the tool '${name}' reported an error without a message`) + hint)
  } else {
    for (const line of toolResultLines(result)) print(io, line)
  }
  return result.isError === true ? 1 : 0
}

async function getPrompt(
  name: string,
  given: Record<string, unknown>,
  { client, target, options, connect, io }: Call,
): Promise<ExitCode> {
  const prompts = await serverLists(client, requestOptions(connect)).prompts()
  if (!prompts.some((candidate) => candidate.name === name)) {
    const names = prompts.map((candidate) => candidate.name)
    throw new CliError(`there is no prompt '${name}'${suggestion(name, names, target)}`)
  }
  const texts = Object.entries(given).map(([argument, value]) => [
    argument,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  const result = await client.getPrompt(
    { name, arguments: Object.fromEntries(texts) },
    requestOptions(connect),
  )
  if (options.json) print(io, JSON.stringify(result))
  else for (const line of promptLines(result)) print(io, line)
  return 0
}

async function readResource(
  uri: string,
  { client, target, options, connect, io }: Call,
): Promise<ExitCode> {
  const result = await client
    .readResource({ uri }, requestOptions(connect))
    .catch(async (error: unknown) => {
      const resources = await serverLists(client, requestOptions(connect)).resources()
      if (resources.some((candidate) => candidate.uri === uri)) throw error
      const uris = resources.map((candidate) => candidate.uri)
      throw new CliError(
        `the resource '${uri}' cannot be read (${messageOf(error)})${suggestion(uri, uris, target)}`,
        { cause: error },
      )
    })
  if (options.json) print(io, JSON.stringify(result))
  else for (const piece of resourcePieces(result, io.columns !== undefined)) io.stdout.write(piece)
  return 0
}

function requestOptions({ timeoutMs, signal }: ConnectOptions): {
  timeout: number
  signal: AbortSignal
  resetTimeoutOnProgress: true
} {
  return { timeout: timeoutMs, signal, resetTimeoutOnProgress: true }
}

/** In revisions with sessions the log level belongs to the session; later ones carry it in each request. */
async function askForLogs(client: Client): Promise<void> {
  const hasLogging = client.getServerCapabilities()?.logging !== undefined
  if (client.getProtocolEra() === 'legacy' && hasLogging) await client.setLoggingLevel('debug')
}

function suggestion(name: string, names: readonly string[], target: string): string {
  const nearest = didYouMean(name, names)
  return nearest === '' ? `: tsmcp list ${shellQuoted(target)} shows what there is` : nearest
}

/** Arguments that fit, for whoever has just given some that do not. */
function exampleCall(tool: { name: string; inputSchema: unknown }, target: string): string {
  const example = exampleArguments(tool.inputSchema)
  if (example === undefined) return ''
  const words = [target, tool.name, JSON.stringify(example)].map(shellQuoted)
  return `: a call looks like tsmcp call ${words.join(' ')}`
}

function lacksRequired(given: object, { required }: Record<string, unknown>): boolean {
  return Array.isArray(required) && required.some((name) => !(String(name) in given))
}

async function parsedArguments(json: string | undefined, io: Io): Promise<Record<string, unknown>> {
  const source = json === '-' ? await readText(io.stdin) : json
  if (source === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (error) {
    throw usageError(
      `the arguments are not JSON (${messageOf(error)}): write one object in quotes, such as '{"city":"Paris"}'`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError(
      `the arguments are ${source.trim()}, but only a JSON object is allowed, such as '{"city":"Paris"}'`,
    )
  }
  return { ...value }
}
