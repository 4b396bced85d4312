import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { defineServer, type Icon } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectStateless } from '../support/peer.ts'

const makeServer = () => defineServer({ name: 's', version: '1' })

suite('icons', () => {
  const everywhere: Record<string, (icons: Icon[]) => unknown> = {
    'a server': (icons) => defineServer({ name: 's', version: '1', icons }),
    'a tool': (icons) => makeServer().tool('t', { icons }, () => 'x'),
    'a resource': (icons) => makeServer().resource('docs://a', { icons }, () => 'x'),
    'a template': (icons) => makeServer().resourceTemplate('docs://{a}', { icons }, () => 'x'),
    'a prompt': (icons) => makeServer().prompt('p', { icons }, () => 'x'),
  }
  for (const [name, register] of Object.entries(everywhere)) {
    test(`26.base.071 26.schema.014: of ${name} must be icons`, () => {
      for (const icons of [
        [],
        [{ src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48', 'any'] }],
        [{ src: 'data:image/png;base64,AA==', theme: 'dark' as const }],
      ]) {
        register(icons)
      }
      for (const icon of [
        {},
        { src: 5 },
        { src: 'no uri' },
        { src: 'https://example.com/i.png', theme: 'blue' },
        { src: 'https://example.com/i.png', sizes: '48x48' },
        { src: 'https://example.com/i.png', sizes: ['big'] },
        { src: 'https://example.com/i.png', sizes: [48] },
      ]) {
        assert.throws(() => register([icon as Icon]), { name: 'TypeError' }, JSON.stringify(icon))
      }
    })
  }
})

suite('names of tools', () => {
  test('26.tools.037 26.tools.039: these are names', async (t) => {
    const server = makeServer()
    const names = ['a', 'A_b-c.9', 'getUser', 'DATA_EXPORT_v2', 'admin.tools.list', 'x'.repeat(128)]
    for (const name of names) server.tool(name, {}, () => 'x')
    const peer = await connectStateless(t, server)
    const { result } = await peer.request('tools/list')
    assert.deepEqual(
      list(result?.tools).map(({ name }) => name),
      names,
    )
  })

  const doubtful = ['x'.repeat(129), 'two words', 'a,b', 'naïve', 'new\nline', 'tab\t']
  for (const name of doubtful) {
    test(`26.tools.037 26.tools.039 26.tools.040 25.tools.019: ${JSON.stringify(name.slice(0, 12))} is warned of`, async () => {
      const warned = once(process, 'warning')
      makeServer().tool(name, {}, () => 'x')
      const [warning] = await warned
      assert.equal(warning.code, 'TSMCP_TOOL_NAME')
    })
  }
})
