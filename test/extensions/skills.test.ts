/** The extension io.modelcontextprotocol/skills (SEP-2640), on the side of the server. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  defineServer,
  type Server,
  type SkillSource,
  skillsFromDirectory,
} from '../../src/index.ts'
import { type Loose, list } from '../support/messages.ts'
import { connectStateful, connectStateless, type Peer } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'

function skillMd(name: string, more = ''): string {
  return `---\nname: ${name}\ndescription: How to ${name}.\n${more}---\n\n# ${name}\n`
}

const refunds: SkillSource = {
  path: 'acme/billing/refunds',
  files: {
    'SKILL.md': skillMd('refunds', 'license: Apache-2.0\nmetadata:\n  tags: [a, "2"]\n'),
    'examples/email.md': 'Dear customer\n',
    'examples/de/brief.md': 'Sehr geehrte Kundin\n',
    'logo.png': new Uint8Array([0x89, 0x50, 0x4e, 0x47]),
    Makefile: 'all:\n',
  },
}
const live: SkillSource = {
  path: 'live',
  files: { 'SKILL.md': skillMd('live'), 'now.json': async ({ method }) => `{"by":"${method}"}` },
}

function skillServer(...skills: SkillSource[]): Server {
  const server = defineServer({
    name: 'skills',
    version: '1',
    pageSize: 2,
    cache: { ttlMs: 60_000, scope: 'public' },
  })
  for (const skill of skills) server.skill(skill)
  return server
}

function connect(t: TestContext, ...skills: SkillSource[]): Promise<Peer> {
  return connectStateless(t, skillServer(...skills))
}

/** All pages of a list. */
async function all(peer: Peer, method: string, member: string, params: object = {}) {
  const items: Loose[] = []
  let cursor: unknown
  do {
    const page = await peer.request(method, cursor === undefined ? params : { ...params, cursor })
    items.push(...list(page.result?.[member]))
    cursor = page.result?.nextCursor
  } while (cursor !== undefined)
  return items
}

