/**
 * The official clients, SDK 1.32 and 2.4, against everything that a server can do: each era, over
 * HTTP in this process and over stdio against the published program.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  type AnyClient,
  connectClient,
  connections,
  serveEverything,
  stdioCommand,
  textOf,
} from '../support/clients.ts'
import { redPixel, silence } from '../support/clients-everything.ts'

for (const { kind, over, isStateful, name } of connections) {
  suite(name, () => {
    let client: AnyClient
    let listener: Awaited<ReturnType<typeof serveEverything>> | undefined
    const requirement = (stateful: string, stateless: string) =>
      `[${isStateful ? stateful : stateless}]`

    before(async () => {
      if (over === 'http') listener = await serveEverything()
      client = await connectClient(kind, listener?.url ?? stdioCommand())
    })
    after(async () => {
      await client?.close()
      await listener?.close()
    })

    test(`the user sees which server it is, what it can do and how to use it ${requirement('25.lifecycle.003', '26.versioning.025-030')}`, () => {
      assert.equal(client.revision, kind.revision)
      assert.equal(client.serverInfo?.name, 'everything')
      assert.equal(client.serverInfo?.version, '1.2.3')
      assert.equal(client.serverInfo?.title, 'Everything')
      assert.equal(client.instructions, 'Call echo first.')
      assert.deepEqual(Object.keys(client.capabilities).toSorted(), [
        'completions',
        'logging',
        'prompts',
        'resources',
        'tools',
      ])
    })

    test(`all tools are listed, page after page, with their schemas ${requirement('25.tools.003', '26.tools.013')}`, async () => {
      const tools = await client.listTools()
      const names = tools.map((tool) => tool.name)
      assert.equal(new Set(names).size, names.length)
      assert.ok(names.length > 10, 'there is more than one page')
      assert.ok(names.includes('echo') && names.includes('touch'))
      const echo = tools.find((tool) => tool.name === 'echo')
      assert.equal(echo?.title, 'Echo')
      assert.equal(echo?.annotations?.readOnlyHint, true)
      assert.deepEqual(echo?.inputSchema.required, ['text'])
      const add = tools.find((tool) => tool.name === 'add')
      assert.equal(add?.outputSchema?.type, 'object')
    })

    test('a tool answers with text', async () => {
      const result = await client.callTool('echo', { text: 'Grüße, 世界\n\u2028"' })
      assert.equal(textOf(result), 'Grüße, 世界\n\u2028"')
      assert.ok(!result.isError)
    })

    test(`a tool answers with structured content, and its JSON as text ${requirement('25.tools.010', '26.tools.055')}`, async () => {
      const result = await client.callTool('add', { a: 1, b: 2.5 })
      assert.deepEqual(result.structuredContent, { sum: 3.5 })
      assert.deepEqual(JSON.parse(textOf(result)), { sum: 3.5 })
    })

    test(`a tool answers with each kind of content at once ${requirement('25.tools.013', '26.tools.051')}`, async () => {
      const { content, _meta } = await client.callTool('mixed')
      assert.deepEqual(content, [
        { type: 'text', text: 'words', annotations: { audience: ['user'], priority: 0.5 } },
        { type: 'image', data: redPixel, mimeType: 'image/png' },
        { type: 'audio', data: silence, mimeType: 'audio/wav' },
        { type: 'resource_link', uri: 'docs://text', name: 'text', mimeType: 'text/plain' },
        {
          type: 'resource',
          resource: { uri: 'docs://inline', mimeType: 'text/plain', text: 'inline' },
        },
      ])
      assert.equal(_meta?.['example.com/cost'], 3)
    })

    test(`a tool that fails tells the model why ${requirement('25.tools.014', '26.tools.063')}`, async () => {
      const result = await client.callTool('fail')
      assert.equal(result.isError, true)
      assert.equal(textOf(result), 'The disk is full')
    })

    test(`wrong arguments are told to the model, by name ${requirement('25.tools.014', '26.tools.062')}`, async () => {
      const result = await client.callTool('add', { a: 1, b: 'two' })
      assert.equal(result.isError, true)
      assert.match(textOf(result), /\bb\b/)
    })

    test('a protocol error of a tool comes with its code and data', async () => {
      await assert.rejects(client.callTool('refuse'), (error: Error & Record<string, unknown>) => {
        assert.match(error.message, /Closed on Sundays/)
        assert.equal(error.code, 4711)
        assert.deepEqual(error.data, { opens: 'Monday' })
        return true
      })
    })

    test(`an unknown tool is refused with -32602 ${requirement('25.tools.015', '26.tools.060')}`, async () => {
      await assert.rejects(client.callTool('nosuch'), { code: -32602 })
    })

    test('a result of 2 MB arrives whole', async () => {
      const text = textOf(await client.callTool('large', { characters: 1_000_000 }))
      assert.equal(Buffer.byteLength(text), 2_000_000)
      assert.equal(text, 'é'.repeat(1_000_000))
    })

    test('a result of 2 MB arrives whole after reports of progress, too', async () => {
      const asked = { onprogress: () => {} }
      const text = textOf(await client.callTool('large', { characters: 1_000_000 }, asked))
      assert.equal(text, 'é'.repeat(1_000_000))
    })

    test('arguments of 2 MB arrive whole', async () => {
      const text = 'ß'.repeat(1_000_000)
      assert.equal(textOf(await client.callTool('echo', { text })), text)
    })

    test('100 calls at the same time are all running at once, and each gets its own answer', async () => {
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          client.callTool('meet', { name: 'hundred', calls: 100, me: `caller ${index}` }),
        ),
      )
      assert.deepEqual(
        results.map(textOf),
        Array.from({ length: 100 }, (_, index) => `caller ${index}`),
      )
    })

    test('the tool sees who is calling, with which capabilities and _meta', async () => {
      const meta = { 'example.com/note': 'hello' }
      const seen = JSON.parse(textOf(await client.callTool('who_am_i', {}, { meta })))
      assert.deepEqual(seen, {
        revision: kind.revision,
        client: 'tester',
        capabilities: ['elicitation', 'roots', 'sampling'],
        hasSession: isStateful,
        note: 'hello',
      })
    })

    test(`resources are listed, those of a template too ${requirement('25.resources.002', '26.resources.008')}`, async () => {
      const resources = await client.listResources()
      const uris = resources.map(({ uri }) => uri)
      assert.deepEqual(
        uris.filter((uri) => uri !== 'docs://extra'),
        ['docs://text', 'docs://pixel', 'docs://several', 'docs://asked', 'docs://item/10'],
      )
      assert.equal(resources[0]?.title, 'A text')
      assert.deepEqual(resources[0]?.annotations, { audience: ['assistant'], priority: 1 })
    })

    test('resource templates are listed', async () => {
      const templates = await client.listResourceTemplates()
      assert.deepEqual(
        templates.map(({ uriTemplate, mimeType }) => [uriTemplate, mimeType]),
        [['docs://item/{id}', 'application/json']],
      )
    })

    test(`resources are read: text, bytes, several parts, by template ${requirement('25.resources.014', '26.resources.011')}`, async () => {
      const read = async (uri: string) => (await client.readResource(uri)).contents
      assert.deepEqual(await read('docs://text'), [
        { uri: 'docs://text', mimeType: 'text/plain', text: 'Grüße, 世界' },
      ])
      assert.deepEqual(await read('docs://pixel'), [
        { uri: 'docs://pixel', mimeType: 'image/png', blob: redPixel },
      ])
      assert.deepEqual(await read('docs://several'), [
        { uri: 'docs://several/1', text: 'one' },
        { uri: 'docs://several/2', mimeType: 'x/y', blob: 'AQID' },
      ])
      assert.deepEqual(await read('docs://item/20'), [
        { uri: 'docs://item/20', mimeType: 'application/json', text: '{"id":20}' },
      ])
    })

    test(`a resource that does not exist is an error that names it ${requirement('25.resources.008', '26.resources.038')}`, async () => {
      for (const uri of ['docs://nosuch', 'docs://item/404']) {
        await assert.rejects(client.readResource(uri), { data: { uri } })
        // Client 2.4 translates the code of the old era before it shows it.
        const error = client.wire.received.at(-1)?.error
        assert.equal(error?.code, isStateful ? -32002 : -32602)
      }
    })

    test(`prompts are listed and filled in ${requirement('25.prompts.002', '26.prompts.010')}`, async () => {
      const prompts = await client.listPrompts()
      assert.deepEqual(
        prompts.map((prompt) => prompt.name).filter((each) => each !== 'extra'),
        ['plain', 'compare', 'asked'],
      )
      assert.deepEqual(prompts[1]?.arguments, [
        { name: 'country', description: 'Where' },
        { name: 'city', required: true },
      ])
      const plain = await client.getPrompt('plain')
      assert.deepEqual(plain.messages, [
        { role: 'user', content: { type: 'text', text: 'Say something.' } },
      ])
      const filled = await client.getPrompt('compare', { city: 'Bern', country: 'CH' })
      assert.equal(filled.description, 'About Bern')
      assert.deepEqual(filled.messages, [
        { role: 'user', content: { type: 'text', text: 'Bern, CH' } },
        { role: 'assistant', content: { type: 'image', data: redPixel, mimeType: 'image/png' } },
        {
          role: 'user',
          content: { type: 'resource', resource: { uri: 'docs://text', text: 'inline' } },
        },
      ])
    })

    test(`an unknown prompt and a missing argument are refused with -32602 ${requirement('25.prompts.006', '26.prompts.020-021')}`, async () => {
      await assert.rejects(client.getPrompt('nosuch'), { code: -32602 })
      await assert.rejects(client.getPrompt('compare', { country: 'CH' }), (error: Error) => {
        assert.match(error.message, /city/)
        assert.equal((error as Error & { code: unknown }).code, -32602)
        return true
      })
    })

    test(`arguments of prompts and templates are completed, by what is filled in already ${requirement('25.completion.002', '26.completion.006')}`, async () => {
      const city = { name: 'city', value: 'B' }
      const ref = { type: 'ref/prompt', name: 'compare' } as const
      const swiss = await client.complete({
        ref,
        argument: city,
        context: { arguments: { country: 'CH' } },
      })
      assert.deepEqual(swiss.values, ['Basel', 'Bern'])
      const austrian = await client.complete({ ref, argument: { name: 'city', value: '' } })
      assert.deepEqual(austrian.values, ['Graz', 'Wien'])
      const items = await client.complete({
        ref: { type: 'ref/resource', uri: 'docs://item/{id}' },
        argument: { name: 'id', value: '1' },
      })
      assert.deepEqual(items.values, ['10', '11'])
    })

    test(`a call reports its progress, step by step ${requirement('25.progress.003', '26.progress.004')}`, async () => {
      const reports: unknown[] = []
      const onprogress = (report: unknown) => {
        reports.push(report)
        void client.callTool('go_on', { name })
      }
      const result = await client.callTool('count', { name, to: 5 }, { onprogress })
      assert.equal(textOf(result), 'counted to 5')
      assert.deepEqual(
        reports,
        [1, 2, 3, 4, 5].map((step) => ({ progress: step, total: 5, message: `step ${step}` })),
      )
    })

    test('a call whose client wants no progress reports none', async () => {
      const heard = () =>
        client.wire.received.filter(({ method }) => method === 'notifications/progress').length
      const before = heard()
      await client.callTool('hang_up')
      assert.equal(heard(), before)
    })

    test(`cancelling a call stops the handler, and no answer comes ${requirement('25.cancel.004', '26.cancel.016,018')}`, async () => {
      const cancelled = new AbortController()
      const call = client.callTool(
        'wait',
        { name },
        { signal: cancelled.signal, onprogress: () => cancelled.abort('Changed my mind') },
      )
      await assert.rejects(call)
      const reason = await client.callTool('why_cancelled', { name })
      assert.equal(textOf(reason), 'REQUEST_CANCELLED')
      const request = client.wire.sent.find(
        ({ method, params }) => method === 'tools/call' && params?.name === 'wait',
      )
      assert.ok(request)
      assert.ok(!client.wire.received.some((each) => each.id === request.id && !each.method))
    })

    test('a call that times out at the client is cancelled at the server', async () => {
      const call = client.callTool('wait', { name: `late ${name}` }, { timeout: 50 })
      await assert.rejects(call, /timed out/i)
      const reason = await client.callTool('why_cancelled', { name: `late ${name}` })
      assert.equal(textOf(reason), 'REQUEST_CANCELLED')
    })

    test('a form is shown to the user, and the answer reaches the tool', async () => {
      const asked: unknown[] = []
      let answer: unknown = { action: 'accept', content: { size: 'large', count: 2, gift: true } }
      client.onRequest('elicitation/create', (params) => {
        asked.push(params)
        return answer
      })
      const call = async () => JSON.parse(textOf(await client.callTool('ask_form')))
      assert.deepEqual(await call(), answer)
      const [{ message, requestedSchema }] = asked as [Record<string, unknown>]
      assert.equal(message, 'Which size?')
      assert.deepEqual(requestedSchema, {
        type: 'object',
        properties: {
          size: { type: 'string', enum: ['small', 'large'], title: 'Size', default: 'small' },
          count: { type: 'integer', minimum: 1 },
          gift: { type: 'boolean' },
        },
        required: ['size'],
      })
      for (const action of ['decline', 'cancel']) {
        answer = { action }
        assert.deepEqual(await call(), { action })
      }
    })

    test(`the user is sent to a page ${requirement('25.elicitation.008', '26.elicitation.026,028')}`, async () => {
      const asked: Record<string, unknown>[] = []
      client.onRequest('elicitation/create', (params) => {
        asked.push(params)
        return { action: 'accept' }
      })
      assert.equal(textOf(await client.callTool('ask_url')), '{"action":"accept"}')
      assert.equal(asked[0]?.mode, 'url')
      assert.equal(asked[0]?.message, 'Please pay.')
      assert.equal(asked[0]?.url, 'https://pay.example.com/?order=7')
      // Client 2.4 gives its handler one id for both eras; that none is sent, the schemas of the wire say.
      if (isStateful) assert.equal(typeof asked[0]?.elicitationId, 'string')
    })

    test("the client's model is asked", async () => {
      const asked: Record<string, unknown>[] = []
      client.onRequest('sampling/createMessage', (params) => {
        asked.push(params)
        return { role: 'assistant', model: 'tiny', content: { type: 'text', text: 'Old pond' } }
      })
      const text = textOf(await client.callTool('ask_model'))
      assert.deepEqual(JSON.parse(text), ['tiny', { type: 'text', text: 'Old pond' }])
      assert.equal(asked[0]?.systemPrompt, 'You are a poet')
      assert.equal(asked[0]?.maxTokens, 40)
      assert.deepEqual(asked[0]?.modelPreferences, {
        hints: [{ name: 'small' }],
        speedPriority: 0.9,
      })
    })

    test("the client's folders are asked for", async () => {
      client.onRequest('roots/list', () => ({
        roots: [{ uri: 'file:///home/me', name: 'Home' }, { uri: 'file:///tmp' }],
      }))
      const text = textOf(await client.callTool('ask_roots'))
      assert.equal(text, 'file:///home/me file:///tmp')
    })

    test('three questions at once, and two that follow from one another, are answered', async () => {
      const names = ['Ada', 'Bob', 'Cid']
      client.onRequest('elicitation/create', ({ message }) => ({
        action: 'accept',
        content: { name: String(message).includes('Bob') ? 'Cid' : names.shift() },
      }))
      client.onRequest('sampling/createMessage', () => ({
        role: 'assistant',
        model: 'tiny',
        content: { type: 'text', text: 'Hi' },
      }))
      client.onRequest('roots/list', () => ({ roots: [{ uri: 'file:///a' }] }))
      const all = JSON.parse(textOf(await client.callTool('ask_all')))
      assert.deepEqual(all, ['Ada', { type: 'text', text: 'Hi' }, 1])
      assert.equal(textOf(await client.callTool('ask_twice')), 'Bob and Cid')
    })

    test(`prompts and resources ask the user, too ${isStateful ? '' : '[26.mrtr.004]'}`, async () => {
      client.onRequest('elicitation/create', () => ({
        action: 'accept',
        content: { name: 'Ada' },
      }))
      const prompt = await client.getPrompt('asked')
      assert.deepEqual(prompt.messages[0]?.content, { type: 'text', text: 'Greet Ada.' })
      const { contents } = await client.readResource('docs://asked')
      assert.equal((contents[0] as { text: string }).text, 'Written for Ada')
    })

    test(`log messages come at the level that the client wants ${requirement('25.logging.004', '26.logging.006-007')}`, async () => {
      const heard: unknown[] = []
      client.onNotification('notifications/message', (params) => heard.push(params))
      const chatter = async (level: 'debug' | 'error') => {
        heard.length = 0
        const meta = { 'io.modelcontextprotocol/logLevel': level }
        if (isStateful) await client.setLoggingLevel(level)
        await client.callTool('chatter', {}, isStateful ? {} : { meta })
        return heard.map((each) => (each as { level: string }).level)
      }
      assert.deepEqual(await chatter('debug'), ['debug', 'info', 'error'])
      assert.deepEqual((heard[1] as { data: unknown; logger: string }).data, { a: 'fact' })
      assert.equal((heard[1] as { logger: string }).logger, 'chatter')
      assert.deepEqual(await chatter('error'), ['error'])
      if (!isStateful) {
        heard.length = 0
        await client.callTool('chatter')
        assert.deepEqual(heard, [])
      }
    })

    test(`a watched resource tells its changes, until it is no longer watched ${requirement('25.resources.005-006', '26.resources.025-026')}`, async () => {
      const heard: unknown[] = []
      let tell = () => {}
      client.onNotification('notifications/resources/updated', ({ uri }) => {
        heard.push(uri)
        tell()
      })
      const told = () =>
        new Promise<void>((resolve) => {
          tell = resolve
        })
      const stop = await client.watch('docs://text')
      let next = told()
      await client.callTool('touch', { uri: 'docs://pixel' })
      await client.callTool('touch', { uri: 'docs://text' })
      await next
      await stop()
      await client.callTool('touch', { uri: 'docs://text' })
      const stopAgain = await client.watch('docs://pixel')
      next = told()
      await client.callTool('touch', { uri: 'docs://pixel' })
      await next
      await stopAgain()
      assert.deepEqual(heard, ['docs://text', 'docs://pixel'])
    })

    test(`tools, prompts and resources that come and go are announced ${requirement('25.tools.017', '26.tools.021')}`, async () => {
      const stop = await client.watch('docs://text')
      const lists = {
        tool: () => client.listTools(),
        prompt: () => client.listPrompts(),
        resource: () => client.listResources(),
      }
      for (const what of ['tool', 'prompt', 'resource'] as const) {
        const has = async () => (await lists[what]()).some((each) => /extra$/.test(each.name))
        for (const isThere of [true, false]) {
          const changed = new Promise((resolve) =>
            client.onNotification(`notifications/${what}s/list_changed`, resolve),
          )
          await client.callTool('toggle', { what })
          await changed
          assert.equal(await has(), isThere, what)
        }
      }
      await stop()
    })

    if (isStateful) {
      test('a ping is answered [25.ping.001]', async () => {
        await client.ping()
      })
    }

    test('everything that the server sent is valid by the official schemas', () => {
      const methods = [
        ...(isStateful
          ? ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'elicitation/create']
          : ['notifications/subscriptions/acknowledged']),
        // Over stdio the client asks a process of its own, which it ends again.
        ...(!isStateful && over === 'http' ? ['server/discover'] : []),
        'tools/list',
        'tools/call',
        'resources/list',
        'resources/templates/list',
        'resources/read',
        'prompts/list',
        'prompts/get',
        'completion/complete',
        'notifications/progress',
        'notifications/message',
        'notifications/resources/updated',
        'notifications/resources/list_changed',
        'notifications/tools/list_changed',
        'notifications/prompts/list_changed',
      ]
      for (const method of methods) assert.ok(client.wire.methods.has(method), method)
      assert.deepEqual(client.wire.problems, [])
    })
  })
}
