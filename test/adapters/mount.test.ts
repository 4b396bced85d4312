/** Servers of the official SDK, 1.32 and 2.4, served unchanged to official clients of both eras. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type HttpListener, serveHttp } from '../../src/http.ts'
import { mount } from '../../src/index.ts'
import { type AnyClient, connectClient, officialClients, textOf } from '../support/clients.ts'
import { serverV1, serverV2 } from './sdk-servers.ts'

const servers = [
  { sdk: 'McpServer 1.32', make: serverV1 },
  { sdk: 'McpServer 2.4', make: serverV2 },
] as const

for (const { sdk, make } of servers) {
  for (const kind of officialClients) {
    suite(`${sdk} to ${kind.client} in ${kind.revision}`, () => {
      const isStateful = kind.revision === '2025-11-25'
      let listener: HttpListener
      let client: AnyClient
      before(async () => {
        listener = await serveHttp(await mount(make(), { onError: () => {} }), {
          port: 0,
          drainMs: 5000,
        })
        client = await connectClient(kind, listener.url)
      })
      after(async () => {
        await client?.close()
        await listener?.close()
      })

      test('the user sees the mounted server', () => {
        assert.equal(client.revision, kind.revision)
        assert.equal(client.serverInfo?.name, 'existing')
        assert.equal(client.serverInfo?.version, '3.2.1')
        assert.equal(client.instructions, 'Use it as it is.')
        for (const feature of ['tools', 'resources', 'prompts', 'completions', 'logging'] as const)
          assert.ok(client.capabilities[feature], feature)
      })

      test('its tools are listed and called', async () => {
        const tools = await client.listTools()
        const add = tools.find(({ name }) => name === 'add')
        assert.deepEqual(add?.inputSchema.required, ['a', 'b'])
        assert.equal(add?.outputSchema?.type, 'object')
        assert.equal(textOf(await client.callTool('echo', { text: 'Grüße' })), 'Grüße')
        const sum = await client.callTool('add', { a: 1, b: 2 })
        assert.deepEqual(sum.structuredContent, { sum: 3 })
      })

      test('its errors are told as it tells them', async () => {
        const failure = await client.callTool('fail')
        assert.equal(failure.isError, true)
        assert.equal(textOf(failure), 'The disk is full')
        const invalid = await client.callTool('add', { a: 1, b: 'two' }).then(
          (result) => (result.isError ? textOf(result) : 'accepted'),
          (error: Error) => error.message,
        )
        assert.match(invalid, /\bb\b/)
        const unknown = await client.callTool('nosuch').then(
          (result) => (result.isError ? textOf(result) : 'accepted'),
          (error: Error) => error.message,
        )
        assert.match(unknown, /nosuch/)
        await assert.rejects(client.readResource('docs://nosuch'), { code: -32602 })
        await assert.rejects(client.getPrompt('nosuch'), { code: -32602 })
      })

      test('its resources, templates and prompts are listed, read, filled in and completed', async () => {
        const resources = await client.listResources()
        assert.deepEqual(
          resources.map(({ uri }) => uri),
          ['docs://text', 'docs://item/10'],
        )
        const templates = await client.listResourceTemplates()
        assert.equal(templates[0]?.uriTemplate, 'docs://item/{id}')
        const { contents } = await client.readResource('docs://item/20')
        assert.deepEqual(contents, [{ uri: 'docs://item/20', text: 'item 20' }])
        const prompts = await client.listPrompts()
        assert.equal(prompts[0]?.name, 'visit')
        const { messages } = await client.getPrompt('visit', { city: 'Bern' })
        assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Visit Bern' })
        const cities = await client.complete({
          ref: { type: 'ref/prompt', name: 'visit' },
          argument: { name: 'city', value: 'B' },
        })
        assert.deepEqual(cities.values, ['Basel', 'Bern'])
        const ids = await client.complete({
          ref: { type: 'ref/resource', uri: 'docs://item/{id}' },
          argument: { name: 'id', value: '1' },
        })
        assert.deepEqual(ids.values, ['10', '11'])
      })

      test('a call reports its progress while it runs', async () => {
        const reports: unknown[] = []
        const named = { name: 'slowly' }
        const result = await client.callTool(
          'count',
          { ...named, to: 3 },
          {
            onprogress: (report) => {
              reports.push(report)
              void client.callTool('go_on', named)
            },
          },
        )
        assert.equal(textOf(result), 'counted to 3')
        assert.deepEqual(
          reports,
          [1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })),
        )
      })

      test('its log messages come at the level that the client wants', async () => {
        const heard: string[] = []
        client.onNotification('notifications/message', ({ level }) => heard.push(String(level)))
        const chatter = async (level: 'debug' | 'error') => {
          heard.length = 0
          const meta = { 'io.modelcontextprotocol/logLevel': level }
          if (isStateful) await client.setLoggingLevel(level)
          await client.callTool('chatter', {}, isStateful ? {} : { meta })
          return [...heard]
        }
        assert.deepEqual(await chatter('debug'), ['debug', 'info', 'error'])
        assert.deepEqual(await chatter('error'), ['error'])
      })

      test('its questions are put to the user, and to the model', async () => {
        const asked: unknown[] = []
        client.onRequest('elicitation/create', (params) => {
          asked.push(params.message, params.requestedSchema)
          return { action: 'accept', content: { name: 'Ada' } }
        })
        client.onRequest('sampling/createMessage', ({ messages, maxTokens }) => {
          asked.push(messages, maxTokens)
          return { role: 'assistant', model: 'tiny', content: { type: 'text', text: 'Old pond' } }
        })
        client.onRequest('roots/list', () => ({ roots: [{ uri: 'file:///a' }] }))
        const form = JSON.parse(textOf(await client.callTool('ask_form')))
        assert.deepEqual(form, { action: 'accept', content: { name: 'Ada' } })
        const model = JSON.parse(textOf(await client.callTool('ask_model')))
        assert.equal(model.model, 'tiny')
        assert.deepEqual(model.content, { type: 'text', text: 'Old pond' })
        assert.equal(textOf(await client.callTool('ask_roots')), 'file:///a')
        assert.deepEqual(asked, [
          'Name?',
          { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
          [{ role: 'user', content: { type: 'text', text: 'A haiku, please' } }],
          40,
        ])
      })

      test('questions at once, and one after the other, are answered', async () => {
        client.onRequest('elicitation/create', ({ message }) => ({
          action: 'accept',
          content: { name: String(message).includes('Ada') ? 'Bob' : 'Ada' },
        }))
        const all = JSON.parse(textOf(await client.callTool('ask_all')))
        assert.deepEqual(all, ['Ada', { type: 'text', text: 'Old pond' }, 1])
        assert.equal(textOf(await client.callTool('ask_twice')), 'Ada and Bob')
      })

      test('a user who declines is heard', async () => {
        client.onRequest('elicitation/create', () => ({ action: 'decline' }))
        const form = JSON.parse(textOf(await client.callTool('ask_form')))
        assert.deepEqual(form, { action: 'decline' })
      })

      test('the user is sent to a page', async () => {
        const urls: unknown[] = []
        client.onRequest('elicitation/create', ({ mode, url }) => {
          urls.push(mode, url)
          return { action: 'accept' }
        })
        assert.equal(textOf(await client.callTool('ask_url')), 'accept')
        assert.deepEqual(urls, ['url', 'https://pay.example.com/'])
      })

      if (isStateful) {
        test('the client hears that the page is done with [25.elicitation.011-012]', {
          timeout: 5000,
        }, async () => {
          const completed = await client.wire.until(() =>
            client.wire.received.find(
              ({ method }) => method === 'notifications/elicitation/complete',
            ),
          )
          assert.deepEqual(completed.params, { elicitationId: 'bill-7' })
        })
      }

      test('that a page must be visited first is an error of the era [25.elicitation.018] [26.errors.008]', async () => {
        await assert.rejects(client.callTool('need_url'))
        const { error } = client.wire.received.findLast((each) => each.error) ?? {}
        if (!isStateful) assert.notEqual(error?.code, -32042)
        else {
          assert.equal(error?.code, -32042)
          assert.deepEqual(error?.data, {
            elicitations: [
              {
                mode: 'url',
                message: 'Sign in.',
                url: 'https://a.example.com/',
                elicitationId: '1',
              },
            ],
          })
        }
      })

      test('cancelling a call stops its handler', async () => {
        const cancelled = new AbortController()
        const named = { name: 'for ever' }
        const call = client.callTool('wait', named, { signal: cancelled.signal })
        await client.callTool('wait_started', named)
        cancelled.abort()
        await assert.rejects(call)
        assert.equal(textOf(await client.callTool('why_cancelled', named)), 'cancelled')
      })

      test('nothing of a cancelled call is left running', { timeout: 5000 }, async () => {
        const health = await fetch(new URL('/health', listener.url))
        const { requestsRunning } = (await health.json()) as { requestsRunning: number }
        assert.equal(requestsRunning, 0)
      })

      test('what it asks and logs without naming a request still reaches the caller', async () => {
        const heard: unknown[] = []
        client.onNotification('notifications/message', ({ data }) => heard.push(data))
        client.onRequest('elicitation/create', () => ({ action: 'decline' }))
        if (isStateful) await client.setLoggingLevel('debug')
        const meta = { 'io.modelcontextprotocol/logLevel': 'debug' }
        const result = await client.callTool('ask_plainly', {}, isStateful ? {} : { meta })
        assert.equal(textOf(result), '{"action":"decline"}')
        assert.ok(heard.includes('asking'))
      })

      test('tools, prompts and resources that come and go are announced', async () => {
        const stop = await client.watch('docs://text')
        const lists = {
          tool: () => client.listTools(),
          prompt: () => client.listPrompts(),
          resource: () => client.listResources(),
        }
        for (const what of ['tool', 'prompt', 'resource'] as const) {
          for (const isThere of [true, false]) {
            const changed = new Promise((resolve) =>
              client.onNotification(`notifications/${what}s/list_changed`, resolve),
            )
            await client.callTool('toggle', { what })
            await changed
            const names = (await lists[what]()).map(({ name }) => name)
            assert.equal(names.includes('extra'), isThere, what)
          }
        }
        await stop()
      })

      test('a watched resource tells its changes', async () => {
        const updated = new Promise((resolve) =>
          client.onNotification('notifications/resources/updated', resolve),
        )
        const stop = await client.watch('docs://text')
        await client.callTool('touch', { uri: 'docs://text' })
        assert.equal(((await updated) as { uri: string }).uri, 'docs://text')
        await stop()
      })

      if (sdk === 'McpServer 2.4') {
        test('a tool that asks by its result gets its answer', async () => {
          client.onRequest('elicitation/create', () => ({
            action: 'accept',
            content: { name: 'Ada' },
          }))
          assert.equal(textOf(await client.callTool('ask_by_result')), 'Hello, Ada')
        })
      }

      test('everything that was sent is valid by the official schemas', () => {
        assert.deepEqual(client.wire.problems, [])
      })
    })
  }
}
