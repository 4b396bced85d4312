import { z } from 'zod'
import type * as Tsmcp from '../../src/index.ts'

type Library = typeof Tsmcp
type Server = Tsmcp.Server

/** A PNG of one red pixel, base64. */
export const redPixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC'
/** A millisecond of silence: WAV, 8 kHz, 8 bit, mono, base64. */
export const silence = 'UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA=='

/**
 * A server that does everything a client can ask for, so that one fixture serves all clients.
 *
 * @param library - `tsmcp` itself: the sources in this process, the published build in a child
 */
export function everything(library: Library): Server {
  const server = library.defineServer({
    name: 'everything',
    version: '1.2.3',
    title: 'Everything',
    instructions: 'Call echo first.',
    // More than one page of tools: a client that reads only the first misses some.
    pageSize: 10,
    onError: () => {},
  })
  addPlainTools(server, library)
  addRunningTools(server)
  addAskingTools(server)
  addChangingTools(server)
  addResources(server)
  addPrompts(server, library)
  return server
}

function addPlainTools(server: Server, library: Library): void {
  const { audio, embeddedResource, image, McpError, resourceLink, text, toolResult } = library

  server.tool(
    'echo',
    {
      title: 'Echo',
      description: 'Says what it is told',
      input: z.object({ text: z.string() }),
      annotations: { readOnlyHint: true, idempotentHint: true },
    },
    (args) => args.text,
  )

  server.tool(
    'add',
    {
      description: 'Adds two numbers',
      input: z.object({ a: z.number(), b: z.number() }),
      output: z.object({ sum: z.number() }),
    },
    ({ a, b }) => ({ sum: a + b }),
  )

  server.tool('fail', { description: 'Fails as tools fail' }, () => {
    throw new Error('The disk is full')
  })

  server.tool('refuse', { description: 'Fails as requests fail' }, () => {
    throw new McpError('APPLICATION_ERROR', 'Closed on Sundays', {
      rpcCode: 4711,
      data: { opens: 'Monday' },
    })
  })

  server.tool('mixed', { description: 'Answers with each kind of content' }, () =>
    toolResult({
      content: [
        { ...text('words'), annotations: { audience: ['user'], priority: 0.5 } },
        image(redPixel, 'image/png'),
        audio(silence, 'audio/wav'),
        resourceLink({ uri: 'docs://text', name: 'text', mimeType: 'text/plain' }),
        embeddedResource({ uri: 'docs://inline', mimeType: 'text/plain', text: 'inline' }),
      ],
      _meta: { 'example.com/cost': 3 },
    }),
  )

  server.tool(
    'large',
    { description: 'Answers at length', input: z.object({ characters: z.number() }) },
    ({ characters }, { progress }) => {
      progress(1)
      return 'é'.repeat(characters)
    },
  )

  server.tool(
    'who_am_i',
    { description: 'Says what it knows of its client', output: { type: 'object' } },
    (_args, context) => ({
      revision: context.revision,
      client: context.clientInfo?.name,
      capabilities: Object.keys(context.clientCapabilities).toSorted(),
      hasSession: context.sessionId !== undefined,
      note: context.meta['example.com/note'],
      user: context.authInfo?.subject,
    }),
  )
}

interface Wait {
  readonly started: PromiseWithResolvers<string>
  readonly cancelled: PromiseWithResolvers<string>
}

