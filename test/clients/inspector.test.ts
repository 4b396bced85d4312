/** The official inspector on the command line, which is how many try a server out. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { HttpListener } from '../../src/http.ts'
import { run, serveEverything, stdioCommand } from '../support/clients.ts'
import { temporaryFolder } from '../support/folder.ts'

const inspector = fileURLToPath(new URL('../../node_modules/.bin/mcp-inspector', import.meta.url))
/** It keeps a catalogue there. */
const home = temporaryFolder({ after })

const revisions = { legacy: '2025-11-25', auto: '2026-07-28', modern: '2026-07-28' }

for (const over of ['http', 'stdio']) {
  for (const [era, revision] of Object.entries(revisions)) {
    suite(`mcp-inspector --cli --protocol-era ${era} over ${over}`, { concurrency: 2 }, () => {
      let listener: HttpListener | undefined
      before(async () => {
        if (over === 'http') listener = await serveEverything()
      })
      after(() => listener?.close())

      /** Runs the inspector, and gives what it prints. */
      const inspect = async (method: string, ...flags: string[]) => {
        const { command, args } = stdioCommand()
        const target = listener
          ? ['--server-url', listener.url, '--transport', 'http']
          : ['--', command, ...args]
        const { exitCode, out, err } = await run(
          process.execPath,
          [
            ...[inspector, '--cli', '--format', 'json', '--quiet', '--protocol-era', era],
            ...['--method', method, ...flags, ...target],
          ],
          { env: { HOME: home } },
        )
        assert.notEqual(out, '', err)
        return { exitCode, result: JSON.parse(out).result as Record<string, unknown> }
      }
      const names = (items: unknown) => (items as { name: string }[]).map(({ name }) => name)

      test('tools/list shows the tools of all pages', async () => {
        const { exitCode, result } = await inspect('tools/list')
        assert.equal(exitCode, 0)
        assert.ok(names(result.tools).includes('echo') && names(result.tools).includes('touch'))
      })

      test(`tools/call reaches the tool in ${revision}, and shows its structured content`, async () => {
        const { exitCode, result } = await inspect('tools/call', '--tool-name', 'who_am_i')
        assert.equal(exitCode, 0)
        assert.equal((result.structuredContent as { revision: string }).revision, revision)
      })

      test('resources/list shows what there is', async () => {
        const { exitCode, result } = await inspect('resources/list')
        assert.equal(exitCode, 0)
        assert.deepEqual(names(result.resources), ['text', 'pixel', 'several', 'asked', 'item 10'])
      })

      test('resources/read shows a resource', async () => {
        const { exitCode, result } = await inspect('resources/read', '--uri', 'docs://item/20')
        assert.equal(exitCode, 0)
        assert.deepEqual(result.contents, [
          { uri: 'docs://item/20', mimeType: 'application/json', text: '{"id":20}' },
        ])
      })

      test('prompts/list and prompts/get show prompts, filled in', async () => {
        const { result: listed } = await inspect('prompts/list')
        assert.deepEqual(names(listed.prompts), ['plain', 'compare', 'asked'])
        const flags = ['--prompt-name', 'compare', '--prompt-args', 'city=Bern', 'country=CH']
        const { exitCode, result } = await inspect('prompts/get', ...flags)
        assert.equal(exitCode, 0)
        assert.equal(result.description, 'About Bern')
        const [first] = result.messages as { content: { text: string } }[]
        assert.equal(first?.content.text, 'Bern, CH')
      })
    })
  }
}

suite('mcp-inspector --cli', () => {
  const listener = serveEverything()
  after(async () => (await listener).close())
  const call = async (...flags: string[]) =>
    run(
      process.execPath,
      [
        ...[inspector, '--cli', '--server-url', (await listener).url, '--transport', 'http'],
        ...['--format', 'json', '--method', 'tools/call', ...flags],
      ],
      { env: { HOME: home } },
    )

  test('shows why a tool failed', async () => {
    const { exitCode, out } = await call('--tool-name', 'fail')
    assert.notEqual(exitCode, 0)
    const { result } = JSON.parse(out)
    assert.equal(result.isError, true)
    assert.deepEqual(result.content, [{ type: 'text', text: 'The disk is full' }])
  })

  test('--load makes a thousand calls without an error', async () => {
    const flags = ['--tool-name', 'echo', '--tool-arg', 'text=hi', '--load-requests', '1000']
    const { exitCode, out, err } = await call(...flags, '--load')
    assert.equal(exitCode, 0, err)
    const { ok, errors, toolErrors } = JSON.parse(out).result
    assert.deepEqual([ok, errors, toolErrors], [1000, 0, 0])
  })
})
