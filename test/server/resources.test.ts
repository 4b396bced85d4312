import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { list } from '../support/messages.ts'
import { connectAs, connectStateful, connectStateless } from '../support/peer.ts'

const makeServer = () => defineServer({ name: 'resources', version: '1' })

for (const version of ['2026-07-28', '2025-11-25']) {
  suite(`resources (${version})`, () => {
    test('26.resources.003 26.resources.008 26.resources.028 25.resources.002 25.resources.013: are listed with all they are', async (t) => {
      const server = makeServer()
      const config = {
        name: 'readme',
        title: 'Read me',
        description: 'What this is',
        mimeType: 'text/markdown',
        annotations: { audience: ['user' as const], priority: 0.5, lastModified: '2026-07-28' },
        size: 12,
        _meta: { 'com.example/x': 1 },
        icons: [{ src: 'https://example.com/i.png' }],
      }
      server.resource('docs://readme', config, () => 'Read me')
      server.resource('docs://bare', {}, () => 'Bare')
      const peer = await connectAs(t, server, version)
      const { result } = await peer.request('resources/list')
      assert.deepEqual(result?.resources, [
        { uri: 'docs://readme', ...config },
        { uri: 'docs://bare', name: 'docs://bare' },
      ])
    })

    test('26.resources.010 26.resources.011 26.resources.012 26.resources.013 26.resources.014 26.resources.045 25.resources.014: text and bytes', async (t) => {
      const server = makeServer()
      const bytes = new Uint8Array([0, 200, 255])
      server.resource('docs://text', { mimeType: 'text/plain' }, () => 'ä')
      server.resource('docs://bytes', { mimeType: 'image/png' }, () => bytes)
      server.resource('docs://typed', { mimeType: 'x/y' }, async () => ({
        text: 'z',
        mimeType: 'z/z',
      }))
      server.resource('docs://blob', {}, () => ({ blob: bytes, _meta: { a: 1 } }))
      server.resource('docs://base64', {}, () => ({ blob: 'AAA=' }))
      server.resource('docs://many', { mimeType: 'text/plain' }, () => [
        'one',
        { text: 'two', uri: 'docs://many/2' },
        bytes,
      ])
      server.resource('docs://empty', {}, () => '')
      const peer = await connectAs(t, server, version)
      const read = async (uri: string) =>
        (await peer.request('resources/read', { uri })).result?.contents
      const uri = (name: string) => ({ uri: `docs://${name}` })
      assert.deepEqual(await read('docs://text'), [
        { ...uri('text'), mimeType: 'text/plain', text: 'ä' },
      ])
      assert.deepEqual(await read('docs://bytes'), [
        { ...uri('bytes'), mimeType: 'image/png', blob: 'AMj/' },
      ])
      assert.deepEqual(await read('docs://typed'), [
        { ...uri('typed'), mimeType: 'z/z', text: 'z' },
      ])
      assert.deepEqual(await read('docs://blob'), [
        { ...uri('blob'), blob: 'AMj/', _meta: { a: 1 } },
      ])
      assert.deepEqual(await read('docs://base64'), [{ ...uri('base64'), blob: 'AAA=' }])
      assert.deepEqual(await read('docs://empty'), [{ ...uri('empty'), text: '' }])
      assert.deepEqual(await read('docs://many'), [
        { ...uri('many'), mimeType: 'text/plain', text: 'one' },
        { uri: 'docs://many/2', mimeType: 'text/plain', text: 'two' },
        { ...uri('many'), mimeType: 'text/plain', blob: 'AMj/' },
      ])
    })

    test('26.resources.017 26.resources.020: templates are listed, and resolve their variables', async (t) => {
      const server = makeServer()
      const config = { name: 'page', title: 'Page', description: 'd', mimeType: 'text/plain' }
      server.resourceTemplate('docs://{book}/{page}', config, ({ uri, variables }) => {
        return `${uri} ${variables.book} ${variables.page}`
      })
      const peer = await connectAs(t, server, version)
      const { result } = await peer.request('resources/templates/list')
      assert.deepEqual(result?.resourceTemplates, [
        { uriTemplate: 'docs://{book}/{page}', ...config },
      ])
      const read = await peer.request('resources/read', { uri: 'docs://a%20b/7' })
      assert.deepEqual(list(read.result?.contents), [
        { uri: 'docs://a%20b/7', mimeType: 'text/plain', text: 'docs://a%20b/7 a b 7' },
      ])
    })

    test('a fixed URI comes before templates, and templates in their order', async (t) => {
      const server = makeServer()
      server.resourceTemplate('docs://{a}', {}, () => 'first template')
      server.resourceTemplate('docs://{+b}', {}, () => 'second template')
      server.resource('docs://fixed', {}, () => 'fixed')
      const peer = await connectAs(t, server, version)
      const read = async (uri: string) =>
        list((await peer.request('resources/read', { uri })).result?.contents)[0]?.text
      assert.equal(await read('docs://fixed'), 'fixed')
      assert.equal(await read('docs://x'), 'first template')
      assert.equal(await read('docs://x/y'), 'second template')
    })

    test('26.resources.018: without templates their list is empty', async (t) => {
      const server = makeServer()
      server.resource('docs://a', {}, () => 'a')
      const peer = await connectAs(t, server, version)
      const { result } = await peer.request('resources/templates/list')
      assert.deepEqual(result?.resourceTemplates, [])
    })

    test('26.resources.042: a reader that gives undefined says that there is none', async (t) => {
      const server = makeServer()
      server.resourceTemplate('docs://{a}', {}, async () => undefined)
      const peer = await connectAs(t, server, version)
      const { error } = await peer.request('resources/read', { uri: 'docs://x' })
      assert.equal(error?.code, version === '2026-07-28' ? -32602 : -32002)
      assert.match(error?.message ?? '', /Resource not found: docs:\/\/x/)
    })

    test('what templates enumerate is listed with the rest', async (t) => {
      const server = makeServer()
      const names = ['a', 'b']
      server.resource('docs://fixed', {}, () => 'x')
      server.resourceTemplate(
        'docs://{name}',
        { list: () => names.map((name) => ({ uri: `docs://${name}`, name, title: name })) },
        () => 'x',
      )
      const peer = await connectAs(t, server, version)
      const listed = async () =>
        list((await peer.request('resources/list')).result?.resources).map(({ uri }) => uri)
      assert.deepEqual(await listed(), ['docs://fixed', 'docs://a', 'docs://b'])
      names.push('c')
      assert.deepEqual(await listed(), ['docs://fixed', 'docs://a', 'docs://b', 'docs://c'])
    })

    test('a lister that throws: -32603', async (t) => {
      const server = defineServer({ name: 's', version: '1', onError: () => {} })
      const fail = () => {
        throw new Error('secret')
      }
      server.resourceTemplate('docs://{name}', { list: fail }, () => 'x')
      const peer = await connectAs(t, server, version)
      const { error } = await peer.request('resources/list')
      assert.equal(error?.code, -32603)
      assert.doesNotMatch(error?.message ?? '', /secret/)
    })
  })
}

