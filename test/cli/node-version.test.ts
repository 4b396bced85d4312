import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { findNewerNode, isNewEnough, tooOldMessage } from '../../src/cli/node-version.ts'
import { workspace, writeFiles } from './workspace.ts'

test('Node 24 and later are new enough', () => {
  for (const version of ['24.0.0', '24.21.0', '26.1.0', '100.0.0'])
    assert.equal(isNewEnough(version), true)
  for (const version of ['8.17.0', '20.20.2', '22.18.0', '23.9.0'])
    assert.equal(isNewEnough(version), false)
})

test('a newer Node is found in the npm package node, and an older one there is passed over', () => {
  const folder = workspace({
    'old/node_modules/node/package.json': '{ "version": "22.1.0" }',
    'old/node_modules/node/bin/node': '',
    'new/node_modules/node/package.json': '{ "version": "24.3.0" }',
    'new/node_modules/node/bin/node': '',
  })
  const binary = join(folder, 'new/node_modules/node/bin/node')
  assert.equal(findNewerNode([join(folder, 'old'), join(folder, 'new')]), binary)
  assert.equal(findNewerNode(['/']), undefined)
})

const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return typeof stdout === 'string' && stdout !== '' && !isNewEnough(stdout.trim().slice(1))
})

suite('started by an older Node', { skip: oldNode === undefined && 'no older Node here' }, () => {
  // What `npm run build` makes of the three files that an older Node reads.
  const folder = workspace()
  const program = join(folder, 'installed/dist/cli')
  mkdirSync(program, { recursive: true })
  writeFileSync(join(folder, 'installed/package.json'), '{ "type": "module" }')
  for (const name of ['main', 'node-version']) {
    const source = readFileSync(new URL(`../../src/cli/${name}.ts`, import.meta.url), 'utf8')
    const script = stripTypeScriptTypes(source).replaceAll(
      /(from|import\()( ?)'(\.[^']+)\.ts'/g,
      "$1$2'$3.js'",
    )
    writeFileSync(join(program, `${name}.js`), script)
  }
  writeFileSync(
    join(program, 'run-process.js'),
    'export const runProcess = async () => { console.log(process.versions.node, ...process.argv.slice(2)); process.exit(7) }\n',
  )
  const start = (cwd: string) =>
    spawnSync(oldNode ?? '', [join(program, 'main.js'), 'serve', 'x y.ts'], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    })

  test('the program runs again with the Node of the npm package, and takes its exit code', () => {
    // The workspace sees this repository's node_modules, which has that package.
    const { status, stdout, stderr } = start(folder)
    assert.equal(stderr, '')
    assert.equal(stdout, `${process.versions.node} serve x y.ts\n`)
    assert.equal(status, 7)
  })

  test('the program says in one line what to do when there is no such package', () => {
    const lone = workspace()
    writeFiles(lone, { 'a/node_modules/node/package.json': '{ "version": "20.0.0" }' })
    // Without the symbolic link to the packages of this repository.
    const { version } = JSON.parse(
      spawnSync(oldNode ?? '', ['-p', 'JSON.stringify({ version: process.versions.node })'], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      }).stdout,
    )
    const elsewhere = join(lone, 'elsewhere')
    mkdirSync(join(elsewhere, 'node_modules/node'), { recursive: true })
    writeFileSync(join(elsewhere, 'node_modules/node/package.json'), '{ "version": "20.0.0" }')
    for (const name of ['main', 'node-version']) {
      mkdirSync(join(elsewhere, 'dist'), { recursive: true })
      writeFileSync(join(elsewhere, `dist/${name}.js`), readFileSync(join(program, `${name}.js`)))
    }
    writeFileSync(join(elsewhere, 'package.json'), '{ "type": "module" }')
    const { status, stdout, stderr } = spawnSync(oldNode ?? '', [join(elsewhere, 'dist/main.js')], {
      cwd: elsewhere,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    assert.equal(stdout, '')
    assert.equal(stderr, `${tooOldMessage(version)}\n`)
    assert.equal(status, 1)
  })
})
