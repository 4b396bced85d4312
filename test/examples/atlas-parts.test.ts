import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readData } from '../../examples/atlas/data.ts'
import { fold, matchAll } from '../../examples/atlas/database.ts'
import { boxesAround, distanceKm } from '../../examples/atlas/sphere.ts'
import { improveTour } from '../../examples/atlas/tour.ts'

const real = (min: number, max: number) => fc.double({ min, max, noNaN: true })
const point = fc.record({ latitude: real(-90, 90), longitude: real(-180, 180) })

test('every point within the radius lies in one of the boxes', () => {
  fc.assert(
    fc.property(point, point, real(1, 2000), (centre, other, radiusKm) => {
      fc.pre(distanceKm(centre, other) <= radiusKm)
      const { latitude, longitude } = other
      const isInside = boxesAround(centre, radiusKm).some(
        ({ south, north, west, east }) =>
          south <= latitude + 1e-9 &&
          latitude <= north + 1e-9 &&
          west <= longitude + 1e-9 &&
          longitude <= east + 1e-9,
      )
      assert.ok(isInside)
    }),
    { numRuns: 300, maxSkipsPerRun: 1000 },
  )
})

test('distance is symmetric, and at most half way round the Earth', () => {
  fc.assert(
    fc.property(point, point, (a, b) => {
      assert.ok(Math.abs(distanceKm(a, b) - distanceKm(b, a)) < 1e-6)
      assert.ok(distanceKm(a, b) <= Math.PI * 6371.0088 + 1e-6)
    }),
  )
})

test('a tour visits every point once, from the first, and never gets longer', () => {
  const points = fc.array(point, { minLength: 3, maxLength: 12 })
  fc.assert(
    fc.property(points, (stops) => {
      const lengths: number[] = []
      const tours = improveTour(stops, 5)
      let step = tours.next()
      while (step.done !== true) {
        lengths.push(step.value.lengthKm)
        step = tours.next()
      }
      const { order, lengthKm } = step.value
      assert.equal(order[0], 0)
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        [...stops.keys()],
      )
      lengths.push(lengthKm)
      for (const [index, length] of lengths.entries()) {
        assert.ok(length <= (lengths[index - 1] ?? length) + 1e-6)
      }
    }),
    { numRuns: 100 },
  )
})

test('the data is as clean as the atlas promises', async () => {
  const { countries, cities, airports } = await readData()
  const codes = new Set(countries.map(({ code }) => code))
  assert.equal(codes.size, 250)
  assert.ok(cities.length > 7000)
  assert.ok(airports.length > 10_000)
  const zones = new Set<string>()
  for (const { country, zone, name } of [...cities, ...airports]) {
    assert.ok(codes.has(country), name)
    if (zone !== null) zones.add(zone)
  }
  for (const timeZone of zones) new Intl.DateTimeFormat('en', { timeZone })
  assert.equal(new Set(airports.map(({ iata }) => iata)).size, airports.length)
  for (const { neighbours, name } of countries) {
    for (const code of neighbours) assert.ok(codes.has(code), name)
  }
})

test('names are compared without accents, case and punctuation', () => {
  assert.equal(fold("  N'Djaména "), 'n djamena')
  assert.equal(matchAll('São "Paulo"*'), '"São"* "Paulo"*')
  assert.throws(() => matchAll('--'), /no letter or digit/)
})
