import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Samples } from '../samples.ts'
import { seedWorkloads } from '../seed/list.ts'
import { queueLoops } from '../seed/queue-loops.ts'
import { registryLoops } from '../seed/registry-loops.ts'
import { seedBarsTable } from '../seed/report.ts'
import { sizeName } from '../seed/workload.ts'

for (const [name, make] of Object.entries({ ...registryLoops, ...queueLoops })) {
  test(`the loop ${name} does what it counts, batch after batch`, () => {
    const loop = make(100)
    for (let batch = 0; batch < 2; batch++) {
      loop.prepare()
      assert.ok(loop.run() >= 100)
    }
  })
}

test('each workload of the seed has a definition, and bars at sizes that are measured', () => {
  assert.equal(new Set(seedWorkloads.map(({ name }) => name)).size, seedWorkloads.length)
  for (const { definition, sizes, bars, columns } of seedWorkloads) {
    assert.ok(definition.length > 50)
    for (const { size } of bars) assert.ok(sizes.includes(size))
    assert.ok(columns.length > 0)
  }
})

test("the seed's bars are judged by the samples of their size", () => {
  const samples = new Samples()
  const add = (workload: string, size: number, perSecond: number) =>
    samples.add({ round: 1, workload, target: sizeName(size), values: { perSecond } })
  add('queue', 1, 60_000_000)
  add('queue', 100_000, 40_000_000)
  const rows = seedBarsTable(samples).split('\n')
  const row = (text: string) => rows.find((line) => line.includes(text)) ?? ''
  assert.match(row('dequeue, at 1 '), /\| met \| ≥ 50.53M \| 60.00M \| 1 \|/)
  assert.match(row('dequeue, at 100,000'), /\| not met \| ≥ 50.53M \| 40.00M \| 1 \|/)
  assert.match(row('look-ups, at 100,000'), /not measured/)
})