/** Tools that take their time, and speak meanwhile. */
function addRunningTools(server: Server): void {
  // Clients forget a call at its result: a report that arrives with it is lost to them. So each step
  // waits until its report has been heard.
  const gates = new Map<string, PromiseWithResolvers<void>>()
  server.tool(
    'count',
    {
      description: 'Counts, and reports each step; goes on when told to',
      input: z.object({ name: z.string(), to: z.number() }),
    },
    async ({ name, to }, context) => {
      for (let step = 1; step <= to; step++) {
        const gate = Promise.withResolvers<void>()
        gates.set(name, gate)
        context.progress(step, to, `step ${step}`)
        await gate.promise
      }
      return `counted to ${to}`
    },
  )
  server.tool(
    'go_on',
    { description: 'Lets count take a step', input: z.object({ name: z.string() }) },
    ({ name }) => {
      gates.get(name)?.resolve()
      return 'gone on'
    },
  )

  server.tool('chatter', { description: 'Logs at several levels' }, async (_args, context) => {
    context.log('debug', 'a detail')
    context.log('info', { a: 'fact' }, 'chatter')
    await turn()
    context.log('error', 'a mishap', 'chatter')
    return 'logged'
  })

  const waits = new Map<string, Wait>()
  const waitOf = (name: string): Wait => {
    const wait = waits.get(name) ?? {
      started: Promise.withResolvers<string>(),
      cancelled: Promise.withResolvers<string>(),
    }
    waits.set(name, wait)
    return wait
  }
  const named = z.object({ name: z.string() })
  server.tool(
    'wait',
    { description: 'Waits until it is cancelled', input: named },
    async ({ name }, { signal, progress }) => {
      const { started, cancelled } = waitOf(name)
      signal.addEventListener('abort', () => cancelled.resolve(String(signal.reason?.code)))
      progress(1)
      started.resolve('waiting')
      await cancelled.promise
      return 'nobody reads this'
    },
  )
  server.tool(
    'wait_started',
    { description: 'Answers once that call of wait is running', input: named },
    ({ name }) => waitOf(name).started.promise,
  )
  server.tool(
    'why_cancelled',
    { description: 'Answers once that call of wait has been cancelled', input: named },
    ({ name }) => waitOf(name).cancelled.promise,
  )

  const meetings = new Map<string, { here: number; all: PromiseWithResolvers<void> }>()
  server.tool(
    'meet',
    {
      description: 'Answers once as many calls as that are running at the same time',
      input: z.object({ name: z.string(), calls: z.number(), me: z.string() }),
    },
    async ({ name, calls, me }) => {
      const meeting = meetings.get(name) ?? { here: 0, all: Promise.withResolvers<void>() }
      meetings.set(name, meeting)
      meeting.here += 1
      if (meeting.here === calls) meeting.all.resolve()
      await meeting.all.promise
      return me
    },
  )

  server.tool(
    'hang_up',
    { description: 'Ends its stream before its result' },
    async (_args, context) => {
      context.progress(1)
      context.closeStream(10)
      await turn()
      context.progress(2)
      return 'You came back.'
    },
  )
}

/** Tools that ask the client. */
function addAskingTools(server: Server): void {
  server.tool('ask_form', { description: 'Asks for a size' }, async (_args, context) => {
    const answer = await context.elicit({
      key: 'size',
      message: 'Which size?',
      schema: {
        type: 'object',
        properties: {
          size: { type: 'string', enum: ['small', 'large'], title: 'Size', default: 'small' },
          count: { type: 'integer', minimum: 1 },
          gift: { type: 'boolean' },
        },
        required: ['size'],
      },
    })
    return JSON.stringify(answer)
  })

  server.tool('ask_url', { description: 'Sends the user to a page' }, async (_args, context) => {
    const answer = await context.elicit({
      message: 'Please pay.',
      url: 'https://pay.example.com/?order=7',
    })
    return JSON.stringify(answer)
  })

  server.tool('ask_model', { description: 'Asks the model' }, async (_args, context) => {
    const answer = await context.sample({
      key: 'haiku',
      messages: [{ role: 'user', content: { type: 'text', text: 'A haiku, please' } }],
      systemPrompt: 'You are a poet',
      modelPreferences: { hints: [{ name: 'small' }], speedPriority: 0.9 },
      temperature: 0.5,
      maxTokens: 40,
    })
    return JSON.stringify([answer.model, answer.content])
  })

  server.tool('ask_roots', { description: 'Asks for the folders' }, async (_args, context) => {
    const roots = await context.roots()
    return roots.map(({ uri }) => uri).join(' ')
  })

  server.tool('ask_all', { description: 'Asks everything at once' }, async (_args, context) => {
    const [form, model, roots] = await Promise.all([
      context.elicit({ key: 'name', message: 'Name?', schema: nameForm }),
      context.sample({
        key: 'model',
        messages: [{ role: 'user', content: { type: 'text', text: 'Hello' } }],
        maxTokens: 5,
      }),
      context.roots({ key: 'roots' }),
    ])
    return JSON.stringify([form.content?.name, model.content, roots.length])
  })

  server.tool(
    'ask_twice',
    { description: 'Asks, and asks again about the answer' },
    async (_args, context) => {
      const first = await context.elicit({ key: 'first', message: 'Name?', schema: nameForm })
      const second = await context.elicit({
        key: 'second',
        message: `And your friend, ${first.content?.name}?`,
        schema: nameForm,
      })
      return `${first.content?.name} and ${second.content?.name}`
    },
  )
}

