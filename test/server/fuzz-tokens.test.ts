import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { McpError } from '../../src/protocol/errors.ts'
import { revisions } from '../../src/protocol/revisions/index.ts'
import { Directory } from '../../src/registry/directory.ts'
import { defineKind } from '../../src/registry/kind.ts'
import { PagedList } from '../../src/server/list.ts'
import { RequestStateCodec, stateBinding } from '../../src/server/request-state.ts'
import { ResultEncoder } from '../../src/server/result.ts'
import { jsonValue, memberName, runs } from '../support/fuzz.ts'
import { list as arrayOf } from '../support/messages.ts'

const isInvalidParams = (error: unknown): boolean =>
  error instanceof McpError && error.code === 'INVALID_PARAMS'

const encoder = new ResultEncoder({ name: 's', version: '1' }, { ttlMs: 0, cacheScope: 'private' })
const [revision] = revisions

function pageOf(list: PagedList<string>, cursor: unknown) {
  const response = list.page(encoder, revision!, cursor).response(1)
  return JSON.parse(Buffer.from(response).toString()).result
}
function listOf(count: number, pageSize: number): PagedList<string> {
  const names = new Directory(defineKind<string>('name'), assert.ifError)
  const list = new PagedList(names, 'tools', pageSize, (_, name) => ({ name }))
  for (let index = 0; index < count; index += 1) list.add(`t${index}`, `t${index}`)
  return list
}

test('26.pagination.005 26.pagination.013: pages of any size give every item once and in order', () => {
  fc.assert(
    fc.property(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 20 }), (count, pageSize) => {
      const list = listOf(count, pageSize)
      const names: unknown[] = []
      let pages = 0
      for (let cursor: unknown; ; ) {
        const page = pageOf(list, cursor)
        names.push(...arrayOf(page.tools).map(({ name }) => name))
        pages += 1
        cursor = page.nextCursor
        if (cursor === undefined) break
        assert.equal(typeof cursor, 'string')
      }
      assert.deepEqual(
        names,
        Array.from({ length: count }, (_, index) => `t${index}`),
      )
      assert.equal(pages, Math.max(1, Math.ceil(count / pageSize)))
    }),
    runs(500),
  )
})

test('26.pagination.006 26.pagination.012: anything but a cursor of this list is refused', () => {
  const list = listOf(50, 10)
  const cursors = new Set<unknown>()
  for (let cursor: unknown = pageOf(list, undefined).nextCursor; cursor !== undefined; ) {
    cursors.add(cursor)
    cursor = pageOf(list, cursor).nextCursor
  }
  assert.equal(cursors.size, 4)
  const near = fc
    .tuple(fc.constantFrom(...(cursors as Set<string>)), fc.nat(), fc.string({ maxLength: 1 }))
    .map(([cursor, at, patch]) => {
      const place = at % (cursor.length + 1)
      return cursor.slice(0, place) + patch + cursor.slice(place + 1)
    })
  const made = fc
    .tuple(
      fc.constantFrom('tools', 'prompts', ''),
      fc.oneof(fc.integer(), fc.double(), fc.string()),
    )
    .map(([member, offset]) => btoa(unescape(encodeURIComponent(`${member} ${offset}`))))
  const wrapped = fc.constantFrom(...(cursors as Set<string>)).map((cursor) => [cursor])
  fc.assert(
    fc.property(fc.oneof(near, made, wrapped, fc.string(), jsonValue), (cursor) => {
      if (cursors.has(cursor)) return
      try {
        assert.deepEqual(pageOf(list, cursor).tools, [])
        // The end of the list is a place, too: a list may have become shorter.
        assert.ok([btoa('tools 50'), btoa('tools 60')].includes(cursor as string), String(cursor))
      } catch (error) {
        assert.ok(isInvalidParams(error), String(error))
      }
    }),
    runs(5000),
  )
})

const answers = fc.dictionary(memberName, fc.dictionary(memberName, jsonValue))
const codec = new RequestStateCodec({ secret: 'a secret of sixteen bytes', ttlMs: 1000 })

test('26.mrtr.009: a state comes back as it went', async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.string(), fc.nat(), async (given, binding, nowMs) => {
      const state = codec.encode({ answers: given }, binding, nowMs)
      const expected = JSON.parse(JSON.stringify(given))
      assert.deepEqual((await codec.decode(state, binding, nowMs + 1000)).answers, expected)
    }),
    runs(),
  )
})

test('26.mrtr.010 26.mrtr.011 26.mrtr.012: a state with any change is refused', () => {
  const patch = fc.oneof(fc.string({ maxLength: 2 }), fc.base64String({ maxLength: 4 }))
  fc.assert(
    fc.property(answers, fc.nat(), fc.nat({ max: 3 }), patch, (given, at, cut, text) => {
      const state = codec.encode({ answers: given }, 'binding', 0)
      const place = at % (state.length + 1)
      const changed = state.slice(0, place) + text + state.slice(place + cut)
      if (changed === state) return
      assert.throws(() => codec.decode(changed, 'binding', 0), isInvalidParams)
    }),
    runs(5000),
  )
})

test('26.mrtr.010: anything that is no state is refused', () => {
  const anything = fc.oneof(
    jsonValue,
    fc.string(),
    fc.tuple(fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
    fc.constant('.'),
    fc.constant('x'.repeat(100_000)),
  )
  fc.assert(
    fc.property(anything, (state) => {
      assert.throws(() => codec.decode(state, 'binding', 0), isInvalidParams)
    }),
    runs(),
  )
})

test('26.mrtr.014 26.mrtr.016: a state is bound to principal, method and parameters, in any order of keys', () => {
  const args = fc.dictionary(memberName, jsonValue)
  const subject = fc.option(fc.string(), { nil: undefined })
  fc.assert(
    fc.property(subject, subject, args, args, (one, other, given, changed) => {
      const binding = stateBinding(one, 'tools/call', { name: 'x', arguments: given })
      const reordered = Object.fromEntries(Object.entries(given).toReversed())
      assert.equal(stateBinding(one, 'tools/call', { name: 'x', arguments: reordered }), binding)
      assert.notEqual(stateBinding(one, 'tools/call', { name: 'y', arguments: given }), binding)
      assert.notEqual(stateBinding(one, 'prompts/get', { name: 'x', arguments: given }), binding)
      if (one !== other) {
        assert.notEqual(stateBinding(other, 'tools/call', { name: 'x', arguments: given }), binding)
      }
      // JSON knows no undefined and no -0: compare what is sent.
      const isSame = fc.stringify(sorted(given)) === fc.stringify(sorted(changed))
      if (!isSame) {
        const elsewhere = stateBinding(one, 'tools/call', { name: 'x', arguments: changed })
        assert.notEqual(elsewhere, binding)
      }
    }),
    runs(),
  )
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sorted(each)])
}
