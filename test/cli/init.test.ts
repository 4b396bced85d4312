import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from './fake-io.ts'
import { serving, workspace } from './workspace.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = ['.gitignore', 'README.md', 'package.json', 'server.ts', 'tsconfig.json']

suite('init', () => {
  test('writes a project to a new folder and says what to type next', async () => {
    const cwd = workspace()
    const { exitCode, out, err } = await runCli(['init', 'my weather'], { cwd })
    assert.equal(err, '')
    assert.equal(exitCode, 0)
    assert.equal(
      out,
      "Wrote server.ts, package.json, tsconfig.json, .gitignore, README.md\nNext:\n  cd 'my weather' && npm install && npm run dev\n",
    )
    assert.deepEqual(readdirSync(join(cwd, 'my weather')).sort(), files)
    const manifest = JSON.parse(readFileSync(join(cwd, 'my weather/package.json'), 'utf8'))
    assert.equal(manifest.name, 'my-weather')
    assert.deepEqual(Object.keys(manifest.dependencies), ['tsmcp', 'zod'])
    assert.equal(manifest.scripts.start, 'tsmcp serve server.ts')
    assert.equal(manifest.scripts.dev, 'tsmcp serve server.ts --watch')
  })

  test('writes to the folder it is in, beside what is there', async () => {
    const cwd = workspace({ 'notes.txt': 'mine' })
    const { exitCode, out } = await runCli(['init'], { cwd })
    assert.equal(exitCode, 0)
    assert.match(out, /Next:\n {2}npm install && npm run dev\n$/)
    assert.equal(readFileSync(join(cwd, 'notes.txt'), 'utf8'), 'mine')
  })

  test('overwrites nothing: it writes nothing at all when one of the files exists', async () => {
    const cwd = workspace({ 'a/package.json': 'mine', 'a/README.md': 'mine, too' })
    const { exitCode, out, err } = await runCli(['init', 'a'], { cwd })
    assert.equal(exitCode, 1)
    assert.equal(out, '')
    assert.equal(
      err,
      'tsmcp: nothing was written, because package.json, README.md would be overwritten: name a new folder, as in tsmcp init my-server\n',
    )
    assert.deepEqual(readdirSync(join(cwd, 'a')).sort(), ['README.md', 'package.json'])
    assert.equal(readFileSync(join(cwd, 'a/package.json'), 'utf8'), 'mine')
  })

  test('refuses a file in place of a folder, and a folder it may not write', async () => {
    const cwd = workspace({ taken: 'a file' })
    const { exitCode, err } = await runCli(['init', 'taken'], { cwd })
    assert.equal(exitCode, 1)
    assert.equal(err, 'tsmcp: taken is a file: name a folder, as in tsmcp init my-server\n')
    const below = await runCli(['init', 'taken/below'], { cwd })
    assert.equal(below.exitCode, 1)
    assert.match(below.err, /^tsmcp: cannot write to taken\/below: .*\n$/)
  })

  test('--json prints what was written and what comes next', async () => {
    const cwd = workspace()
    const { out } = await runCli(['init', 'x', '--json'], { cwd })
    assert.deepEqual(JSON.parse(out), {
      directory: join(cwd, 'x'),
      files: ['server.ts', 'package.json', 'tsconfig.json', '.gitignore', 'README.md'],
      next: ['cd x', 'npm install', 'npm run dev'],
    })
  })

  test('what it wrote can be listed, called and served', async () => {
    const cwd = workspace()
    await runCli(['init', '.'], { cwd })
    const listed = JSON.parse((await runCli(['list', 'server.ts', '--json'], { cwd })).out)
    assert.deepEqual(
      ['tools', 'resources', 'prompts'].map((name) => listed[name].length),
      [1, 1, 1],
    )
    const called = await runCli(['call', 'server.ts', 'time', '{"timeZone":"Asia/Tokyo"}'], { cwd })
    assert.match(called.out, /"time": "\d\d:\d\d:\d\d"/)
    assert.equal(
      (await runCli(['call', 'server.ts', 'time', '{"timeZone":"Mars"}'], { cwd })).exitCode,
      1,
    )
    assert.match(
      (await runCli(['call', 'server.ts', '--resource', 'time://zones'], { cwd })).out,
      /Europe\/Paris/,
    )
    const prompt = await runCli(
      ['call', 'server.ts', '--prompt', 'meeting', '{"here":"Paris","there":"Tokyo"}'],
      { cwd },
    )
    assert.match(prompt.out, /^user: .*Paris.*Tokyo/)
    const { cli } = await serving(['server.ts'], { cwd })
    cli.child.kill('SIGTERM')
    assert.equal(await cli.exited, 0)
  })

  test('what it wrote type-checks, by its own tsconfig.json', async () => {
    const cwd = workspace()
    await runCli(['init', 'x'], { cwd })
    const project = join(cwd, 'x')
    // The installed package, as npm would put it there, before there is a build of it.
    const packageFolder = join(project, 'node_modules/tsmcp')
    mkdirSync(packageFolder, { recursive: true })
    symlinkSync(join(root, 'src'), join(packageFolder, 'src'))
    writeFileSync(
      join(packageFolder, 'package.json'),
      '{ "name": "tsmcp", "type": "module", "exports": { ".": "./src/index.ts" } }',
    )
    for (const name of ['zod', '@types']) {
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
    }
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const output = execFileSync(process.execPath, [tsc], {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    assert.equal(output, '')
  })
})
