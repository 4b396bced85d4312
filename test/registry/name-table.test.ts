import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NameTable } from '../../src/registry/name-table.ts'
import { runs } from '../support/fuzz.ts'

const item = (name: string) => ({ name, tag: 0 })
type Item = ReturnType<typeof item>

/** Names that are short and long, in one byte a character and in two, alike at their beginning or end. */
const names = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.integer({ min: 0, max: 40 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 0, max: 40 }).map((length) => '\0'.repeat(length)),
  fc.integer({ min: 0, max: 30 }).map((number) => `tools/server/${number}`),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('é', 'ÿ', 'Ā', 'a\u0100', '😀', '__proto__', 'toString'),
)

test('a table of names answers as a Map does, whatever comes and goes', () => {
  const step = fc.record({ name: names, does: fc.constantFrom('add', 'add', 'delete', 'get') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new NameTable<number, Item>()
      const model = new Map<string, { value: number; item: Item }>()
      for (const [value, { name, does }] of steps.entries()) {
        // Another string object with the same characters, as one that has come off the wire.
        const fresh = Buffer.from(name, 'utf16le').toString('utf16le')
        const known = model.get(name)
        if (does === 'add') {
          const own = item(fresh)
          assert.equal(table.add(value, own), known === undefined)
          if (known === undefined) model.set(name, { value, item: own })
        } else if (does === 'delete' && known !== undefined) {
          table.delete(known.item)
          model.delete(name)
        }
        assert.equal(table.get(fresh), model.get(name)?.value)
        assert.equal(table.item(fresh), model.get(name)?.item)
        assert.equal(table.size, model.size)
      }
      for (const [name, known] of model) assert.equal(table.get(name), known.value)
    }),
    runs(300),
  )
})

test('a table that has grown to 20,000 names and shrunk to none has lost and kept nothing', () => {
  const table = new NameTable<number, Item>()
  const items = Array.from({ length: 20_000 }, (_, index) => item(`name-${index}`))
  for (const [index, each] of items.entries()) assert.ok(table.add(index, each))
  for (const [index, { name }] of items.entries()) assert.equal(table.get(name), index)
  for (const [index, each] of items.entries()) {
    table.delete(each)
    if (index % 97 === 0) {
      assert.equal(table.get(each.name), undefined)
      assert.equal(table.get(`name-${index + 1}`), index + 1 < items.length ? index + 1 : undefined)
    }
  }
  assert.equal(table.size, 0)
  assert.ok(table.add(7, item('name-7')))
  assert.equal(table.get('name-7'), 7)
})

test('names that are equal but for their length or a last NUL are told apart', () => {
  const table = new NameTable<string, Item>()
  const alike = [
    '',
    '\0',
    '\0\0',
    'a',
    'a\0',
    'a\0\0\0',
    'a\0\0\0\0',
    `${'b'.repeat(28)}`,
    `${'b'.repeat(29)}`,
  ]
  for (const name of alike) assert.ok(table.add(`value of ${name}`, item(name)))
  for (const name of alike) assert.equal(table.get(name), `value of ${name}`)
})