const nameForm = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
} as const

/** Tools that change what the server offers. */
function addChangingTools(server: Server): void {
  const extras = new Map<string, Tsmcp.Registration>()
  const add = {
    tool: () => server.tool('extra', { description: 'Comes and goes' }, () => 'extra'),
    prompt: () => server.prompt('extra', { description: 'Comes and goes' }, () => 'extra'),
    resource: () => server.resource('docs://extra', { name: 'extra' }, () => 'extra'),
  }
  server.tool(
    'toggle',
    {
      description: 'Adds or removes something',
      input: z.object({ what: z.enum(['tool', 'prompt', 'resource']) }),
    },
    ({ what }) => {
      const extra = extras.get(what)
      extra?.remove()
      if (extra === undefined) extras.set(what, add[what]())
      else extras.delete(what)
      return extra === undefined ? 'added' : 'removed'
    },
  )

  server.tool(
    'touch',
    { description: 'Changes a resource', input: z.object({ uri: z.string() }) },
    ({ uri }) => {
      server.resourceUpdated(uri)
      return 'touched'
    },
  )
}

function addResources(server: Server): void {
  server.resource(
    'docs://text',
    {
      name: 'text',
      title: 'A text',
      description: 'Some words',
      mimeType: 'text/plain',
      annotations: { audience: ['assistant'], priority: 1 },
    },
    () => 'Grüße, 世界',
  )
  server.resource('docs://pixel', { name: 'pixel', mimeType: 'image/png' }, () =>
    Buffer.from(redPixel, 'base64'),
  )
  server.resource('docs://several', { name: 'several' }, () => [
    { text: 'one', uri: 'docs://several/1' },
    { blob: new Uint8Array([1, 2, 3]), uri: 'docs://several/2', mimeType: 'x/y' },
  ])
  server.resource('docs://asked', { name: 'asked' }, async (_request, context) => {
    const answer = await context.elicit({ message: 'Name?', schema: nameForm })
    return `Written for ${answer.content?.name}`
  })
  server.resourceTemplate(
    'docs://item/{id}',
    {
      name: 'item',
      description: 'One item',
      mimeType: 'application/json',
      complete: { id: (value) => ['10', '11', '20'].filter((id) => id.startsWith(value)) },
      list: () => [{ uri: 'docs://item/10', name: 'item 10' }],
    },
    ({ variables }) =>
      variables.id === '404' ? undefined : JSON.stringify({ id: Number(variables.id) }),
  )
}

function addPrompts(server: Server, { embeddedResource, image }: Library): void {
  server.prompt('plain', { title: 'Plain', description: 'No arguments' }, () => 'Say something.')
  server.prompt(
    'compare',
    {
      description: 'Compares two cities',
      arguments: {
        country: { description: 'Where', complete: (value) => startingWith(value, ['AT', 'CH']) },
        city: {
          required: true,
          complete: (value, { arguments: given }) =>
            startingWith(value, given.country === 'CH' ? ['Basel', 'Bern'] : ['Graz', 'Wien']),
        },
      },
    },
    ({ city, country }) => ({
      description: `About ${city}`,
      messages: [
        { role: 'user', content: { type: 'text', text: `${city}, ${country ?? 'anywhere'}` } },
        { role: 'assistant', content: image(redPixel, 'image/png') },
        { role: 'user', content: embeddedResource({ uri: 'docs://text', text: 'inline' }) },
      ],
    }),
  )
  server.prompt('asked', { description: 'Asks who is there' }, async (_args, context) => {
    const answer = await context.elicit({ message: 'Name?', schema: nameForm })
    return `Greet ${answer.content?.name}.`
  })
}

function startingWith(start: string, values: string[]): string[] {
  return values.filter((value) => value.startsWith(start))
}

/** Lets what is on its way arrive, as any real work would. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
