/** mcp-remote, by which hosts that start commands reach a server over HTTP. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type AnyClient,
  connectClient,
  officialClients,
  serveEverything,
  textOf,
} from '../support/clients.ts'
import { temporaryFolder } from '../support/folder.ts'

const program = fileURLToPath(new URL('../../node_modules/.bin/mcp-remote', import.meta.url))
/** It keeps tokens and logs there. */
const home = temporaryFolder({ after })

/** What the host speaks is the old era; the bridge speaks either with the server. */
const hosts = officialClients.filter(({ revision }) => revision === '2025-11-25')
const bridges = [
  { protocol: 'legacy', revision: '2025-11-25' },
  { protocol: 'auto', revision: '2026-07-28' },
]

for (const { protocol, revision } of bridges) {
  for (const kind of hosts) {
    suite(`mcp-remote --protocol ${protocol}, from ${kind.client} to us in ${revision}`, () => {
      const listener = serveEverything()
      let client: AnyClient
      before(async () => {
        const { url } = await listener
        client = await connectClient(kind, {
          command: process.execPath,
          args: [program, url, '--allow-http', '--transport', 'http-only', '--protocol', protocol],
          env: { HOME: home, PATH: process.env.PATH ?? '' },
        })
      })
      after(async () => {
        await client?.close()
        await (await listener).close()
      })

      test('the host sees which server it is', () => {
        assert.equal(client.serverInfo?.name, 'everything')
        assert.equal(client.instructions, 'Call echo first.')
      })

      test('the bridge speaks the era that it was told', async () => {
        const seen = JSON.parse(textOf(await client.callTool('who_am_i')))
        assert.equal(seen.revision, revision)
      })

      test('tools are listed and called', async () => {
        const tools = await client.listTools()
        assert.ok(tools.some(({ name }) => name === 'touch'))
        const sum = await client.callTool('add', { a: 1, b: 2 })
        assert.deepEqual(sum.structuredContent, { sum: 3 })
        const failure = await client.callTool('fail')
        assert.equal(failure.isError, true)
        assert.equal(textOf(failure), 'The disk is full')
        await assert.rejects(client.callTool('nosuch'), { code: -32602 })
      })

      test('a result of 2 MB passes', async () => {
        const text = textOf(await client.callTool('large', { characters: 1_000_000 }))
        assert.equal(text, 'é'.repeat(1_000_000))
      })

      test('resources are listed and read, prompts are filled in', async () => {
        const resources = await client.listResources()
        assert.ok(resources.some(({ uri }) => uri === 'docs://item/10'))
        const { contents } = await client.readResource('docs://item/20')
        assert.equal((contents[0] as { text: string }).text, '{"id":20}')
        const prompts = await client.listPrompts()
        assert.deepEqual(
          prompts.map(({ name }) => name),
          ['plain', 'compare', 'asked'],
        )
        const { messages } = await client.getPrompt('compare', { city: 'Bern', country: 'CH' })
        assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Bern, CH' })
      })

      test('progress passes', async () => {
        const reports: number[] = []
        const name = kind.client
        const result = await client.callTool(
          'count',
          { name, to: 3 },
          {
            onprogress: ({ progress }) => {
              reports.push(progress)
              void client.callTool('go_on', { name })
            },
          },
        )
        assert.equal(textOf(result), 'counted to 3')
        assert.deepEqual(reports, [1, 2, 3])
      })

      test('questions to the user and to the model pass, and so do their answers', async () => {
        client.onRequest('elicitation/create', () => ({
          action: 'accept',
          content: { size: 'large' },
        }))
        client.onRequest('sampling/createMessage', () => ({
          role: 'assistant',
          model: 'tiny',
          content: { type: 'text', text: 'Old pond' },
        }))
        const form = textOf(await client.callTool('ask_form'))
        assert.deepEqual(JSON.parse(form), { action: 'accept', content: { size: 'large' } })
        const model = textOf(await client.callTool('ask_model'))
        assert.deepEqual(JSON.parse(model), ['tiny', { type: 'text', text: 'Old pond' }])
      })

      test('changes are announced', async () => {
        const changed = new Promise((resolve) =>
          client.onNotification('notifications/tools/list_changed', resolve),
        )
        await client.callTool('toggle', { what: 'tool' })
        await changed
        await client.callTool('toggle', { what: 'tool' })
        let isHeard = false
        client.onNotification('notifications/resources/updated', () => {
          isHeard = true
        })
        await client.watch('docs://text')
        // In the new era the bridge answers before it has told us, and takes a second to do so.
        while (!isHeard) await client.callTool('touch', { uri: 'docs://text' })
      })

      // In the new era the bridge does not close the stream of a call that its host cancels, which
      // is how that is said over HTTP; and it passes members on that the host's era does not know.
      if (protocol === 'legacy') {
        test('a cancelled call is cancelled at the server', async () => {
          const cancelled = new AbortController()
          const name = kind.client
          const call = client.callTool('wait', { name }, { signal: cancelled.signal })
          await client.callTool('wait_started', { name })
          cancelled.abort()
          await assert.rejects(call)
          const reason = await client.callTool('why_cancelled', { name })
          assert.equal(textOf(reason), 'REQUEST_CANCELLED')
        })

        test('what arrives is valid by the official schemas', () => {
          assert.deepEqual(client.wire.problems, [])
        })
      }
    })
  }
}
