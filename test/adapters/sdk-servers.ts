import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import * as v1 from '@modelcontextprotocol/sdk/types.js'
import * as v2 from '@modelcontextprotocol/server'
import { z } from 'zod'

/**
 * One and the same server, written with SDK 1.32 and with SDK 2.4, for `mount` to serve.
 * What a tool can do stands here once; how it is said to the SDK, in `serverV1` and `serverV2`.
 */

type Params = Record<string, unknown>

/** What a tool does in the course of its call. */
interface Call {
  readonly signal: AbortSignal
  readonly user: string | undefined
  readonly client: string | undefined
  progress(progress: number, total: number, message: string): Promise<void>
  log(level: 'debug' | 'info' | 'error', data: unknown, logger: string): Promise<void>
  elicit(params: Params): Promise<{ action: string; content?: Params | undefined }>
  sample(params: Params): Promise<unknown>
  roots(): Promise<{ uri: string }[]>
  /** The same as above, by methods of the server that are not told which request they belong to. */
  readonly plain: Pick<Call, 'log' | 'elicit'>
}

/** What a tool does outside of any call. */
interface Surroundings {
  add(what: 'tool' | 'prompt' | 'resource'): { remove(): void }
  updated(uri: string): Promise<void>
  elicitationCompleted(elicitationId: string): Promise<void>
  urlRequired(): Error
}

interface SdkTool {
  readonly input: z.ZodRawShape
  readonly output?: z.ZodRawShape
  readonly run: (
    args: Params,
    call: Call,
    around: Surroundings,
  ) => string | Params | Promise<string | Params>
}

const nameForm = {
  mode: 'form',
  message: 'Name?',
  requestedSchema: {
    type: 'object',
    properties: { name: { type: 'string' } },
    required: ['name'],
  },
}
const modelQuestion = {
  messages: [{ role: 'user', content: { type: 'text', text: 'A haiku, please' } }],
  maxTokens: 40,
}

class Later<Value> {
  readonly #values = new Map<string, PromiseWithResolvers<Value>>()
  of(name: unknown): PromiseWithResolvers<Value> {
    const key = String(name)
    const value = this.#values.get(key) ?? Promise.withResolvers<Value>()
    this.#values.set(key, value)
    return value
  }
  forget(name: unknown): void {
    this.#values.delete(String(name))
  }
}

