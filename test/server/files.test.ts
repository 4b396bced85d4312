import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { defineServer, filesIn, isWithinRoots } from '../../src/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { list } from '../support/messages.ts'
import { connectStateless } from '../support/peer.ts'

const base = realpathSync(temporaryFolder({ after }))
const folder = join(base, 'public')
const bytes = new Uint8Array([0, 1, 254, 255])
mkdirSync(join(folder, 'deep', 'er'), { recursive: true })
mkdirSync(join(base, 'public-not'))
writeFileSync(join(base, 'secret.txt'), 'secret')
writeFileSync(join(base, 'public-not', 'secret.txt'), 'secret')
writeFileSync(join(folder, 'a b.md'), '# Ä')
writeFileSync(join(folder, 'deep', 'data.bin'), bytes)
writeFileSync(join(folder, 'large.txt'), 'x'.repeat(2000))
symlinkSync(join(base, 'secret.txt'), join(folder, 'link.txt'))
symlinkSync(base, join(folder, 'out'))
symlinkSync('nowhere-yet', join(folder, 'dangling'))
symlinkSync(join(base, 'not-yet'), join(folder, 'dangling-out'))
symlinkSync(join(folder, 'a b.md'), join(folder, 'inside.md'))

suite('filesIn', () => {
  async function open(t: Parameters<typeof connectStateless>[0]) {
    const server = defineServer({ name: 'files', version: '1', onError: () => {} })
    server.resourceTemplate('file:///public/{+path}', {}, filesIn(folder, { maxBytes: 1000 }))
    const peer = await connectStateless(t, server)
    return (path: string) => peer.request('resources/read', { uri: `file:///public/${path}` })
  }

  test('reads text, bytes and what a link inside leads to', async (t) => {
    const read = await open(t)
    const contents = async (path: string) => list((await read(path)).result?.contents)[0]
    const uri = 'file:///public/'
    const markdown = { mimeType: 'text/markdown', text: '# Ä' }
    assert.deepEqual(await contents('a%20b.md'), { uri: `${uri}a%20b.md`, ...markdown })
    assert.deepEqual(await contents('inside.md'), { uri: `${uri}inside.md`, ...markdown })
    assert.deepEqual(await contents('deep/data.bin'), {
      uri: `${uri}deep/data.bin`,
      mimeType: 'application/octet-stream',
      blob: Buffer.from(bytes).toString('base64'),
    })
  })

  test('26.resources.036: a directory is one, and has names in it', async (t) => {
    const read = await open(t)
    const { result } = await read('deep')
    assert.deepEqual(result?.contents, [
      { uri: 'file:///public/deep', mimeType: 'inode/directory', text: 'data.bin\ner/' },
    ])
  })

  test('26.resources.047: nothing outside of the folder exists, however it is asked for', async (t) => {
    const read = await open(t)
    const paths = [
      '../secret.txt',
      'deep/../../secret.txt',
      '%2e%2e/secret.txt',
      '%2E%2E%2Fsecret.txt',
      '..%2fsecret.txt',
      './/../secret.txt',
      '../public-not/secret.txt',
      `/${base}/secret.txt`,
      `${base}/secret.txt`,
      'link.txt',
      'out/secret.txt',
      'out',
      '..',
      '../',
      'a%20b.md%00.txt',
      'a%20b.md/../../secret.txt',
      'dangling',
      'dangling-out',
      'missing',
    ]
    for (const path of paths) {
      const { error, result } = await read(path)
      assert.equal(error?.code, -32602, `${path}: ${JSON.stringify(result)}`)
      assert.match(error.message, /^Resource not found: /, path)
    }
  })

  test('what is too large, or no file, is not read', async (t) => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const read = await open(t)
    assert.match((await read('pipe')).error?.message ?? '', /not found/)
    assert.match((await read('large.txt')).error?.message ?? '', /larger than 1000 bytes/)
  })
})

suite('isWithinRoots', () => {
  const roots = [{ uri: pathToFileURL(folder).href }]

  test('26.roots.015 26.roots.016 25.roots.007: a path is inside of a root, or is not', async () => {
    for (const path of [folder, join(folder, 'a b.md'), join(folder, 'new', 'file.txt')]) {
      assert.equal(await isWithinRoots(path, roots), true, path)
      assert.equal(await isWithinRoots(pathToFileURL(path).href, roots), true, path)
    }
    const outside = [
      base,
      join(base, 'secret.txt'),
      `${folder}/../secret.txt`,
      `${folder}-not/secret.txt`,
      join(folder, 'link.txt'),
      join(folder, 'out', 'secret.txt'),
      join(folder, 'out', 'new.txt'),
      join(folder, 'dangling-out'),
      'a b.md',
      'file:///%00',
      'file://elsewhere/x',
      '',
    ]
    for (const path of outside) assert.equal(await isWithinRoots(path, roots), false, path)
  })

  test('26.roots.014 25.roots.007: a root that is gone, or is none, holds nothing', async () => {
    const gone = [{ uri: pathToFileURL(join(base, 'gone')).href }, { uri: 'https://example.com/' }]
    assert.equal(await isWithinRoots(join(base, 'gone', 'file'), gone), false)
    assert.equal(await isWithinRoots(folder, []), false)
    assert.equal(await isWithinRoots(folder, [...gone, ...roots]), true)
  })
})
