import { defineServer, McpError, type Server, type ServerOptions } from '../../src/index.ts'

/** A server with something of each kind, and tools that misbehave in every way that tests need. */
export interface Fixture {
  server: Server
  /** Requests whose handlers run and wait, by tool name: resolved when the handler has begun. */
  readonly begun: Map<string, PromiseWithResolvers<AbortSignal>>
  /** Lets the `hangs` tool answer. */
  release(): void
  /** What handlers threw, as the operator was told. */
  readonly errors: unknown[]
}

export const formSchema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
} as const

export function makeFixture(options: Partial<ServerOptions> = {}): Fixture {
  const errors: unknown[] = []
  const gate = Promise.withResolvers<void>()
  const hanging = Promise.withResolvers<AbortSignal>()
  const begun = new Map([['hangs', hanging]])
  const server = defineServer({
    name: 'fixture',
    version: '1.0.0',
    onError: (error) => errors.push(error),
    ...options,
  })

  server.tool(
    'echo',
    {
      description: 'Says it again',
      input: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    },
    ({ text }) => String(text),
  )
  server.tool('throws', {}, () => {
    throw new Error('The kettle is empty')
  })
  server.tool('rejects', {}, async () => {
    throw new McpError('INVALID_PARAMS', 'No such kettle')
  })
  server.tool('returns-nonsense', {}, () => 42 as never)
  server.tool('returns-cycle', {}, () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    return { content: [{ type: 'text', text: 'x', _meta: cycle }] }
  })
  server.tool(
    'bad-output',
    { output: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } },
    () => ({ n: 'not a number' }),
  )
  server.tool('hangs', {}, async (_args, { signal }) => {
    hanging.resolve(signal)
    await gate.promise
    return 'released'
  })
  server.tool(
    'region',
    {
      input: {
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          count: { type: 'integer', 'x-mcp-header': 'Count' },
          urgent: { type: 'boolean', 'x-mcp-header': 'Urgent' },
          place: {
            type: 'object',
            properties: { city: { type: 'string', 'x-mcp-header': 'City' } },
          },
        },
      },
    },
    (args) => JSON.stringify(args),
  )
  server.tool('asks', {}, async (_args, { elicit }) => {
    const { action } = await elicit({ key: 'who', message: 'Who?', schema: formSchema })
    return action
  })
  server.resource('docs://readme', { name: 'readme', mimeType: 'text/plain' }, () => 'Read me')
  server.resource('docs://broken', { name: 'broken' }, () => {
    throw new Error('disk on fire at /work/secret.ts')
  })
  server.resourceTemplate('docs://page/{number}', { name: 'page' }, ({ variables: { number } }) =>
    number === '404' ? undefined : `Page ${number}`,
  )
  server.prompt('greet', { arguments: { name: { required: true } } }, ({ name }) => `Hello ${name}`)
  server.prompt('broken', {}, () => {
    throw new Error('prompt exploded at /work/secret.ts')
  })
  return { server, begun, errors, release: gate.resolve }
}
