/** The fetch adapter inside real servers of Hono and Fastify, beside other routes, with official clients. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { createFetchHandler } from '../../src/fetch.ts'
import * as library from '../../src/index.ts'
import { type AnyClient, connectClient, officialClients, textOf } from '../support/clients.ts'
import { everything } from '../support/clients-everything.ts'
import { type App, frameworks } from '../support/frameworks.ts'

for (const [framework, start] of Object.entries(frameworks)) {
  for (const kind of officialClients) {
    suite(`${kind.client} in ${kind.revision} to a server inside ${framework}`, () => {
      let app: App
      let client: AnyClient
      const isStateful = kind.revision === '2025-11-25'
      before(async () => {
        app = await start(createFetchHandler(everything(library)))
        client = await connectClient(kind, app.url)
      })
      after(async () => {
        await client?.close()
        await app?.close()
      })

      test('the other routes of the app are as before', async () => {
        const response = await fetch(new URL('/', app.url))
        assert.equal(await response.text(), 'home')
      })

      test('tools are listed and called', async () => {
        const tools = await client.listTools()
        assert.ok(tools.some(({ name }) => name === 'touch'))
        const sum = await client.callTool('add', { a: 1, b: 2 })
        assert.deepEqual(sum.structuredContent, { sum: 3 })
        const failure = await client.callTool('fail')
        assert.equal(textOf(failure), 'The disk is full')
        await assert.rejects(client.callTool('nosuch'), { code: -32602 })
      })

      test('resources are read, prompts are filled in', async () => {
        const { contents } = await client.readResource('docs://item/20')
        assert.equal((contents[0] as { text: string }).text, '{"id":20}')
        const { messages } = await client.getPrompt('plain')
        assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Say something.' })
      })

      test('2 MB go in and come out', async () => {
        const text = 'ß'.repeat(1_000_000)
        assert.equal(textOf(await client.callTool('echo', { text })), text)
      })

      test('a call reports its progress while it runs', async () => {
        const reports: number[] = []
        const named = { name: kind.client }
        const result = await client.callTool(
          'count',
          { ...named, to: 3 },
          {
            onprogress: ({ progress }) => {
              reports.push(progress)
              void client.callTool('go_on', named)
            },
          },
        )
        assert.equal(textOf(result), 'counted to 3')
        assert.deepEqual(reports, [1, 2, 3])
        const exchange = client.wire.exchanges.find((each) => each.sent?.params?.name === 'count')
        assert.match(exchange?.responseHeaders.get('content-type') ?? '', /^text\/event-stream/)
      })

      test('the user is asked, and the model', async () => {
        client.onRequest('elicitation/create', () => ({
          action: 'accept',
          content: { name: 'Ada', size: 'small' },
        }))
        client.onRequest('sampling/createMessage', () => ({
          role: 'assistant',
          model: 'tiny',
          content: { type: 'text', text: 'Hi' },
        }))
        client.onRequest('roots/list', () => ({ roots: [{ uri: 'file:///a' }] }))
        const all = JSON.parse(textOf(await client.callTool('ask_all')))
        assert.deepEqual(all, ['Ada', { type: 'text', text: 'Hi' }, 1])
        assert.equal(textOf(await client.callTool('ask_twice')), 'Ada and Ada')
      })

      test('cancelling a call stops the handler', async () => {
        const cancelled = new AbortController()
        const named = { name: `cancelled ${kind.client}` }
        const call = client.callTool('wait', named, { signal: cancelled.signal })
        await client.callTool('wait_started', named)
        cancelled.abort()
        await assert.rejects(call)
        const reason = await client.callTool('why_cancelled', named)
        assert.equal(textOf(reason), 'REQUEST_CANCELLED')
      })

      test('50 calls run at the same time', async () => {
        const calls = Array.from({ length: 50 }, (_, index) => `caller ${index}`)
        const results = await Promise.all(
          calls.map((me) => client.callTool('meet', { name: 'fifty', calls: 50, me })),
        )
        assert.deepEqual(results.map(textOf), calls)
      })

      test('changes are announced', async () => {
        const stop = await client.watch('docs://text')
        const changed = new Promise((resolve) =>
          client.onNotification('notifications/tools/list_changed', resolve),
        )
        const updated = new Promise((resolve) =>
          client.onNotification('notifications/resources/updated', resolve),
        )
        await client.callTool('toggle', { what: 'tool' })
        await client.callTool('touch', { uri: 'docs://text' })
        await Promise.all([changed, updated])
        await stop()
      })

      const brokenOff = isStateful
        ? 'a call outlives its connection: the client comes back for the rest [25.http.024]'
        : 'a connection that breaks off cancels its call [26.cancel.005]'
      test(brokenOff, async () => {
        const givingUp = new AbortController()
        const named = { name: `broken ${kind.client}` }
        const exchange = (tool: string) =>
          client.wire.exchanges.findLast(({ sent }) => sent?.params?.name === tool)
        if (isStateful) {
          const result = await client.callTool(
            'count',
            { ...named, to: 2 },
            {
              onprogress: ({ progress }) => {
                if (progress === 1) exchange('count')?.cut()
                void client.callTool('go_on', named)
              },
            },
          )
          assert.equal(textOf(result), 'counted to 2')
          return
        }
        const call = client.callTool('wait', named, {
          signal: givingUp.signal,
          onprogress: () => exchange('wait')?.cut(),
        })
        const reason = await client.callTool('why_cancelled', named)
        assert.equal(textOf(reason), 'REQUEST_CANCELLED')
        givingUp.abort()
        await assert.rejects(call)
      })

      if (isStateful) {
        test('what changes while the network is down is heard when it is back', async () => {
          await client.watch('docs://pixel')
          const updated = new Promise((resolve) =>
            client.onNotification('notifications/resources/updated', resolve),
          )
          const stream = await client.wire.until(() =>
            client.wire.exchanges.find((each) => each.httpMethod === 'GET' && each.status === 200),
          )
          stream.cut()
          await client.callTool('touch', { uri: 'docs://pixel' })
          assert.deepEqual(await updated, { uri: 'docs://pixel' })
        })

        test('a session that the client ends is gone', async () => {
          await client.endSession()
          const deletion = client.wire.exchanges.find(({ httpMethod }) => httpMethod === 'DELETE')
          assert.equal(deletion?.status, 204)
        })
      }

      if (!isStateful) {
        test('a connection that breaks off before any answer cancels its call, too', async () => {
          const named = { name: `silent ${kind.client}` }
          const rejected = assert.rejects(client.callTool('wait', named))
          await client.callTool('wait_started', named)
          client.wire.exchanges.findLast(({ sent }) => sent?.params?.name === 'wait')?.cut()
          const reason = await client.callTool('why_cancelled', named)
          assert.equal(textOf(reason), 'REQUEST_CANCELLED')
          await rejected
        })
      }

      test('everything that the server sent is valid by the official schemas', () => {
        assert.deepEqual(client.wire.problems, [])
      })
    })
  }
}
