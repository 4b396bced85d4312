import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { defineServer, skillsFromDirectory } from '../../../src/index.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { list } from '../../support/messages.ts'
import { connectStateless } from '../../support/peer.ts'
import { serveSecured } from '../../support/secured.ts'

suite('a path that leaves its folder', () => {
  /** A reader as people write them, which joins what it is given to its folder. */
  function careless(folder: string) {
    const server = defineServer({ name: 'files', version: '1', onError: () => {} })
    server.resourceTemplate('file:///data/{name}', {}, ({ variables }) =>
      readFileSync(join(folder, 'data', variables.name ?? ''), 'utf8'),
    )
    server.resourceTemplate('files://all/{+path}', {}, ({ variables }) =>
      readFileSync(join(folder, 'data', variables.path ?? ''), 'utf8'),
    )
    return server
  }
  const attempts = [
    'file:///data/..%2fsecret',
    'file:///data/%2e%2e%2fsecret',
    'file:///data/..%5csecret',
    'file:///data/x%2f..%2f..%2fsecret',
    'file:///data/..%2fsecret%00.txt',
    'files://all/../secret',
    'files://all/a/../../secret',
    'files://all/..%2Fsecret',
  ]

  test('26.resources.047: does not reach the reader of a template', async (t) => {
    const folder = temporaryFolder(t)
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data', 'open'), 'open')
    writeFileSync(join(folder, 'secret'), 'the secret')
    const peer = await connectStateless(t, careless(folder))
    const read = (uri: string) => peer.request('resources/read', { uri })
    assert.equal(list((await read('file:///data/open')).result?.contents)[0]?.text, 'open')
    for (const uri of attempts) {
      const answer = await read(uri)
      assert.equal(answer.error?.code, -32602, uri)
      assert.doesNotMatch(JSON.stringify(answer), /the secret/)
    }
  })

  test('is not what a policy allows when it allows the folder', async (t) => {
    const server = defineServer({ name: 'files', version: '1' })
    for (const uri of ['docs://open/../secret', 'docs://open/%2e%2e/secret']) {
      server.resource(uri, {}, () => 'the secret')
    }
    const policy =
      'version: 1\nroles: { r: { allow: { resources: "docs://open/*" } } }\ngrants: [{ roles: r, to: { everyone: true } }]\n'
    const { client } = await serveSecured(t, server, { policy })
    for (const uri of ['docs://open/../secret', 'docs://open/%2e%2e/secret']) {
      assert.equal((await client.stateless('resources/read', { uri })).status, 403, uri)
    }
  })

  test('by a symbolic link is not followed into a skill', async (t) => {
    const folder = temporaryFolder(t)
    mkdirSync(join(folder, 'skills', 'tidy'), { recursive: true })
    writeFileSync(join(folder, 'secret'), 'the secret')
    writeFileSync(
      join(folder, 'skills', 'tidy', 'SKILL.md'),
      '---\nname: tidy\ndescription: Tidies up\n---\n',
    )
    symlinkSync(join(folder, 'secret'), join(folder, 'skills', 'tidy', 'link.md'))
    symlinkSync(folder, join(folder, 'skills', 'tidy', 'up'))
    const [skill] = await skillsFromDirectory(join(folder, 'skills'))
    assert.deepEqual(Object.keys(skill?.files ?? {}), ['SKILL.md'])
  })
})
