/** `tsmcp serve` of a file that exports a server of the official SDK, over stdio to official clients. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type AnyClient,
  connectClient,
  officialClients,
  stdioCommand,
  textOf,
} from '../support/clients.ts'

for (const sdk of ['sdk-v1', 'sdk-v2']) {
  for (const kind of officialClients) {
    suite(`fixtures/${sdk}.ts over stdio to ${kind.client} in ${kind.revision}`, () => {
      let client: AnyClient
      before(async () => {
        const file = fileURLToPath(new URL(`fixtures/${sdk}.ts`, import.meta.url))
        client = await connectClient(kind, stdioCommand(file))
      })
      after(() => client?.close())

      test('tools, resources and prompts are there', async () => {
        assert.equal(client.serverInfo?.name, 'existing')
        assert.ok((await client.listTools()).some(({ name }) => name === 'echo'))
        const sum = await client.callTool('add', { a: 1, b: 2 })
        assert.deepEqual(sum.structuredContent, { sum: 3 })
        const { contents } = await client.readResource('docs://item/20')
        assert.deepEqual(contents, [{ uri: 'docs://item/20', text: 'item 20' }])
        const { messages } = await client.getPrompt('visit', { city: 'Bern' })
        assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Visit Bern' })
      })

      test('a call reports progress, asks and is cancelled', async () => {
        const named = { name: 'slowly' }
        const reports: number[] = []
        const onprogress = ({ progress }: { progress: number }) => {
          reports.push(progress)
          void client.callTool('go_on', named)
        }
        await client.callTool('count', { ...named, to: 2 }, { onprogress })
        assert.deepEqual(reports, [1, 2])
        client.onRequest('elicitation/create', () => ({
          action: 'accept',
          content: { name: 'Ada' },
        }))
        assert.equal(textOf(await client.callTool('ask_twice')), 'Ada and Ada')
        const cancelled = new AbortController()
        const call = client.callTool('wait', named, { signal: cancelled.signal })
        await client.callTool('wait_started', named)
        cancelled.abort()
        await assert.rejects(call)
        assert.equal(textOf(await client.callTool('why_cancelled', named)), 'cancelled')
      })

      test('changes are announced', async () => {
        await client.watch('docs://text')
        const changed = new Promise((resolve) =>
          client.onNotification('notifications/tools/list_changed', resolve),
        )
        const updated = new Promise((resolve) =>
          client.onNotification('notifications/resources/updated', resolve),
        )
        await client.callTool('toggle', { what: 'tool' })
        await client.callTool('touch', { uri: 'docs://text' })
        await Promise.all([changed, updated])
      })

      test('everything that was sent is valid by the official schemas', () => {
        assert.deepEqual(client.wire.problems, [])
      })
    })
  }
}