suite('What a server says of its skills', () => {
  test('discovery names the extension, and resources with it', async (t) => {
    const peer = await connect(t, refunds)
    const { capabilities } = (await peer.request('server/discover')).result ?? {}
    assert.deepEqual(capabilities?.extensions, {
      'io.modelcontextprotocol/skills': { directoryRead: true },
    })
    assert.ok(capabilities?.resources)
  })

  test('a server without skills has no such methods, nor has 2025-11-25', async (t) => {
    const none = await connectStateless(t, defineServer({ name: 'x', version: '1' }))
    assert.equal((await none.request('skills/list')).error?.code, -32601)
    const stateful = await connectStateful(t, skillServer(refunds))
    assert.equal((await stateful.request('skills/list')).error?.code, -32601)
    const read = await stateful.request('resources/read', {
      uri: 'skill://acme/billing/refunds/SKILL.md',
    })
    assert.match(String(list(read.result?.contents)[0]?.text), /# refunds/)
  })

  test('an entry has the frontmatter as it is, and every file with digest and size', async (t) => {
    const peer = await connect(t, refunds)
    const { result } = await peer.request('skills/list')
    const [entry] = list(result?.skills)
    assert.equal(entry?.uri, 'skill://acme/billing/refunds/SKILL.md')
    assert.deepEqual(entry?.frontmatter, {
      name: 'refunds',
      description: 'How to refunds.',
      license: 'Apache-2.0',
      metadata: { tags: ['a', '2'] },
    })
    const expected = Object.entries(refunds.files).map(([path, content]) => {
      const bytes = Buffer.from(content as string)
      return {
        uri: `skill://acme/billing/refunds/${path}`,
        digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
        size: bytes.length,
      }
    })
    assert.deepEqual(entry?.resources, expected)
    assert.equal(result?.ttlMs, 60_000)
    assert.equal(result?.cacheScope, 'public')
    assert.equal(result?.resultType, 'complete')
  })

  test('what is read has the bytes that its entry says', async (t) => {
    const peer = await connect(t, refunds)
    const [entry] = list((await peer.request('skills/list')).result?.skills)
    for (const { uri, digest, size } of list(entry?.resources)) {
      const { result } = await peer.request('resources/read', { uri })
      const [content] = list(result?.contents)
      const bytes =
        content?.blob === undefined
          ? Buffer.from(String(content?.text))
          : Buffer.from(String(content.blob), 'base64')
      assert.equal(bytes.length, Number(size))
      assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest)
    }
  })

  test('26.resources.029: the size in the list is that of the bytes, not of their base64', async (t) => {
    const peer = await connect(t, {
      path: 'sized',
      files: {
        'SKILL.md': `${skillMd('sized')}Größe: 漢\n`,
        'logo.png': new Uint8Array(1001).fill(255),
      },
    })
    const [listed] = list((await peer.request('resources/list')).result?.resources)
    const contents = async (uri: unknown) =>
      list((await peer.request('resources/read', { uri })).result?.contents)[0]
    const text = String((await contents(listed?.uri))?.text)
    assert.equal(listed?.size, Buffer.byteLength(text))
    assert.notEqual(listed?.size, text.length)
    const [skill] = await all(peer, 'skills/list', 'skills')
    const logo = list(skill?.resources).find(({ uri }) => String(uri).endsWith('logo.png'))
    assert.equal(logo?.size, 1001)
    const { blob } = (await contents(logo?.uri)) ?? {}
    assert.equal(Buffer.from(String(blob), 'base64').length, 1001)
  })

  test('files have the type of their content', async (t) => {
    const peer = await connect(t, refunds)
    const types: unknown[] = []
    for (const path of Object.keys(refunds.files)) {
      const uri = `skill://acme/billing/refunds/${path}`
      const { result } = await peer.request('resources/read', { uri })
      types.push(list(result?.contents)[0]?.mimeType)
    }
    assert.deepEqual(types, [
      'text/markdown',
      'text/markdown',
      'text/markdown',
      'image/png',
      'text/plain',
    ])
  })

  test('SKILL.md stands in the list of resources, named and described as in its frontmatter', async (t) => {
    const peer = await connect(t, refunds, live)
    const listed = await all(peer, 'resources/list', 'resources')
    assert.deepEqual(
      listed.map(({ uri, name, description, mimeType }) => ({ uri, name, description, mimeType })),
      ['acme/billing/refunds', 'live'].map((path) => ({
        uri: `skill://${path}/SKILL.md`,
        name: path.split('/').at(-1),
        description: `How to ${path.split('/').at(-1)}.`,
        mimeType: 'text/markdown',
      })),
    )
  })

  test('a skill whose files are made has no manifest, and its files are made for each reader', async (t) => {
    const peer = await connect(t, live)
    const { result } = await peer.request('skills/get', { uri: 'skill://live/SKILL.md' })
    assert.equal(result?.skill?.resources, 'dynamic')
    const read = await peer.request('resources/read', { uri: 'skill://live/now.json' })
    assert.equal(list(read.result?.contents)[0]?.text, '{"by":"resources/read"}')
  })

  test('the list comes in pages, each entry whole', async (t) => {
    const skills = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
      path: name,
      files: { 'SKILL.md': skillMd(name) },
    }))
    const peer = await connect(t, ...skills)
    const uris = (await all(peer, 'skills/list', 'skills')).map(({ uri }) => uri)
    assert.deepEqual(
      uris,
      skills.map(({ path }) => `skill://${path}/SKILL.md`),
    )
    assert.equal((await peer.request('skills/list', { cursor: 'x' })).error?.code, -32602)
  })

  test('one skill is got by its URI, as it stands in the list', async (t) => {
    const peer = await connect(t, refunds)
    const [entry] = list((await peer.request('skills/list')).result?.skills)
    const { result } = await peer.request('skills/get', { uri: entry?.uri })
    assert.deepEqual(result?.skill, entry)
    assert.equal(result?.ttlMs, 60_000)
    assert.equal(result?.cacheScope, 'public')
    assert.equal(result?.nextCursor, undefined)
  })

  for (const uri of ['skill://nope/SKILL.md', 'skill://acme/billing/refunds', '', 5, undefined]) {
    test(`no skill is served at ${uri}`, async (t) => {
      const peer = await connect(t, refunds)
      const answer = await peer.request('skills/get', { uri })
      assertError(answer, { code: -32602, id: answer.id!, message: /No skill is served at/ })
    })
  }

  test('a skill that is taken away is gone, with its files', async (t) => {
    const server = skillServer(live)
    const { remove } = server.skill(refunds)
    const peer = await connectStateless(t, server)
    remove()
    assert.equal((await all(peer, 'skills/list', 'skills')).length, 1)
    for (const path of Object.keys(refunds.files)) {
      const uri = `skill://acme/billing/refunds/${path}`
      assert.equal((await peer.request('resources/read', { uri })).error?.code, -32602)
    }
    const directory = { uri: 'skill://acme' }
    assert.equal((await peer.request('resources/directory/read', directory)).error?.code, -32602)
    server.skill(refunds)
    assert.equal((await all(peer, 'skills/list', 'skills')).length, 2)
  })
})

