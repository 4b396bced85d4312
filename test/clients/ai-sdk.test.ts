/** The client of the AI SDK, which has a protocol implementation of its own. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { createMCPClient, ElicitationRequestSchema, type MCPClient } from '@ai-sdk/mcp'
import { StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio'
import type { HttpListener } from '../../src/http.ts'
import { serveEverything, stdioCommand } from '../support/clients.ts'
import { redPixel } from '../support/clients-everything.ts'

type Content = { type: string; text?: string }[]

const connections = [
  { over: 'http', discovers: true, revisions: ['2026-07-28'] },
  { over: 'http', discovers: false, revisions: ['2025-11-25'] },
  // The client gives a process one second from its start to show that it knows the new era.
  { over: 'stdio', discovers: true, revisions: ['2026-07-28', '2025-11-25'] },
]

for (const { over, discovers, revisions } of connections) {
  suite(`@ai-sdk/mcp over ${over} in ${revisions.join(' or ')}`, () => {
    let client: MCPClient
    let listener: HttpListener | undefined
    before(async () => {
      if (over === 'http') listener = await serveEverything()
      client = await createMCPClient({
        clientName: 'ai',
        capabilities: { elicitation: {} },
        protocolVersionDiscovery: discovers,
        transport: listener
          ? { type: 'http', url: listener.url }
          : new StdioMCPTransport({ ...stdioCommand(), stderr: 'ignore' }),
      })
    })
    after(async () => {
      await client?.close()
      await listener?.close()
    })
    const textOf = (result: unknown) =>
      (result as { content: Content }).content.map(({ text }) => text).join('\n')

    test('knows the server and its instructions', () => {
      assert.equal(client.serverInfo.name, 'everything')
      assert.equal(client.instructions, 'Call echo first.')
    })

    test('every tool becomes a tool of the AI SDK, and is executed', async () => {
      const tools = await client.tools()
      assert.equal(tools.echo?.description, 'Says what it is told')
      assert.ok(tools.touch, 'tools of later pages are there')
      const execute = (name: string, input: unknown) =>
        tools[name]!.execute(input, { toolCallId: name, messages: [], context: {} })
      assert.equal(textOf(await execute('echo', { text: 'Grüße' })), 'Grüße')
      const sum = (await execute('add', { a: 1, b: 2 })) as { structuredContent: unknown }
      assert.deepEqual(sum.structuredContent, { sum: 3 })
      const failure = (await execute('fail', {})) as { isError: boolean }
      assert.equal(failure.isError, true)
      assert.equal(textOf(failure), 'The disk is full')
      const { content } = (await execute('mixed', {})) as { content: Content }
      assert.deepEqual(
        content.map(({ type }) => type),
        ['text', 'image', 'audio', 'resource_link', 'resource'],
      )
    })

    test('the tool sees who is calling, and how', async () => {
      const { revision, client: name } = JSON.parse(
        textOf(await client.callTool({ name: 'who_am_i' })),
      )
      assert.equal(name, 'ai')
      assert.ok(revisions.includes(revision), revision)
    })

    test('resources and templates are listed and read', async () => {
      const { resources } = await client.listResources()
      assert.ok(resources.some(({ uri }) => uri === 'docs://pixel'))
      const { resourceTemplates } = await client.listResourceTemplates()
      assert.equal(resourceTemplates[0]?.uriTemplate, 'docs://item/{id}')
      const { contents } = await client.readResource({ uri: 'docs://pixel' })
      assert.equal((contents[0] as { blob: string }).blob, redPixel)
    })

    test('prompts are listed and filled in', async () => {
      const { prompts } = await client.listPrompts()
      assert.deepEqual(
        prompts.map(({ name }) => name),
        ['plain', 'compare', 'asked'],
      )
      const { messages } = await client.getPrompt({
        name: 'compare',
        arguments: { city: 'Bern', country: 'CH' },
      })
      assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Bern, CH' })
    })

    test('arguments are completed', async () => {
      const { completion } = await client.complete({
        ref: { type: 'ref/prompt', name: 'compare' },
        argument: { name: 'city', value: 'W' },
      })
      assert.deepEqual(completion.values, ['Wien'])
    })

    test('the user is asked', async () => {
      client.onElicitationRequest(ElicitationRequestSchema, () => ({
        action: 'accept',
        content: { size: 'large' },
      }))
      const answer = textOf(await client.callTool({ name: 'ask_form' }))
      assert.deepEqual(JSON.parse(answer), { action: 'accept', content: { size: 'large' } })
    })

    // In the old era this client only stops listening.
    if (over === 'http' && discovers) {
      test('cancelling a call stops the handler', async () => {
        const cancelled = new AbortController()
        const named = { name: 'ai' }
        const call = client.callTool({
          name: 'wait',
          arguments: named,
          options: { signal: cancelled.signal },
        })
        await client.callTool({ name: 'wait_started', arguments: named })
        cancelled.abort()
        await assert.rejects(call)
        const reason = await client.callTool({ name: 'why_cancelled', arguments: named })
        assert.equal(textOf(reason), 'REQUEST_CANCELLED')
      })
    }
  })
}
