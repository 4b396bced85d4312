import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { McpError } from '../../../src/protocol/errors.ts'
import { createApiKey, isSecretOf, splitApiKey } from '../../../src/security/keys/api-key.ts'
import { ApiKeys, addApiKey, revokeApiKey } from '../../../src/security/keys/api-keys.ts'
import { isReadableByOthers, readKeyFile } from '../../../src/security/keys/key-file.ts'
import { temporaryFolder } from '../../support/folder.ts'

const isUnauthorized = (error: unknown) =>
  error instanceof McpError && error.code === 'UNAUTHORIZED'
const requestWith = (headers: Record<string, string>) => ({
  method: 'POST',
  target: '/mcp',
  remoteAddress: '127.0.0.1',
  certificate: undefined,
  getHeader: (name: string) => headers[name],
})

suite('API keys', () => {
  test('the file holds no key, only salted hashes, and is its owner’s alone', (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    const { key } = addApiKey(path, { name: 'ci' })
    const text = readFileSync(path, 'utf8')
    const secret = splitApiKey(key)?.secret ?? ''
    assert.equal(secret.length, 43)
    assert.ok(!text.includes(secret))
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(isReadableByOthers(path), false)
    const [one, two] = [
      createApiKey({ name: 'a' }, new Date()),
      createApiKey({ name: 'a' }, new Date()),
    ]
    assert.notEqual(one.record.salt, two.record.salt)
  })

  test('a key says who its bearer is, by either header, and with the same object each time', (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    const { key } = addApiKey(path, { name: 'ci', subject: 'builder', scopes: ['a', 'b'] })
    const keys = new ApiKeys(path)
    t.after(() => keys.close())
    const found = keys.authenticate(requestWith({ authorization: `Bearer ${key}` }))
    assert.equal(keys.authenticate(requestWith({ 'x-api-key': key })), found)
    assert.deepEqual(found, {
      subject: 'builder',
      scopes: ['a', 'b'],
      claims: { api_key: { id: splitApiKey(key)?.id, name: 'ci' } },
    })
  })

  test('what has not the form of a key is left to others; what has it and is none is refused', (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    const { key } = addApiKey(path, { name: 'ci' })
    const keys = new ApiKeys(path)
    t.after(() => keys.close())
    assert.equal(keys.authenticate(requestWith({})), undefined)
    assert.equal(keys.authenticate(requestWith({ authorization: 'Bearer ey.J.x' })), undefined)
    assert.equal(keys.authenticate(requestWith({ authorization: `Basic ${key}` })), undefined)
    const other = createApiKey({ name: 'x' }, new Date()).key
    const wrongSecret = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`
    for (const bad of [other, wrongSecret, `${key}x`, 'tsmcp_', `${key.slice(0, 19)}.`]) {
      assert.throws(() => keys.authenticate(requestWith({ 'x-api-key': bad })), isUnauthorized, bad)
    }
  })

  test('a key that is expired or revoked is refused, and nothing says which', (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    const expiresAt = new Date(Date.now() + 60_000)
    const short = addApiKey(path, { name: 'short', expiresAt }).key
    const gone = addApiKey(path, { name: 'gone' }).key
    revokeApiKey(path, 'gone')
    const keys = new ApiKeys(path)
    t.after(() => keys.close())
    assert.equal(keys.identify(short, expiresAt.getTime() - 1)?.subject, 'key:short')
    const messages = new Set<string>()
    for (const [key, nowMs] of [
      [short, expiresAt.getTime()],
      [gone, Date.now()],
    ] as const) {
      assert.throws(
        () => keys.identify(key, nowMs),
        (error: Error) => {
          messages.add(error.message)
          return isUnauthorized(error)
        },
      )
    }
    assert.deepEqual([...messages], ['The API key is not valid'])
  })

  test('changes of the file count without a restart; a broken file changes nothing', async (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    const { key } = addApiKey(path, { name: 'ci' })
    const errors: unknown[] = []
    const keys = new ApiKeys(path, { onError: (error) => errors.push(error) })
    t.after(() => keys.close())
    writeFileSync(path, '{"version":1,')
    keys.reload()
    assert.match(String(errors[0]), /is not JSON/)
    assert.equal(keys.identify(key, Date.now())?.subject, 'key:ci')
    writeFileSync(path, JSON.stringify({ version: 1, keys: [] }))
    // The file is watched: nobody calls reload.
    for (;;) {
      try {
        keys.identify(key, Date.now())
      } catch {
        break
      }
      await setTimeout(10)
    }
  })

  test('a name that is taken by a good key, or cannot be one, is refused', (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    addApiKey(path, { name: 'ci' })
    assert.throws(() => addApiKey(path, { name: 'ci' }), /revoke it first/)
    revokeApiKey(path, 'ci')
    addApiKey(path, { name: 'ci' })
    assert.throws(() => revokeApiKey(path, 'nobody'), /There is no key/)
    assert.throws(() => addApiKey(path, { name: 'a\nb' }), /name of a key/)
    assert.throws(() => addApiKey(path, { name: 'a', scopes: ['a b'] }), /Not a scope/)
    assert.throws(() => addApiKey(path, { name: 'a', expiresAt: new Date(0) }), /in the future/)
    assert.equal(readKeyFile(path).length, 2)
  })

  test('a file that is something else is refused, with the key that is wrong', (t) => {
    const path = join(temporaryFolder(t), 'keys.json')
    for (const [content, problem] of [
      ['[]', /no file of keys/],
      ['{"version":1,"keys":[{"id":"x"}]}', /key 1: name must be a string/],
      ['nonsense', /not JSON/],
    ] as const) {
      writeFileSync(path, content)
      assert.throws(() => new ApiKeys(path), problem)
    }
  })

  test('secrets are compared without regard to where they differ', () => {
    const { record, key } = createApiKey({ name: 'a' }, new Date())
    const secret = splitApiKey(key)?.secret ?? ''
    assert.equal(isSecretOf(record, secret), true)
    assert.equal(isSecretOf({ ...record, hash: '' }, secret), false)
    // By structure, since no clock is exact enough: the comparison is Node's.
    const source = readFileSync(
      new URL('../../../src/security/keys/api-key.ts', import.meta.url),
      'utf8',
    )
    assert.match(source, /timingSafeEqual\(expected, given\)/)
    assert.doesNotMatch(source, /hash ===|=== hash/)
  })
})
