import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { observabilityFiles, root } from '../../scripts/observability-files.ts'
import { definitions } from '../../src/observability/metrics/catalogue.ts'
import { plainName, sampleNames } from '../../src/observability/metrics/prometheus-name.ts'
import { temporaryFolder } from '../support/folder.ts'
import { needsPromtool, promtool } from './promtool.ts'

const files = observabilityFiles()

for (const [path, content] of Object.entries(files)) {
  test(`${path} is what the catalogue makes of it (else: node scripts/observability-files.ts)`, () => {
    assert.equal(readFileSync(new URL(path, root), 'utf8'), content)
  })
}

const known = new Set(Object.values(definitions).flatMap(sampleNames))
const labels = new Set([
  ...Object.values(definitions).flatMap(({ attributes }) => attributes.map(plainName)),
  'job',
  'instance',
  'le',
])

/** All expressions of dashboards and rules. */
function expressions(): string[] {
  return Object.values(files).flatMap((content) =>
    [...content.matchAll(/^ *(?:"expr": "(.*)",?|expr: (.*))$/gm)].map(
      ([, inJson, inYaml]) => inYaml ?? JSON.parse(`"${inJson}"`),
    ),
  )
}

test('no panel and no rule names a metric or label that there is not', () => {
  const all = expressions()
  assert.ok(all.length > 30)
  for (const expression of all) {
    const names = expression.match(/\b(?:mcp|tsmcp|process|nodejs|v8js)_\w+/g) ?? []
    assert.ok(names.length > 0, expression)
    for (const name of names)
      assert.ok(known.has(name) || labels.has(name), `${name}: ${expression}`)
    const used = [...expression.matchAll(/by \(([^)]*)\)|(\w+)(?:=~|!=|!~|=)"/g)]
    for (const [, by = '', label = ''] of used) {
      for (const name of [...by.split(', '), label].filter(Boolean)) {
        assert.ok(labels.has(name), `${name}: ${expression}`)
      }
    }
  }
})

test('Prometheus can read every expression of the dashboards', (t) => {
  if (!needsPromtool(t)) return
  const rules = expressions().map((expression, index) => ({
    record: `panel:${index}`,
    expr: expression.replaceAll('$__rate_interval', '5m'),
  }))
  const groups = { groups: [{ name: 'panels', rules }] }
  const file = join(temporaryFolder(t), 'panels.json')
  writeFileSync(file, JSON.stringify(groups))
  const { status, output } = promtool(['check', 'rules', file])
  assert.equal(status, 0, output)
})
