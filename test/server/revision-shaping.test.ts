import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  audio,
  defineServer,
  embeddedResource,
  image,
  McpError,
  resourceLink,
  text,
} from '../../src/index.ts'
import { ableClient, allVersions, list } from '../support/messages.ts'
import { connectAs } from '../support/peer.ts'

const icons = [{ src: 'https://example.com/i.png' }]
const _meta = { 'com.example/x': 1 }

function makeServer() {
  const server = defineServer({ name: 'shape', version: '1' })
  const blocks = () => [
    text('t'),
    image('AA==', 'image/png'),
    audio('AA==', 'audio/wav'),
    resourceLink({ uri: 'docs://a', name: 'a', title: 'The A' }),
    resourceLink({ uri: 'docs://b', name: 'b' }),
    embeddedResource({ uri: 'docs://c', text: 'c' }),
  ]
  server.tool(
    'tool',
    {
      title: 'T',
      description: 'd',
      output: { type: 'object' },
      annotations: { readOnlyHint: true },
      icons,
      _meta,
    },
    () => ({}),
  )
  server.tool('blocks', {}, blocks)
  server.resource(
    'docs://r',
    { name: 'r', title: 'R', description: 'd', mimeType: 'x/y', size: 3, icons, _meta },
    () => 'x',
  )
  server.resourceTemplate(
    'docs://{t}',
    { name: 't', title: 'T', description: 'd', icons, _meta },
    () => 'x',
  )
  server.prompt(
    'p',
    {
      title: 'P',
      description: 'd',
      icons,
      _meta,
      arguments: { a: { title: 'A', required: true } },
    },
    () => blocks().map((content) => ({ role: 'user', content })),
  )
  server.tool('url', {}, () => {
    throw new McpError('URL_ELICITATION_REQUIRED', 'Sign in first', { data: signIn })
  })
  return server
}

const signIn = {
  elicitations: [
    { mode: 'url', message: 'Sign in', url: 'https://example.com/', elicitationId: '1' },
  ],
}

const at = (versions: readonly string[]) => (version: string) => versions.includes(version)
const since0618 = at(['2026-07-28', '2025-11-25', '2025-06-18'])
const since1125 = at(['2026-07-28', '2025-11-25'])
const since0326 = at(['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'])

/** The members that a thing of the list has in a revision, in any order. */
function expected(
  version: string,
  always: string[],
  added: [string[], (version: string) => boolean][],
) {
  return [
    ...always,
    ...added.flatMap(([members, exists]) => (exists(version) ? members : [])),
  ].toSorted()
}

for (const version of allVersions) {
  suite(`what ${version} sees`, () => {
    const first = async (t: Parameters<typeof connectAs>[0], method: string, member: string) => {
      const peer = await connectAs(t, makeServer(), version)
      return list((await peer.request(method)).result?.[member])[0] ?? {}
    }

    test('0326.tools.001 0618.tools.003 1105.tools.001: members of a tool', async (t) => {
      const tool = await first(t, 'tools/list', 'tools')
      const members = expected(
        version,
        ['name', 'description', 'inputSchema'],
        [
          [['annotations'], since0326],
          [['title', 'outputSchema', '_meta'], since0618],
          [['icons'], since1125],
        ],
      )
      assert.deepEqual(Object.keys(tool).toSorted(), members)
    })

    test('0326.resources.001 1105.resources.001: members of a resource and of a template', async (t) => {
      const resource = await first(t, 'resources/list', 'resources')
      const always = ['name', 'description']
      const added: Parameters<typeof expected>[2] = [
        [['title', '_meta'], since0618],
        [['icons'], since1125],
      ]
      assert.deepEqual(
        Object.keys(resource).toSorted(),
        expected(version, [...always, 'uri', 'mimeType', 'size'], added),
      )
      const template = await first(t, 'resources/templates/list', 'resourceTemplates')
      assert.deepEqual(
        Object.keys(template).toSorted(),
        expected(version, [...always, 'uriTemplate'], added),
      )
    })

    test('members of a prompt and of its arguments', async (t) => {
      const prompt = await first(t, 'prompts/list', 'prompts')
      const members = expected(
        version,
        ['name', 'description', 'arguments'],
        [
          [['title', '_meta'], since0618],
          [['icons'], since1125],
        ],
      )
      assert.deepEqual(Object.keys(prompt).toSorted(), members)
      assert.deepEqual(
        Object.keys(list(prompt.arguments)[0] ?? {}).toSorted(),
        expected(version, ['name', 'required'], [[['title'], since0618]]),
      )
    })

    test('0326.prompts.001 1105.tools.001 1105.prompts.001: content that it does not know becomes text', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const called = await peer.request('tools/call', { name: 'blocks' })
      const asked = await peer.request('prompts/get', { name: 'p', arguments: { a: '' } })
      const messages = list(asked.result?.messages).map(({ content }) => content)
      assert.deepEqual(messages, called.result?.content)
      const [plain, picture, sound, titled, named, embedded] = list(called.result?.content)
      assert.equal(plain?.text, 't')
      assert.equal(picture?.type, 'image')
      assert.equal(embedded?.type, 'resource')
      if (since0326(version)) assert.equal(sound?.type, 'audio')
      else assert.deepEqual(sound, text('[audio, audio/wav]'))
      if (since0618(version)) {
        assert.equal(titled?.type, 'resource_link')
        assert.equal(named?.type, 'resource_link')
      } else {
        assert.deepEqual(titled, text('[The A](docs://a)'))
        assert.deepEqual(named, text('[b](docs://b)'))
      }
    })

    test('26.errors.008 25.versioning.009 25.elicitation.016: a URL that must be visited first', async (t) => {
      const peer = await connectAs(t, makeServer(), version, ableClient)
      const { error } = await peer.request('tools/call', { name: 'url' })
      if (version === '2025-11-25') {
        assert.deepEqual(error, { code: -32042, message: 'Sign in first', data: signIn })
      } else assert.equal(error?.code, -32603)
    })

    test('25.versioning.006 26.schema.024: methods that it has', async (t) => {
      const peer = await connectAs(t, makeServer(), version)
      const only = {
        '2026-07-28': ['server/discover'],
        stateful: ['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'],
      }
      const isKnown = async (method: string) =>
        (await peer.request(method, { level: 'info', uri: 'docs://r' })).error?.code !== -32601
      for (const method of only['2026-07-28']) {
        assert.equal(await isKnown(method), version === '2026-07-28', method)
      }
      for (const method of only.stateful) {
        assert.equal(await isKnown(method), version !== '2026-07-28', method)
      }
    })
  })
}

test('26.errors.010 26.errors.005 26.base.019: an application has codes of its own, outside the reserved range', async (t) => {
  const server = defineServer({ name: 's', version: '1' })
  server.tool('tool', {}, () => {
    throw new McpError('APPLICATION_ERROR', 'Sold out', { rpcCode: 1001, data: ['x'] })
  })
  const peer = await connectAs(t, server, '2026-07-28')
  const { error } = await peer.request('tools/call', { name: 'tool' })
  assert.deepEqual(error, { code: 1001, message: 'Sold out', data: ['x'] })
  for (const rpcCode of [-32000, -32050, -32768, 1.5, Number.NaN]) {
    assert.throws(() => new McpError('APPLICATION_ERROR', 'x', { rpcCode }), RangeError)
  }
})
