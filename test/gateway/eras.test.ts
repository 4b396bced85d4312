import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { callText, connect, eras, fixture, openGateway } from './support.ts'

for (const upstreamEra of eras) {
  for (const clientEra of eras) {
    suite(`a client of ${clientEra} with an upstream of ${upstreamEra}`, () => {
      const servers = { up: fixture({ revisions: [upstreamEra] }) }

      test('calls tools, by names that say whose they are', async (t) => {
        const { gateway } = await openGateway(t, servers)
        const client = await connect(t, gateway, clientEra)
        const { tools } = await client.listTools()
        const names = tools.map(({ name }) => name)
        assert.ok(names.includes('up__echo'))
        assert.deepEqual(names, names.toSorted())
        assert.equal(await callText(client, 'up__echo', { text: 'hello' }), 'hello')
      })

      test('is asked for what the upstream needs: elicitation, sampling, roots', async (t) => {
        const { gateway } = await openGateway(t, servers)
        const client = await connect(t, gateway, clientEra)
        assert.equal(await callText(client, 'up__ask'), 'accept Ada')
        assert.match(await callText(client, 'up__sample'), /A word of Ada/)
        assert.match(await callText(client, 'up__roots'), /file:\/\/\/home\/Ada/)
      })

      test('reads resources and prompts, and has arguments completed', async (t) => {
        const { gateway } = await openGateway(t, servers)
        const client = await connect(t, gateway, clientEra)
        const { resources } = await client.listResources()
        assert.deepEqual(
          resources.map(({ uri }) => uri),
          ['fixture://readme'],
        )
        const { contents } = await client.readResource({ uri: 'fixture://items/7' })
        assert.equal((contents[0] as { text: string }).text, 'Item 7')
        const { messages } = await client.getPrompt({
          name: 'up__greet',
          arguments: { name: 'Bob' },
        })
        assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Greet Bob' })
        const byPrompt = await client.complete({
          ref: { type: 'ref/prompt', name: 'up__greet' },
          argument: { name: 'name', value: 'A' },
        })
        assert.deepEqual(byPrompt.completion.values, ['Aa'])
        const byTemplate = await client.complete({
          ref: { type: 'ref/resource', uri: 'fixture://items/{id}' },
          argument: { name: 'id', value: '4' },
        })
        assert.deepEqual(byTemplate.completion.values, ['41', '42'])
      })

      test('hears of progress and log messages, secrets taken out', async (t) => {
        const { gateway } = await openGateway(t, servers)
        const client = await connect(t, gateway, clientEra)
        const logs: unknown[] = []
        client.setNotificationHandler('notifications/message', ({ params }) => {
          logs.push(params)
        })
        if (clientEra === '2025-11-25') await client.setLoggingLevel('debug')
        const reports: unknown[] = []
        const _meta = { 'io.modelcontextprotocol/logLevel': 'debug' }
        await client.callTool(
          { name: 'up__report', ...(clientEra === '2026-07-28' && { _meta }) },
          { onprogress: (report) => reports.push(report) },
        )
        assert.deepEqual(reports, [
          { progress: 1, total: 2, message: 'half' },
          { progress: 2, total: 2, message: 'done' },
        ])
        assert.equal(logs.length, 1)
        const [{ level, logger, data }] = logs as [Record<string, Record<string, string>>]
        assert.deepEqual([level, logger], ['warning', 'reporter'])
        assert.equal(data?.password, '[redacted]')
      })

      test('cancels a call, of which the upstream hears', async (t) => {
        const { gateway, logged } = await openGateway(t, servers)
        const client = await connect(t, gateway, clientEra)
        const controller = new AbortController()
        const call = client.callTool(
          { name: 'up__wait', arguments: { text: '60000' } },
          { signal: controller.signal },
        )
        const cancelled = assert.rejects(call)
        while (gateway.status().upstreams[0]?.running !== 1) {
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        controller.abort()
        await cancelled
        await logged(/wait was cancelled/)
      })

      test('hears of lists and resources that change', async (t) => {
        const { gateway } = await openGateway(t, servers)
        const client = await connect(t, gateway, clientEra)
        const lists = Promise.withResolvers<void>()
        client.setNotificationHandler('notifications/tools/list_changed', () => lists.resolve())
        const updated = Promise.withResolvers<string>()
        client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
          updated.resolve(params.uri),
        )
        if (clientEra === '2025-11-25') await client.subscribeResource({ uri: 'fixture://readme' })
        else {
          await client.listen({
            toolsListChanged: true,
            resourceSubscriptions: ['fixture://readme'],
          } as never)
        }
        await callText(client, 'up__toggle')
        await lists.promise
        const { tools } = await client.listTools()
        assert.ok(tools.some(({ name }) => name === 'up__late'))
        // The upstream may hear of the subscription after its answer.
        const touching = setInterval(() => void callText(client, 'up__touch'), 50)
        assert.equal(await updated.promise, 'fixture://readme')
        clearInterval(touching)
      })
    })
  }
}