/** The tools, with a memory of their own. */
function tools(): Record<string, SdkTool> {
  const named = { name: z.string() }
  const gates = new Later<void>()
  const started = new Later<string>()
  const cancelled = new Later<string>()
  const here = new Map<string, number>()
  const all = new Later<void>()
  const extras = new Map<string, { remove(): void }>()
  let calls = 0

  const pass = async (name: string): Promise<void> => {
    await gates.of(name).promise
    gates.forget(name)
  }
  const meet = async (name: string, count: number): Promise<void> => {
    here.set(name, (here.get(name) ?? 0) + 1)
    if (here.get(name) === count) all.of(name).resolve()
    await all.of(name).promise
  }

  return {
    echo: { input: { text: z.string() }, run: ({ text }) => String(text) },
    add: {
      input: { a: z.number(), b: z.number() },
      output: { sum: z.number() },
      run: ({ a, b }) => ({ sum: Number(a) + Number(b) }),
    },
    fail: {
      input: {},
      run: () => {
        throw new Error('The disk is full')
      },
    },
    count_calls: { input: {}, run: () => String(++calls) },
    who_am_i: {
      input: {},
      run: (_args, { user, client }) => JSON.stringify({ user, client }),
    },

    count: {
      input: { ...named, to: z.number() },
      run: async ({ name, to }, { progress }) => {
        for (let step = 1; step <= Number(to); step++) {
          const passed = pass(String(name))
          await progress(step, Number(to), `step ${step}`)
          await passed
        }
        return `counted to ${to}`
      },
    },
    go_on: {
      input: named,
      run: ({ name }) => {
        gates.of(name).resolve()
        return 'gone on'
      },
    },
    chatter: {
      input: {},
      run: async (_args, { log }) => {
        await log('debug', 'a detail', 'chatter')
        await log('info', { a: 'fact' }, 'chatter')
        await log('error', 'a mishap', 'chatter')
        return 'logged'
      },
    },
    wait: {
      input: named,
      run: async ({ name }, { signal }) => {
        signal.addEventListener('abort', () => cancelled.of(name).resolve('cancelled'))
        started.of(name).resolve('waiting')
        return cancelled.of(name).promise
      },
    },
    wait_started: { input: named, run: ({ name }) => started.of(name).promise },
    why_cancelled: { input: named, run: ({ name }) => cancelled.of(name).promise },
    meet: {
      input: { ...named, calls: z.number(), me: z.string() },
      run: async ({ name, calls, me }) => {
        await meet(String(name), Number(calls))
        return String(me)
      },
    },

    ask_form: {
      input: {},
      run: async (_args, { elicit }) => JSON.stringify(await elicit(nameForm)),
    },
    ask_url: {
      input: {},
      run: async (_args, { elicit }, { elicitationCompleted }) => {
        const { action } = await elicit({
          mode: 'url',
          message: 'Please pay.',
          url: 'https://pay.example.com/',
          elicitationId: 'bill-7',
        })
        if (action === 'accept') await elicitationCompleted('bill-7')
        return action
      },
    },
    need_url: {
      input: {},
      run: (_args, _call, { urlRequired }) => {
        throw urlRequired()
      },
    },
    ask_model: {
      input: {},
      run: async (_args, { sample }) => JSON.stringify(await sample(modelQuestion)),
    },
    ask_roots: {
      input: {},
      run: async (_args, { roots }) => (await roots()).map(({ uri }) => uri).join(' '),
    },
    ask_all: {
      input: {},
      run: async (_args, { elicit, sample, roots }) => {
        const [form, model, folders] = await Promise.all([
          elicit(nameForm),
          sample(modelQuestion),
          roots(),
        ])
        const { content } = model as { content: unknown }
        return JSON.stringify([form.content?.name, content, folders.length])
      },
    },
    ask_twice: {
      input: {},
      run: async (_args, { elicit }) => {
        const first = await elicit(nameForm)
        const message = `And your friend, ${first.content?.name}?`
        const second = await elicit({ ...nameForm, message })
        return `${first.content?.name} and ${second.content?.name}`
      },
    },
    ask_plainly: {
      input: {},
      run: async (_args, { plain }) => {
        await plain.log('info', 'asking', 'plain')
        return JSON.stringify(await plain.elicit(nameForm))
      },
    },
    ask_in_company: {
      // Reports, logs and asks while others do the same.
      input: {
        me: z.string(),
        meeting: z.string(),
        calls: z.number(),
        isPlain: z.boolean(),
      },
      run: async ({ me, meeting, calls, isPlain }, call) => {
        const { progress } = call
        const { log, elicit } = isPlain ? call.plain : call
        const count = Number(calls)
        await meet(`${meeting} before`, count)
        await progress(1, 3, String(me))
        await log('info', me, 'company')
        const answer = await elicit({ ...nameForm, message: String(me) })
        await meet(`${meeting} after`, count)
        await progress(2, 3, String(me))
        await log('info', me, 'company')
        return `${me}: ${answer.content?.name}`
      },
    },

    toggle: {
      input: { what: z.enum(['tool', 'prompt', 'resource']) },
      run: ({ what }, _call, { add }) => {
        const kind = what as 'tool' | 'prompt' | 'resource'
        const extra = extras.get(kind)
        extra?.remove()
        if (extra === undefined) extras.set(kind, add(kind))
        else extras.delete(kind)
        return extra === undefined ? 'added' : 'removed'
      },
    },
    touch: {
      input: { uri: z.string() },
      run: async ({ uri }, _call, { updated }) => {
        await updated(String(uri))
        return 'touched'
      },
    },
  }
}

const info = { name: 'existing', version: '3.2.1', title: 'An existing server' }
const options = {
  capabilities: { logging: {}, resources: { subscribe: true } },
  instructions: 'Use it as it is.',
}
const contents = (uri: string, text: string) => ({ contents: [{ uri, text }] })
const userText = (text: string) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
})
const itemIds = (start: string) => ['10', '11', '20'].filter((id) => id.startsWith(start))
const cities = (start: string | undefined) =>
  ['Basel', 'Bern', 'Wien'].filter((city) => city.startsWith(start ?? ''))

function resultOf(returned: string | Params) {
  if (typeof returned === 'string') return { content: [{ type: 'text' as const, text: returned }] }
  return {
    content: [{ type: 'text' as const, text: JSON.stringify(returned) }],
    structuredContent: returned,
  }
}

