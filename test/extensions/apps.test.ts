/** MCP Apps, 2026-01-26, on the side of the server. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, type Server, supportsUi, toolResult } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectAs, connectStateless } from '../support/peer.ts'

const uri = 'ui://weather/dashboard'
const html = '<!doctype html><html><body>Weather</body></html>'
const mimeType = 'text/html;profile=mcp-app'
const host = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: [mimeType] } } }

function appServer(): Server {
  const server = defineServer({ name: 'weather', version: '1' })
  server.ui(uri, {
    name: 'dashboard',
    html,
    csp: {
      connectDomains: ['https://api.example.com', 'wss://live.example.com:8443'],
      resourceDomains: ['https://*.example.com'],
    },
    permissions: ['geolocation'],
    domain: 'abc.example.net',
    prefersBorder: true,
  })
  server.tool('weather', { ui: uri }, () => 'Sunny')
  server.tool('refresh', { ui: { resource: uri, visibility: ['app'] } }, () => 'Refreshed')
  server.tool('plain', { _meta: { 'com.example/x': 1 } }, () => 'x')
  return server
}

const meta = {
  ui: {
    csp: {
      connectDomains: ['https://api.example.com', 'wss://live.example.com:8443'],
      resourceDomains: ['https://*.example.com'],
    },
    permissions: { geolocation: {} },
    domain: 'abc.example.net',
    prefersBorder: true,
  },
}

suite('User interfaces', () => {
  test('26.apps.001: discovery names the extension as soon as there is one', async (t) => {
    const peer = await connectStateless(t, appServer(), host)
    const { capabilities } = (await peer.request('server/discover')).result ?? {}
    assert.deepEqual(capabilities?.extensions, { 'io.modelcontextprotocol/ui': {} })
    assert.ok(capabilities?.resources)
  })

  test('26.apps.008 26.apps.009 26.apps.010 26.apps.011: is read as text of its type, with what it declares', async (t) => {
    for (const version of ['2026-07-28', '2025-11-25']) {
      const peer = await connectAs(t, appServer(), version, host)
      const { result } = await peer.request('resources/read', { uri })
      assert.deepEqual(list(result?.contents), [{ uri, text: html, mimeType, _meta: meta }])
      const [listed] = list((await peer.request('resources/list')).result?.resources)
      assert.deepEqual(listed, { uri, name: 'dashboard', mimeType, _meta: meta })
    }
  })

  test('26.apps.009: may be bytes, or be made for each reader', async (t) => {
    const server = defineServer({ name: 'x', version: '1' })
    server.ui('ui://a', { html: Buffer.from(html) })
    server.ui('ui://b', { html: async ({ method }) => `${html}<!-- ${method} -->` })
    server.ui('ui://c', { html: () => '<p>No document</p>' })
    const peer = await connectStateless(t, server, host)
    const read = async (each: string) => peer.request('resources/read', { uri: each })
    const [bytes] = list((await read('ui://a')).result?.contents)
    assert.equal(bytes?.blob, Buffer.from(html).toString('base64'))
    assert.equal(bytes?.mimeType, mimeType)
    const [made] = list((await read('ui://b')).result?.contents)
    assert.equal(made?.text, `${html}<!-- resources/read -->`)
    assert.equal((await read('ui://c')).error?.code, -32603)
  })

  test('26.apps.015: may be left out of the list and still be read', async (t) => {
    const server = defineServer({ name: 'x', version: '1' })
    const { remove } = server.ui(uri, { html, listed: false })
    const peer = await connectStateless(t, server, host)
    assert.deepEqual(list((await peer.request('resources/list')).result?.resources), [])
    assert.equal((await peer.request('resources/read', { uri })).error, undefined)
    assert.throws(() => server.ui(uri, { html, listed: false }), /There is one already/)
    remove()
    assert.equal((await peer.request('resources/read', { uri })).error?.code, -32602)
  })

  for (const bad of ['weather', 'https://example.com/ui', 'ui:/x', 'UI://x', 'ui://']) {
    test(`26.apps.007 26.apps.040: "${bad}" is not the URI of one`, () => {
      const server = defineServer({ name: 'x', version: '1' })
      assert.throws(() => server.ui(bad, { html }), /must begin with ui:\/\//)
    })
  }

  for (const [what, config, message] of [
    ['no document', { html: '<p>Hi</p>' }, /must be a document/],
    ['nothing', { html: '' }, /must be a document/],
    [
      'a policy of its own',
      { html, csp: { connectDomains: ["https://a; script-src 'x'"] } },
      /origins/,
    ],
    ['a keyword for an origin', { html, csp: { resourceDomains: ["'unsafe-eval'"] } }, /origins/],
    ['a star for an origin', { html, csp: { frameDomains: ['*'] } }, /origins/],
    ['a directive there is not', { html, csp: { scriptDomains: [] } }, /csp has no scriptDomains/],
    ['a permission there is not', { html, permissions: ['usb'] }, /no permission "usb"/],
  ] as const) {
    test(`26.apps.010 26.apps.011: cannot have ${what}`, () => {
      const server = defineServer({ name: 'x', version: '1' })
      assert.throws(() => server.ui(uri, config as never), message)
    })
  }
})

suite('Tools with a user interface', () => {
  test('26.apps.013 26.apps.016: name it in _meta.ui, and nowhere else', async (t) => {
    const peer = await connectStateless(t, appServer(), host)
    const tools = list((await peer.request('tools/list')).result?.tools)
    const metas = Object.fromEntries(tools.map((tool) => [tool.name, tool._meta]))
    assert.deepEqual(metas, {
      weather: { ui: { resourceUri: uri } },
      refresh: { ui: { resourceUri: uri, visibility: ['app'] } },
      plain: { 'com.example/x': 1 },
    })
  })

  test('26.apps.014: name one that exists', async (t) => {
    const server = defineServer({ name: 'x', version: '1' })
    const add = () => server.tool('weather', { ui: uri }, () => 'Sunny')
    assert.throws(add, /There is no user interface ui:\/\/weather\/dashboard/)
    server.ui(uri, { html })
    add()
    server.resource('test://x', {}, () => 'x')
    assert.throws(() => server.tool('y', { ui: 'test://x' }, () => ''), /no user interface/)
    const peer = await connectStateless(t, server, host)
    const [tool] = list((await peer.request('tools/list')).result?.tools)
    const read = await peer.request('resources/read', { uri: tool?._meta?.ui?.resourceUri })
    assert.equal(list(read.result?.contents)[0]?.text, html)
  })

  for (const visibility of [[], ['user'], ['app', 'app']]) {
    test(`26.apps.016: ${JSON.stringify(visibility)} is no visibility`, () => {
      const server = appServer()
      const ui = { resource: uri, visibility: visibility as never }
      assert.throws(() => server.tool('x', { ui }, () => ''), /visibility must hold/)
    })
  }

  test('26.apps.003 26.apps.004 26.apps.006 26.discover.016 25.tools.004: clients without one are not shown what is for it alone, and the rest works', async (t) => {
    const names = async (capabilities: object, version: string) => {
      const peer = await connectAs(t, appServer(), version, capabilities)
      const tools = list((await peer.request('tools/list')).result?.tools)
      return tools.map(({ name }) => String(name))
    }
    for (const version of ['2026-07-28', '2025-11-25']) {
      assert.deepEqual(await names(host, version), ['weather', 'refresh', 'plain'])
      assert.deepEqual(await names({}, version), ['weather', 'plain'])
      const other = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/x'] } } }
      assert.deepEqual(await names(other, version), ['weather', 'plain'])
    }
    const peer = await connectStateless(t, appServer())
    const call = await peer.request('tools/call', { name: 'weather' })
    assert.equal(list(call.result?.content)[0]?.text, 'Sunny')
  })

  test('26.apps.003 26.apps.002: a handler can ask whether its client has one', () => {
    assert.equal(supportsUi(host), true)
    assert.equal(supportsUi({}), false)
    assert.equal(supportsUi({ extensions: { 'io.modelcontextprotocol/ui': {} } }), false)
  })

  test('26.apps.005: say in their content what they did', async (t) => {
    const errors: unknown[] = []
    const server = defineServer({ name: 'x', version: '1', onError: (error) => errors.push(error) })
    server.ui(uri, { html })
    server.tool('silent', { ui: uri }, () => undefined)
    server.tool('structured', { ui: uri }, () => toolResult({ structuredContent: { sun: 1 } }))
    const peer = await connectStateless(t, server, host)
    const silent = await peer.request('tools/call', { name: 'silent' })
    assert.equal(silent.error?.code, -32603)
    const structured = await peer.request('tools/call', { name: 'structured' })
    assert.equal(list(structured.result?.content)[0]?.text, '{"sun":1}')
  })
})
