import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { publint } from 'publint'

const root = new URL('../..', import.meta.url).pathname
const manifest: {
  version: string
  bin: { tsmcp: string }
  exports: Record<string, string | { types: string; default: string }>
} = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

describe('what npm publishes', () => {
  test('holds dist, README, LICENSE and CHANGELOG, and nothing else', () => {
    // Without scripts: `prepack` would take dist/ away from tests that run beside this one.
    const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const report: unknown = JSON.parse(output)
    // npm 12 answers with an object by package name in place of an array.
    const [tarball] = Object.values(report as Record<string, { files: { path: string }[] }>)
    const paths = tarball!.files.map(({ path }) => path)
    assert.deepEqual(paths.filter((path) => !path.startsWith('dist/')).toSorted(), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ])
    assert.ok(paths.includes('dist/index.js'))
  })

  test('has nothing that publint objects to', async () => {
    const { messages } = await publint({
      pkgDir: root,
      level: 'warning',
      strict: true,
      pack: false,
    })
    assert.deepEqual(messages, [])
  })
})

describe('each subpath of exports', () => {
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    const name = subpath.replace(/^[.]/, 'tsmcp')

    test(`${name} resolves into dist, with declarations`, async () => {
      assert.equal(import.meta.resolve(name), new URL(target.default, `file://${root}`).href)
      assert.ok(existsSync(root + target.types), `${target.types} is missing`)
      const module: object = await import(name)
      assert.notDeepEqual(Object.keys(module), [])
    })
  }

  test('is a file of src, and each file of src is a subpath', () => {
    const subpaths = Object.values(manifest.exports)
      .filter((target) => typeof target === 'object')
      .map((target) => target.default.replace('./dist/', 'src/').replace('.js', '.ts'))
    assert.deepEqual(globSync('src/*.ts', { cwd: root }).toSorted(), subpaths.toSorted())
  })

  test('only re-exports', () => {
    for (const path of globSync('src/*.ts', { cwd: root })) {
      const code = readFileSync(root + path, 'utf8').replace(/[/][*][\s\S]*?[*][/]|[/][/].*/g, '')
      const rest = code.replace(/export (type )?(\*|\{[^}]*\}) from '[^']+'/g, '').trim()
      assert.equal(rest, '', path)
    }
  })
})

test('the command of the package is an executable file', () => {
  const output = execFileSync(root + manifest.bin.tsmcp, ['--version'], { encoding: 'utf8' })
  assert.ok(output.includes(manifest.version), output)
})