/** Written with SDK 1.32. */
export function serverV1(): McpServer {
  const mcp = new McpServer(info, options)
  const { server } = mcp
  const watched = new Set<string>()
  server.setRequestHandler(v1.SubscribeRequestSchema, ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  server.setRequestHandler(v1.UnsubscribeRequestSchema, ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  const around: Surroundings = {
    add: (what) => {
      if (what === 'tool') return mcp.registerTool('extra', {}, () => resultOf('extra'))
      if (what === 'prompt') return mcp.registerPrompt('extra', {}, () => userText('extra'))
      return mcp.registerResource('extra', 'docs://extra', {}, () => contents('docs://extra', ''))
    },
    updated: async (uri) => {
      if (watched.has(uri)) await server.sendResourceUpdated({ uri })
    },
    elicitationCompleted: (id) => server.createElicitationCompletionNotifier(id)(),
    urlRequired: () =>
      new v1.UrlElicitationRequiredError([
        { mode: 'url', message: 'Sign in.', url: 'https://a.example.com/', elicitationId: '1' },
      ]),
  }
  for (const [name, { input, output, run }] of Object.entries(tools())) {
    mcp.registerTool(
      name,
      { description: name, inputSchema: input, ...(output && { outputSchema: output }) },
      async (args: Params, extra) => {
        const related = { relatedRequestId: extra.requestId }
        const call: Call = {
          signal: extra.signal,
          user: extra.authInfo && JSON.stringify(extra.authInfo),
          client: server.getClientVersion()?.name,
          progress: async (progress, total, message) => {
            const progressToken = extra._meta?.progressToken
            if (progressToken === undefined) return
            const params = { progressToken, progress, total, message }
            await extra.sendNotification({ method: 'notifications/progress', params })
          },
          log: (level, data, logger) =>
            extra.sendNotification({
              method: 'notifications/message',
              params: { level, data, logger },
            }),
          elicit: (params) => server.elicitInput(params as never, related) as never,
          sample: (params) => server.createMessage(params as never, related),
          roots: async () => (await server.listRoots({}, related)).roots,
          plain: {
            log: (level, data, logger) => server.sendLoggingMessage({ level, data, logger }),
            elicit: (params) => server.elicitInput(params as never) as never,
          },
        }
        return resultOf(await run(args, call, around))
      },
    )
  }
  mcp.registerResource('text', 'docs://text', { mimeType: 'text/plain' }, (uri) =>
    contents(uri.href, 'Grüße'),
  )
  mcp.registerResource(
    'item',
    new ResourceTemplate('docs://item/{id}', {
      list: () => ({ resources: [{ uri: 'docs://item/10', name: 'item 10' }] }),
      complete: { id: itemIds },
    }),
    {},
    (uri, { id }) => contents(uri.href, `item ${id}`),
  )
  mcp.registerPrompt(
    'visit',
    { description: 'A visit', argsSchema: { city: completable(z.string(), cities) } },
    ({ city }) => userText(`Visit ${city}`),
  )
  return mcp
}

/** Written with SDK 2.4. */
export function serverV2(): v2.McpServer {
  const mcp = new v2.McpServer(info, options)
  const { server } = mcp
  const watched = new Set<string>()
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  const around: Surroundings = {
    add: (what) => {
      if (what === 'tool') return mcp.registerTool('extra', {}, () => resultOf('extra'))
      if (what === 'prompt') return mcp.registerPrompt('extra', {}, () => userText('extra'))
      return mcp.registerResource('extra', 'docs://extra', {}, () => contents('docs://extra', ''))
    },
    updated: async (uri) => {
      if (watched.has(uri)) await server.sendResourceUpdated({ uri })
    },
    elicitationCompleted: (id) => server.createElicitationCompletionNotifier(id)(),
    urlRequired: () =>
      new v2.UrlElicitationRequiredError([
        { mode: 'url', message: 'Sign in.', url: 'https://a.example.com/', elicitationId: '1' },
      ]),
  }
  for (const [name, { input, output, run }] of Object.entries(tools())) {
    mcp.registerTool(
      name,
      {
        description: name,
        inputSchema: z.object(input),
        ...(output && { outputSchema: z.object(output) }),
      },
      async (args, { mcpReq, http }) => {
        const call: Call = {
          signal: mcpReq.signal,
          user: http?.authInfo && JSON.stringify(http.authInfo),
          client: server.getClientVersion()?.name,
          progress: async (progress, total, message) => {
            const progressToken = mcpReq._meta?.progressToken
            if (progressToken === undefined) return
            const params = { progressToken, progress, total, message }
            await mcpReq.notify({ method: 'notifications/progress', params })
          },
          log: (level, data, logger) => mcpReq.log(level, data, logger),
          elicit: (params) => mcpReq.elicitInput(params as never) as never,
          sample: (params) => mcpReq.requestSampling(params as never),
          roots: async () => (await mcpReq.send({ method: 'roots/list' })).roots,
          plain: {
            log: (level, data, logger) => server.sendLoggingMessage({ level, data, logger }),
            elicit: (params) => server.elicitInput(params as never) as never,
          },
        }
        return resultOf(await run(args, call, around))
      },
    )
  }
  mcp.registerTool('ask_by_result', {}, ({ mcpReq }) => {
    const answer = v2.acceptedContent(mcpReq.inputResponses, 'who')
    if (answer !== undefined) return resultOf(`Hello, ${answer.name}`)
    return v2.inputRequired({
      inputRequests: { who: v2.inputRequired.elicit(nameForm as never) },
    })
  })
  mcp.registerResource('text', 'docs://text', { mimeType: 'text/plain' }, (uri) =>
    contents(uri.href, 'Grüße'),
  )
  mcp.registerResource(
    'item',
    new v2.ResourceTemplate('docs://item/{id}', {
      list: () => ({ resources: [{ uri: 'docs://item/10', name: 'item 10' }] }),
      complete: { id: itemIds },
    }),
    {},
    (uri, { id }) => contents(uri.href, `item ${id}`),
  )
  mcp.registerPrompt(
    'visit',
    {
      description: 'A visit',
      argsSchema: z.object({ city: v2.completable(z.string(), cities) }),
    },
    ({ city }) => userText(`Visit ${city}`),
  )
  return mcp
}