suite('registration', () => {
  test('26.resources.037 26.resources.043 25.resources.011: refuses what is no URI or is taken', () => {
    const server = makeServer()
    for (const uri of [
      '',
      'readme',
      '://x',
      '1x://y',
      'docs://a b',
      'docs://a\n',
      'docs://\u0000',
    ]) {
      assert.throws(() => server.resource(uri, {}, () => 'x'), /Not a URI/, uri)
    }
    server.resource('docs://a', {}, () => 'x')
    assert.throws(() => server.resource('docs://a', {}, () => 'x'), /already in resources/)
  })

  test('26.resources.019: refuses what is no template', () => {
    for (const template of ['docs://{', 'docs://}', 'docs://{}', 'docs://{a b}', 'docs://{a,}']) {
      assert.throws(
        () => makeServer().resourceTemplate(template, {}, () => 'x'),
        /Invalid URI template/,
        template,
      )
    }
  })

  test('26.resources.030 26.resources.031: refuses annotations that are none', () => {
    const register = (annotations: object) =>
      makeServer().resource('docs://a', { annotations } as never, () => 'x')
    assert.throws(() => register({ audience: ['everybody'] }), /audience/)
    assert.throws(() => register({ priority: 1.1 }), /priority/)
    assert.throws(() => register({ priority: -0.1 }), /priority/)
    register({ audience: [], priority: 0 })
    register({ audience: ['user', 'assistant'], priority: 1 })
  })

  test('refuses to complete a variable that is not in the template', () => {
    const complete = { b: () => [] }
    assert.throws(
      () => makeServer().resourceTemplate('docs://{a}', { complete }, () => 'x'),
      /no variable "b"/,
    )
  })

  test('26.resources.004 26.resources.005: can be taken back, fixed and template', async (t) => {
    const server = makeServer()
    const fixed = server.resource('docs://a', {}, () => 'x')
    const template = server.resourceTemplate('docs://{b}', {}, () => 'y')
    const peer = await connectStateful(t, server)
    fixed.remove()
    assert.ok((await peer.request('resources/read', { uri: 'docs://a' })).result)
    template.remove()
    assert.equal((await peer.request('resources/read', { uri: 'docs://a' })).error?.code, -32002)
    assert.deepEqual((await peer.request('resources/list')).result, { resources: [] })
  })
})

test('the reader of a resource has the context of its request', async (t) => {
  const server = makeServer()
  server.resource('docs://a', {}, (_request, { method, revision, sessionId }) => {
    return `${method} ${revision} ${sessionId === undefined ? 'no session' : 'a session'}`
  })
  const read = { uri: 'docs://a' }
  const stateless = await (await connectStateless(t, server)).request('resources/read', read)
  const stateful = await (await connectStateful(t, server)).request('resources/read', read)
  assert.equal(list(stateless.result?.contents)[0]?.text, 'resources/read 2026-07-28 no session')
  assert.equal(list(stateful.result?.contents)[0]?.text, 'resources/read 2025-11-25 a session')
})
