import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  claimedVersion,
  claimsStateless,
  isLogLevel,
  isMetaKey,
  progressToken,
  readRequestMeta,
} from '../../src/protocol/meta.ts'
import { key, metaOf } from '../support/messages.ts'

suite('keys of _meta', () => {
  test('25.base.019 26.base.048 26.base.049 26.base.052 26.base.053 26.versioning.005: have a form', () => {
    for (const good of [
      'progressToken',
      'a',
      'a_b-c.d',
      'com.example/x',
      'com.example/',
      'a-1.b/x',
      'example/x',
      'io.modelcontextprotocol/protocolVersion',
      '9',
    ]) {
      assert.equal(isMetaKey(good), true, good)
    }
    for (const bad of [
      '',
      '/',
      '/x',
      'com..x/y',
      '.com/x',
      'com./x',
      '1a.b/x',
      'a-.b/x',
      'a_b/x',
      'com.x/-a',
      'com.x/a.',
      'a b',
      'a/b/c',
      'é',
    ]) {
      assert.equal(isMetaKey(bad), false, bad)
    }
  })
})

suite('the _meta of a request', () => {
  test('26.versioning.017 26.base.054 26.base.055: of either key of 2026-07-28 makes it stateless', () => {
    assert.equal(claimsStateless({ _meta: { [key.version]: 'x' } }), true)
    assert.equal(claimsStateless({ _meta: { [key.capabilities]: {} } }), true)
    for (const params of [
      undefined,
      {},
      { _meta: {} },
      { _meta: 'x' },
      { _meta: { progressToken: 1 } },
    ]) {
      assert.equal(claimsStateless(params), false)
    }
  })

  test('26.base.061: claims a version that is text', () => {
    assert.equal(claimedVersion({ _meta: metaOf() }), '2026-07-28')
    assert.equal(claimedVersion({ _meta: [] }), undefined)
    assert.equal(claimedVersion(undefined), undefined)
    for (const version of [5, null, {}, true]) {
      assert.throws(() => claimedVersion({ _meta: { [key.version]: version } }), {
        code: 'INVALID_META',
      })
    }
  })

  test('26.base.056: is read whole', () => {
    const info = { name: 'a', version: '1', title: 'A' }
    const _meta = metaOf({ roots: {} }, { [key.clientInfo]: info, [key.logLevel]: 'error' })
    assert.deepEqual(readRequestMeta({ _meta }), {
      clientInfo: info,
      clientCapabilities: { roots: {} },
      logLevel: 'error',
    })
    assert.deepEqual(readRequestMeta({ _meta: metaOf() }), {
      clientInfo: undefined,
      clientCapabilities: {},
      logLevel: undefined,
    })
  })

  test('26.discover.010 26.versioning.006 26.discover.011: may name capabilities that nobody knows, and known ones are objects', () => {
    const read = (capabilities: object) => readRequestMeta({ _meta: metaOf(capabilities) })
    assert.deepEqual(read({ future: 5 }).clientCapabilities, { future: 5 })
    for (const name of [
      'experimental',
      'roots',
      'sampling',
      'elicitation',
      'extensions',
      'tasks',
    ]) {
      for (const value of [true, 'x', [], null, 1]) {
        assert.throws(() => read({ [name]: value }), { code: 'INVALID_META' }, `${name} ${value}`)
      }
    }
  })

  test('25.progress.001 26.progress.008: may hold a token', () => {
    for (const token of ['', 'x', 0, -1, 2 ** 40]) {
      assert.equal(progressToken({ _meta: { progressToken: token } }), token)
    }
    assert.equal(progressToken({}), undefined)
    assert.equal(progressToken({ _meta: null }), undefined)
    for (const token of [null, 1.5, {}, true]) {
      assert.throws(() => progressToken({ _meta: { progressToken: token } }), {
        code: 'INVALID_PARAMS',
      })
    }
  })

  test('26.logging.004: knows eight levels', () => {
    const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']
    assert.ok(levels.every(isLogLevel))
    for (const level of ['DEBUG', 'warn', '', undefined, 0]) assert.equal(isLogLevel(level), false)
  })
})
