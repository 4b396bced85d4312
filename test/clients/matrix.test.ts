/**
 * Every real client over every transport of ours that it can speak. What cannot be stands in the table that is
 * printed in the end, with the reason.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Place, places } from '../support/places.ts'
import { columns } from '../support/real-clients.ts'

/** Whether we serve it: `ok` or `failed`, by row and column. */
const outcomes = new Map<string, string>()
const cell = (row: string, column: string) => `${row} | ${column}`

for (const [row, { kind, open }] of Object.entries(places)) {
  suite(row, { concurrency: 2 }, () => {
    let place: Place
    before(async () => {
      place = await open()
    })
    after(() => place.close())

    for (const [column, { connect, revisions }] of Object.entries(columns)) {
      const way = connect[kind]
      if (typeof way === 'string') continue
      // Those that start a program for each request need their time on a busy machine.
      const options = { timeout: 300_000 }
      test(
        `${column} lists and calls tools, reads a resource, gets a prompt`,
        options,
        async () => {
          outcomes.set(cell(row, column), 'failed')
          const subject = await way(place)
          try {
            const names = await subject.toolNames()
            assert.ok(names.includes('echo') && names.includes('touch'), names.join(' '))
            assert.equal(await subject.call('echo', { text: 'Grüße, 世界' }), 'Grüße, 世界')
            const { revision } = JSON.parse(await subject.call('who_am_i', {}))
            assert.ok(revisions.includes(revision), revision)
            assert.equal(await subject.read('docs://text'), 'Grüße, 世界')
            const prompt = await subject.prompt('compare', { city: 'Bern', country: 'CH' })
            assert.equal(prompt, 'Bern, CH')
            assert.deepEqual(subject.problems?.() ?? [], [])
          } finally {
            await subject.close()
          }
          outcomes.set(cell(row, column), 'ok')
        },
      )
    }
  })
}

after(() => console.log(table()))

/** The matrix as Markdown, with the reasons below it. */
function table(): string {
  const reasons: string[] = []
  const shown = (row: string, column: string): string => {
    const kind = places[row]?.kind
    const way = kind && columns[column]?.connect[kind]
    if (typeof way !== 'string') return outcomes.get(cell(row, column)) ?? 'not run'
    const reason = `${column} ${way}`
    if (!reasons.includes(reason)) reasons.push(reason)
    return `none (${reasons.indexOf(reason) + 1})`
  }
  const names = Object.keys(columns)
  const rows = Object.keys(places).map((row) => [row, ...names.map((name) => shown(row, name))])
  const lines = [['', ...names], ['---', ...names.map(() => '---')], ...rows].map(
    (cells) => `| ${cells.join(' | ')} |`,
  )
  return [...lines, ...reasons.map((reason, index) => `(${index + 1}) ${reason}`)].join('\n')
}