suite('Directories', () => {
  test('have their direct children, and folders among them as directories', async (t) => {
    const peer = await connect(t, refunds)
    const children = async (uri: string) =>
      (await all(peer, 'resources/directory/read', 'resources', { uri })).map(
        ({ uri: child, mimeType }) => [child, mimeType],
      )
    const root = 'skill://acme/billing/refunds'
    assert.deepEqual(await children(root), [
      [`${root}/SKILL.md`, 'text/markdown'],
      [`${root}/examples`, 'inode/directory'],
      [`${root}/logo.png`, 'image/png'],
      [`${root}/Makefile`, 'text/plain'],
    ])
    assert.deepEqual(await children(`${root}/examples`), [
      [`${root}/examples/email.md`, 'text/markdown'],
      [`${root}/examples/de`, 'inode/directory'],
    ])
    assert.deepEqual(await children('skill://acme'), [['skill://acme/billing', 'inode/directory']])
  })

  for (const uri of [
    'skill://acme/billing/refunds/SKILL.md',
    'skill://acme/billing/refunds/',
    'skill://nope',
    'skill:/',
    5,
  ]) {
    test(`${uri} is none`, async (t) => {
      const peer = await connect(t, refunds)
      const answer = await peer.request('resources/directory/read', { uri })
      assertError(answer, { code: -32602, id: answer.id!, message: /is not a directory resource/ })
    })
  }

  for (const cursor of ['x', btoa('directory 1'), btoa('directory 100'), 5]) {
    test(`${cursor} is no place in one`, async (t) => {
      const peer = await connect(t, refunds)
      const params = { uri: 'skill://acme/billing/refunds', cursor }
      assert.equal((await peer.request('resources/directory/read', params)).error?.code, -32602)
    })
  }
})

suite('What is no skill', () => {
  const cases: [what: string, source: SkillSource, message: RegExp][] = [
    ['without SKILL.md', { path: 'x', files: {} }, /Skill "x": SKILL.md is missing/],
    ['with a SKILL.md that is made', { path: 'x', files: { 'SKILL.md': () => '' } }, /function/],
    ['without frontmatter', { path: 'x', files: { 'SKILL.md': '# x' } }, /must begin with YAML/],
    ['whose frontmatter has no end', { path: 'x', files: { 'SKILL.md': '---\nname: x\n' } }, /---/],
    ['with bad YAML', { path: 'x', files: { 'SKILL.md': '---\na: [\n---\n' } }, /not valid YAML/],
    ['with a list', { path: 'x', files: { 'SKILL.md': '---\n- a\n---\n' } }, /must be a mapping/],
    [
      'without a description',
      { path: 'x', files: { 'SKILL.md': '---\nname: x\n---\n' } },
      /description in SKILL.md/,
    ],
    ['in another folder', { path: 'y', files: { 'SKILL.md': skillMd('x') } }, /must be the name/],
    ['with a capital', { path: 'X', files: { 'SKILL.md': skillMd('X') } }, /name in SKILL.md/],
    ['with two hyphens', { path: 'a--b', files: { 'SKILL.md': skillMd('a--b') } }, /name in SKILL/],
    [
      'with a long name',
      { path: 'a'.repeat(65), files: { 'SKILL.md': skillMd('a'.repeat(65)) } },
      /name/,
    ],
    ['with an odd beginning', { path: 'A b/x', files: { 'SKILL.md': skillMd('x') } }, /path must/],
    ['above itself', { path: 'a/../x', files: { 'SKILL.md': skillMd('x') } }, /cannot be part/],
    [
      'with a file above it',
      { path: 'x', files: { 'SKILL.md': skillMd('x'), '../y': '' } },
      /cannot be part/,
    ],
    [
      'of too many files',
      {
        path: 'x',
        files: {
          'SKILL.md': skillMd('x'),
          ...Object.fromEntries(Array.from({ length: 512 }, (_, index) => [`${index}`, ''])),
        },
      },
      /at most 512 files/,
    ],
    [
      'of too many bytes',
      { path: 'x', files: { 'SKILL.md': skillMd('x'), big: new Uint8Array(16 * 1024 * 1024) } },
      /at most 16777216/,
    ],
  ]
  for (const [what, source, message] of cases) {
    test(`one ${what}`, () => {
      const server = skillServer(live)
      assert.throws(() => server.skill(source), message)
    })
  }

  test('one whose place is taken, and nothing is left of it', async (t) => {
    const server = skillServer(refunds)
    assert.throws(() => server.skill(refunds), /There is one already/)
    server.resource('skill://taken/SKILL.md', {}, () => 'x')
    const taken = { path: 'taken', files: { 'a.md': 'a', 'SKILL.md': skillMd('taken') } }
    assert.throws(() => server.skill(taken), /There is one already/)
    const peer = await connectStateless(t, server)
    assert.equal((await all(peer, 'skills/list', 'skills')).length, 1)
    const read = await peer.request('resources/read', { uri: 'skill://taken/a.md' })
    assert.equal(read.error?.code, -32602)
  })
})

