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

suite('arguments that are repeated in headers', () => {
  const withHeader = (name: string, property: object = {}) => ({
    input: {
      type: 'object',
      properties: { [name]: { type: 'string', 'x-mcp-header': 'Value', ...property } },
    },
  })

  for (const name of ['password', 'apiKey', 'access_token', 'cardNumber']) {
    test(`26.tools.031: ${name} is warned of`, async () => {
      const warned = once(process, 'warning')
      makeServer().tool(`tool-${name}`, withHeader(name), () => 'x')
      const [warning] = await warned
      assert.equal(warning.code, 'TSMCP_SECRET_HEADER')
      assert.match(warning.message, new RegExp(`: ${name} looks secret`))
    })
  }

  test('26.tools.031: what is harmless is not', async () => {
    const warned: unknown[] = []
    const listener = (warning: unknown) => void warned.push(warning)
    process.on('warning', listener)
    makeServer().tool('region', withHeader('region'), () => 'x')
    makeServer().tool('tokens', withHeader('tokens'), () => 'x')
    await new Promise(setImmediate)
    process.off('warning', listener)
    assert.deepEqual(warned, [])
  })
})

suite('annotations', () => {
  const add = (lastModified: string) => {
    const annotations = { lastModified }
    makeServer().resource('docs://a', { annotations }, () => 'x')
    makeServer().resourceTemplate('docs://{a}', { annotations }, () => 'x')
  }

  test('26.resources.032: lastModified is a time of ISO 8601', () => {
    for (const time of [
      '2026-07-28',
      '2026-07-28T12:00Z',
      '2026-07-28T12:00:00Z',
      '2026-07-28T12:00:00.123456+02:00',
    ]) {
      add(time)
    }
    for (const time of [
      'yesterday',
      '28.7.2026',
      '2026-13-01',
      '2026-07-28T25:00:00Z',
      '',
      '1753',
    ]) {
      assert.throws(() => add(time), /lastModified must be a time of ISO 8601/, time)
    }
  })

  test('26.resources.029: size is a number of bytes', () => {
    for (const size of [-1, 1.5, Number.NaN, '12' as never]) {
      const register = () => makeServer().resource('docs://a', { size }, () => 'x')
      assert.throws(register, /size must be a number of bytes/)
    }
  })
})
