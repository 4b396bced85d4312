import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, type Sample, Samples } from '../samples.ts'

const sample = (round: number, target: string, perSecond: number, more: Partial<Sample> = {}) => ({
  round,
  workload: 'call',
  target,
  values: { perSecond },
  ...more,
})

const unsaturated = { dropped: 'server not saturated', serverCpu: 0.6, generatorCpu: 0.5 } as const

function samplesOf(...all: Sample[]): Samples {
  const samples = new Samples()
  for (const one of all) samples.add(one)
  return samples
}

test('a median of an even number of values lies between the middle two', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([9, 1, 5]), 5)
})

test('a dropped sample does not count', () => {
  const samples = samplesOf(sample(1, 'a', 100), sample(2, 'a', 10, unsaturated))
  assert.deepEqual(samples.summary('call', 'a', 'perSecond'), {
    median: 100,
    n: 1,
    isFlagged: false,
  })
})

test('a row of dropped samples is used with a flag, by the processor second', () => {
  const values = { perSecond: 10, perCpuSecond: 16 }
  const samples = samplesOf(sample(1, 'a', 10, { ...unsaturated, values }))
  const summary = samples.summary('call', 'a', 'perSecond')
  assert.equal(summary?.median, 16)
  assert.equal(summary?.isFlagged, true)
})

test('a sample with wrong replies never counts', () => {
  const samples = samplesOf(sample(1, 'a', 10, { dropped: 'faulty replies' }))
  assert.equal(samples.summary('call', 'a', 'perSecond'), undefined)
})

test('a ratio is taken within rounds, so that drift of the machine cancels out', () => {
  const samples = samplesOf(
    sample(1, 'a', 100),
    sample(1, 'b', 10),
    sample(2, 'a', 20),
    sample(2, 'b', 2),
    sample(3, 'a', 50),
    sample(3, 'b', 40, unsaturated),
  )
  const ratio = samples.ratio('perSecond', ['call', 'a'], ['call', 'b'])
  assert.equal(ratio?.median, 10)
  assert.equal(ratio?.n, 2)
})

test('a sample of a slow core is dropped once the whole run shows how fast the core can be', () => {
  const samples = samplesOf(
    sample(1, 'a', 50, { gaugeMs: 30 }),
    sample(2, 'a', 100, { gaugeMs: 15 }),
    sample(3, 'a', 98, { gaugeMs: 16 }),
  )
  samples.dropSlow()
  assert.equal(samples.all[0]?.dropped, 'slow core')
  assert.equal(samples.summary('call', 'a', 'perSecond')?.median, 99)
})
