import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mutations } from '../../compliance/mutation-list.ts'

const root = new URL('../..', import.meta.url).pathname

test('each mutation of the list still applies, in one place, and its test is there', () => {
  for (const { behaviour, file, search, replacement, tests, test: name } of mutations) {
    const source = readFileSync(`${root}src/${file}`, 'utf8')
    assert.equal(source.split(search).length - 1, 1, `${behaviour}: places in ${file}`)
    assert.notEqual(search, replacement, behaviour)
    assert.ok(existsSync(`${root}test/${tests}.test.ts`), `${behaviour}: ${tests}`)
    assert.notEqual(name, '', behaviour)
  }
})

test('each mutation breaks something of its own', () => {
  const places = mutations.map(
    ({ file, search, replacement }) => `${file} ${search} ${replacement}`,
  )
  assert.equal(new Set(places).size, mutations.length)
})
