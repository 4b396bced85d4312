import type { Client } from '@modelcontextprotocol/client'
import type { Command } from 'commander'
import { oneLine } from './cli-error.ts'
import {
  addClientOptions,
  type ClientOptions,
  clientOptions,
  withConnection,
} from './client-command.ts'
import { columns } from './columns.ts'
import type { CommandContext } from './command-context.ts'
import type { ConnectOptions } from './connect.ts'
import type { ExitCode } from './exit-codes.ts'
import { type Io, print } from './io.ts'
import { serverLists } from './server-lists.ts'

const examples = `
Examples:
  tsmcp list http://127.0.0.1:8080/mcp
  tsmcp list server.ts
  tsmcp list server.ts --json | jq '.tools[].name'`

/** Adds `tsmcp list` to the program. */
export function addList(program: Command, context: CommandContext): void {
  const command = program
    .command('list')
    .summary('show what a server offers')
    .description('Shows the tools, resources, resource templates and prompts of a server.')
    .argument('<URL|FILE>', 'where the server is, or the module that defines it')
    .addHelpText('after', examples)
  addClientOptions(command)
  command.action(async (target: string, flags: Record<string, unknown>) => {
    context.finish(await runList(target, clientOptions(flags, context), context.io))
  })
}

/** Lists what a server offers and prints it. */
async function runList(target: string, options: ClientOptions, io: Io): Promise<ExitCode> {
  return withConnection(target, options, io, async ({ client }, connect) => {
    const catalogue = await readCatalogue(client, connect)
    if (options.json) print(io, JSON.stringify(catalogue))
    else for (const line of catalogueLines(catalogue, io.columns)) print(io, line)
    return 0
  })
}

type Catalogue = Awaited<ReturnType<typeof readCatalogue>>

async function readCatalogue(client: Client, { timeoutMs, signal }: ConnectOptions) {
  const lists = serverLists(client, { timeout: timeoutMs, signal })
  return {
    server: client.getServerVersion(),
    protocolVersion: client.getNegotiatedProtocolVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    tools: await lists.tools(),
    resources: await lists.resources(),
    resourceTemplates: await lists.resourceTemplates(),
    prompts: await lists.prompts(),
  }
}

function catalogueLines(catalogue: Catalogue, width: number | undefined): string[] {
  const { server, protocolVersion, instructions } = catalogue
  const name = server === undefined ? 'unnamed server' : `${server.name} ${server.version}`
  const head = [`${name}, protocol ${protocolVersion ?? 'unknown'}`]
  if (server?.title !== undefined) head.push(server.title)
  if (instructions !== undefined) head.push(instructions)
  const sections = [
    section(
      'Tools',
      catalogue.tools.map((tool) => [tool.name, argumentsText(tool.inputSchema), about(tool)]),
      width,
    ),
    section(
      'Resources',
      catalogue.resources.map((resource) => [
        resource.uri,
        resource.mimeType ?? '',
        about(resource),
      ]),
      width,
    ),
    section(
      'Templates',
      catalogue.resourceTemplates.map((template) => [
        template.uriTemplate,
        template.mimeType ?? '',
        about(template),
      ]),
      width,
    ),
    section(
      'Prompts',
      catalogue.prompts.map((prompt) => [
        prompt.name,
        (prompt.arguments ?? [])
          .map(({ name, required }) => (required ? name : `${name}?`))
          .join(', '),
        about(prompt),
      ]),
      width,
    ),
  ].filter((lines) => lines.length > 0)
  if (sections.length === 0) sections.push(['', 'It offers no tools, resources or prompts.'])
  return [...head, ...sections.flat()]
}

function section(heading: string, rows: string[][], width: number | undefined): string[] {
  if (rows.length === 0) return []
  const indented = columns(rows, width === undefined ? undefined : width - 2)
  return ['', `${heading} (${rows.length})`, ...indented.map((line) => `  ${line}`)]
}

/** The first line of what a thing says of itself, without repeating its name. */
function about(thing: {
  name: string
  title?: string | undefined
  description?: string | undefined
}): string {
  const [first = ''] = (thing.description ?? thing.title ?? '').trim().split('\n')
  return oneLine(first)
}

/** `city: string, days?: integer` */
function argumentsText(inputSchema: Record<string, unknown>): string {
  const { properties, required } = inputSchema
  if (typeof properties !== 'object' || properties === null) return ''
  const needed = Array.isArray(required) ? required : []
  return Object.entries(properties)
    .map(([name, schema]) => `${name}${needed.includes(name) ? '' : '?'}: ${typeText(schema)}`)
    .join(', ')
}

function typeText(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return 'any'
  if ('enum' in schema && Array.isArray(schema.enum) && schema.enum.length <= 4) {
    return schema.enum.map((value) => JSON.stringify(value)).join('|')
  }
  if (!('type' in schema)) return 'any'
  return Array.isArray(schema.type) ? schema.type.join('|') : String(schema.type)
}
