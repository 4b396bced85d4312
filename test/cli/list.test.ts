import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCli } from './fake-io.ts'
import { weatherServer, workspace } from './workspace.ts'

const folder = workspace({
  'weather.ts': weatherServer,
  'empty.ts':
    "import { defineServer } from 'tsmcp'\nexport default defineServer({ name: 'empty', version: '0.0.1' })\n",
})

test('list shows name, version, revision and everything on offer in aligned columns', async () => {
  const { exitCode, out, err } = await runCli(['list', 'weather.ts'], { cwd: folder })
  assert.equal(err, '')
  assert.equal(exitCode, 0)
  assert.equal(
    out,
    `weather 1.2.3, protocol 2026-07-28
Ask for a city.

Tools (6)
  forecast  city: string, days?: integer  Weather of a city
  measure                                 Figures
  fail                                    Always fails
  slow                                    Takes its time
  ask                                     Asks back
  loud                                    Prints

Resources (2)
  docs://readme  text/plain  How to
  docs://logo    image/png

Templates (1)
  city://{name}    One city

Prompts (1)
  compare  a, b?  Compare two
`,
  )
})

test('list cuts its lines at the width of the terminal', async () => {
  const { out } = await runCli(['list', 'weather.ts'], { cwd: folder, columns: 50 })
  assert.ok(out.includes('\n  forecast  city: string, days?: in…  Weather of …\n'), out)
})

test('list --json prints one object with all of it', async () => {
  const { out } = await runCli(['list', 'weather.ts', '--json'], { cwd: folder })
  const catalogue = JSON.parse(out)
  assert.equal(out.trim().split('\n').length, 1)
  assert.equal(catalogue.server.name, 'weather')
  assert.equal(catalogue.server.version, '1.2.3')
  assert.equal(catalogue.protocolVersion, '2026-07-28')
  assert.equal(catalogue.instructions, 'Ask for a city.')
  assert.deepEqual(
    ['tools', 'resources', 'resourceTemplates', 'prompts'].map((name) => catalogue[name].length),
    [6, 2, 1, 1],
  )
})

test('list says so when a server offers nothing', async () => {
  const { exitCode, out } = await runCli(['list', 'empty.ts'], { cwd: folder })
  assert.equal(exitCode, 0)
  assert.equal(
    out,
    'empty 0.0.1, protocol 2026-07-28\n\nIt offers no tools, resources or prompts.\n',
  )
})
