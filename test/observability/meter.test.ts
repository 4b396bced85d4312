import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Meter } from '../../src/observability/metrics/meter.ts'
import { exposed } from '../../src/observability/metrics/open-metrics.ts'
import { maxSeries } from '../../src/observability/metrics/series.ts'
import { lastingPart, mergeSnapshots } from '../../src/observability/metrics/snapshot.ts'

suite('a meter', () => {
  test('counts by the values of the attributes, and gives the same series for the same values', () => {
    const meter = new Meter()
    meter.counter('refusals', 'FORBIDDEN', 403).add()
    meter.counter('refusals', 'FORBIDDEN', 403).add(2)
    meter.counter('refusals', 'UNAUTHORIZED', 401).add()
    assert.deepEqual(meter.snapshot().refusals, [
      { values: ['FORBIDDEN', 403], value: 3 },
      { values: ['UNAUTHORIZED', 401], value: 1 },
    ])
  })

  test('puts a value that is a bound into the bucket below it, and what is above all into the last', () => {
    const meter = new Meter()
    const histogram = meter.histogram('collectionDuration', 'minor')
    for (const value of [0.01, 0.011, 1, 11]) histogram.record(value)
    const [series] = meter.snapshot().collectionDuration ?? []
    assert.ok(typeof series?.value === 'object')
    const { counts, sum } = series.value
    assert.deepEqual(counts, [1, 1, 1, 0, 1])
    assert.equal(sum, 0.01 + 0.011 + 1 + 11)
  })

  test('counts together what comes when there are as many series as may be', () => {
    const meter = new Meter()
    for (let n = 0; n < maxSeries + 10; n += 1) meter.counter('limitRefusals', `code ${n}`).add()
    const series = meter.snapshot().limitRefusals ?? []
    assert.equal(series.length, maxSeries + 1)
    assert.deepEqual(series.at(-1), { values: [], isOverflow: true, value: 10 })
    assert.match(exposed(meter.snapshot(), 'Prometheus'), /\{otel_metric_overflow="true"\} 10\n/)
  })

  test('reads what is observed when somebody looks, and adds what several tell of one series', () => {
    const meter = new Meter()
    const stop = meter.observe((report) => report('queueDepth', 2))
    meter.observe((report) => report('queueDepth', 3))
    assert.deepEqual(meter.snapshot().queueDepth, [{ values: [], value: 5 }])
    stop()
    assert.deepEqual(meter.snapshot().queueDepth, [{ values: [], value: 3 }])
  })
})

suite('the figures of several processes', () => {
  const [one, two] = [new Meter(), new Meter()]
  for (const [meter, factor] of [
    [one, 1],
    [two, 10],
  ] as const) {
    meter.counter('refusals', 'FORBIDDEN', 403).add(factor)
    const exemplar = { value: 2, timeMs: factor, traceId: `${factor}`, spanId: 's' }
    meter.histogram('collectionDuration', 'minor').record(2, exemplar)
    meter.observe((report) => {
      report('queueDepth', factor)
      report('memoryLimit', factor)
    })
  }
  const merged = mergeSnapshots([one.snapshot(), two.snapshot()])

  test('are added up where each counts for itself, and not where all see the same', () => {
    assert.deepEqual(merged.refusals, [{ values: ['FORBIDDEN', 403], value: 11 }])
    assert.deepEqual(merged.queueDepth, [{ values: [], value: 11 }])
    assert.deepEqual(merged.memoryLimit, [{ values: [], value: 10 }])
  })

  test('keep the latest exemplar of a bucket', () => {
    const value = merged.collectionDuration?.[0]?.value
    assert.ok(typeof value === 'object')
    const { counts, sum, exemplars } = value
    assert.deepEqual(counts, [0, 0, 0, 2, 0])
    assert.equal(sum, 4)
    assert.equal(exemplars?.[3]?.traceId, '10')
  })

  test('are plain JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(merged)), merged)
  })

  test('of one that has ended count on, without how things stood in it', () => {
    const lasting = lastingPart(one.snapshot())
    assert.deepEqual(Object.keys(lasting).sort(), ['collectionDuration', 'refusals'])
  })
})
