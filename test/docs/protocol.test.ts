import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { extensionId } from '../../src/protocol/extensions.ts'

const root = new URL('../..', import.meta.url).pathname
const page = readFileSync(`${root}docs/reference/protocol.md`, 'utf8')

/** The rows of the table under a heading, by cell. */
function table(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const lines = section.split('\n## ')[0]?.split('\n') ?? []
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}
const unquoted = (cell = '') => cell.replaceAll('`', '')

suite('docs/reference/protocol.md', () => {
  test('25.base.016 26.base.034: names the dialects of JSON Schema that are taken, and no other', () => {
    const server = defineServer({ name: 's', version: '1' })
    const dialects = table('JSON Schema').map(([, uri]) => unquoted(uri))
    const all = [
      'https://json-schema.org/draft/2020-12/schema',
      'https://json-schema.org/draft/2019-09/schema',
      ...['07', '06', '04'].map((draft) => `http://json-schema.org/draft-${draft}/schema`),
    ]
    const taken = all.filter((uri) => {
      try {
        server.tool(uri.slice(-20), { input: { $schema: uri, type: 'object' } }, () => 'x')
        return true
      } catch {
        return false
      }
    })
    assert.deepEqual(dialects, taken)
  })

  test('26.discover.015: names the extensions that there are', () => {
    const named = table('Extensions').map(([id]) => unquoted(id))
    assert.deepEqual(named.toSorted(), Object.values(extensionId).toSorted())
  })

  test('25.base.026 26.base.082: says of each transport how it connects, frames, cancels and ends', () => {
    const rows = table('Transports')
    // What there is under src/ to serve with: each function has a row.
    const functions = globSync('src/{http,tcp,stdio,memory,channel}.ts', { cwd: root })
    assert.equal(functions.length, 5)
    assert.deepEqual(
      rows.map(([name]) => name),
      [
        'Streamable HTTP',
        'stdio',
        'TCP, TLS',
        'WebSocket',
        'HTTP with SSE',
        'in memory',
        'your own',
      ],
    )
    for (const row of rows) {
      assert.equal(row.length, 5)
      assert.ok(row.every((cell) => cell !== ''))
    }
  })
})

/** The doc comment that stands before a member. */
function commentBefore(file: string, member: RegExp): string {
  const text = readFileSync(root + file, 'utf8')
  const at = text.search(member)
  assert.ok(at > 0, `${file} has ${member}`)
  const before = text.slice(0, at)
  return before.slice(before.lastIndexOf('/**'))
}

const deprecated: Record<string, [file: string, member: RegExp]> = {
  'context.roots()': ['src/server/context.ts', /^ {2}roots\(/m],
  'context.sample()': ['src/server/context.ts', /^ {2}sample\(/m],
  'context.sample({ includeContext })': ['src/protocol/types.ts', /^ {2}includeContext\?/m],
  'context.log()': ['src/server/context.ts', /^ {2}log\(/m],
  'legacySse, --sse': ['src/server/serve-http.ts', /^ {2}legacySse\?/m],
}

test('26.deprecated.002 26.roots.001 26.sampling.001 26.logging.001: what the specification deprecates is so in the types, and the page says what to do instead', () => {
  const rows = table('Deprecated')
  assert.deepEqual(
    rows.map(([, here]) => unquoted(here)),
    Object.keys(deprecated),
  )
  for (const [name, [file, member]] of Object.entries(deprecated)) {
    assert.match(commentBefore(file, member), /@deprecated by the specification/, name)
  }
  assert.ok(rows.every(([, , instead]) => instead !== ''))
  assert.match(page, /on or after 2027-07-28/)
})

test('26.deprecated.003: examples, the tutorial and what `tsmcp init` writes use nothing that is deprecated', () => {
  const files = [
    ...globSync('examples/**/*.ts', { cwd: root }),
    'src/cli/starter-files.ts',
    'docs/tutorial.md',
    'README.md',
  ].filter((file) => !file.includes('node_modules'))
  assert.ok(files.length > 10)
  const use =
    /\b(?:sample|roots)\(|\bcontext\.log\b|\{[^}]*\blog\b[^}]*\}\s*\)|includeContext|legacySse|--sse\b/
  for (const file of files) {
    const found = use.exec(readFileSync(root + file, 'utf8'))
    assert.equal(found, null, `${file}: ${found?.[0]}`)
  }
})

test('26.security.011 25.security.001: what is at stake is written down, where readers of the README find it', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8')
  for (const each of ['SECURITY.md', 'docs/how-to/production.md', 'docs/how-to/roles.md']) {
    assert.ok(readme.includes(`](${each})`), each)
    assert.ok(readFileSync(root + each, 'utf8').length > 500, each)
  }
})