suite('Skills of a directory', () => {
  async function directory(t: TestContext, files: Record<string, string>): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), 'tsmcp-skills-'))
    t.after(() => rm(root, { recursive: true }))
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    }
    return root
  }

  test('are all folders with a SKILL.md, at any depth', async (t) => {
    const root = await directory(t, {
      'README.md': 'no skill',
      'one/SKILL.md': skillMd('one'),
      'one/a b.txt': 'x',
      'acme/two/SKILL.md': skillMd('two'),
      '.git/three/SKILL.md': skillMd('three'),
      'one/.hidden': 'x',
    })
    const skills = await skillsFromDirectory(root)
    assert.deepEqual(
      skills.map(({ path, files }) => [path, Object.keys(files)]),
      [
        ['acme/two', ['SKILL.md']],
        ['one', ['SKILL.md', 'a b.txt']],
      ],
    )
    const peer = await connect(t, ...skills)
    const read = await peer.request('resources/read', { uri: 'skill://one/a%20b.txt' })
    assert.equal(list(read.result?.contents)[0]?.text, 'x')
  })

  test('one inside another belongs to both', async (t) => {
    const root = await directory(t, {
      'outer/SKILL.md': skillMd('outer'),
      'outer/inner/SKILL.md': skillMd('inner'),
      'outer/inner/x.md': 'x',
    })
    const skills = await skillsFromDirectory(root)
    const server = skillServer()
    const registrations = skills.map((skill) => server.skill(skill))
    const peer = await connectStateless(t, server)
    const entries = await all(peer, 'skills/list', 'skills')
    const files = entries.map((entry) => list(entry.resources).map(({ uri }) => uri))
    const inner = ['skill://outer/inner/SKILL.md', 'skill://outer/inner/x.md']
    assert.deepEqual(
      files.toSorted((a, b) => a.length - b.length),
      [inner, ['skill://outer/SKILL.md', ...inner]],
    )
    const innerIndex = skills.findIndex(({ path }) => path === 'outer/inner')
    registrations[innerIndex]?.remove()
    for (const uri of inner) {
      assert.equal((await peer.request('resources/read', { uri })).error, undefined)
    }
  })

  test('may be one skill', async (t) => {
    const root = await directory(t, { 'solo/SKILL.md': skillMd('solo'), 'solo/x.md': 'x' })
    const [skill] = await skillsFromDirectory(join(root, 'solo'))
    assert.equal(skill?.path, 'solo')
    assert.deepEqual(Object.keys(skill?.files ?? {}), ['SKILL.md', 'x.md'])
  })

  test('do not reach outside by links', async (t) => {
    const root = await directory(t, {
      'secret.txt': 'secret',
      'skills/one/SKILL.md': skillMd('one'),
    })
    await symlink(join(root, 'secret.txt'), join(root, 'skills/one/link.txt'))
    await symlink(root, join(root, 'skills/one/up'))
    const [skill] = await skillsFromDirectory(join(root, 'skills'))
    assert.deepEqual(Object.keys(skill?.files ?? {}), ['SKILL.md'])
  })

  test('are none where there is no SKILL.md, or too large to be served', async (t) => {
    const empty = await directory(t, { 'x.md': 'x' })
    await assert.rejects(skillsFromDirectory(empty), /There is no SKILL.md/)
    await assert.rejects(skillsFromDirectory(join(empty, 'nope')), /ENOENT/)
    const large = await directory(t, {
      'big/SKILL.md': skillMd('big'),
      'big/data': 'x'.repeat(16 * 1024 * 1024),
    })
    await assert.rejects(skillsFromDirectory(large), /at most 16777216/)
  })
})
