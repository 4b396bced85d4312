import { distanceKm, type Point } from './sphere.ts'

/** A round trip: the order of the points, by their index, and its length. */
export interface Tour {
  order: number[]
  lengthKm: number
}

/**
 * Looks for the shortest round trip through all points, getting better with each round: always on
 * to the nearest point first, then 2-opt until it finds nothing more, then for each round a kick
 * that 2-opt cannot undo, kept when it leads to a shorter tour. Yields the best tour before each
 * round, so that the caller can report progress, give way to others or stop.
 */
export function* improveTour(points: Point[], rounds: number): Generator<Tour, Tour> {
  const distances = points.map((a) => Float64Array.from(points, (b) => distanceKm(a, b)))
  const between = (a: number, b: number): number => distances[a]?.[b] ?? 0
  const random = seededRandom(points.length)

  let best = measured(nearestNext(points.length, between), between)
  yield best
  best = twoOpt(best, between)
  for (let round = 0; round < rounds; round += 1) {
    yield best
    const kicked = twoOpt(measured(doubleBridge(best.order, random), between), between)
    if (kicked.lengthKm < best.lengthKm) best = kicked
  }
  return best
}

type Distance = (a: number, b: number) => number

function measured(order: number[], between: Distance): Tour {
  const lengthKm = order.reduce((sum, to, index) => sum + between(order.at(index - 1) ?? to, to), 0)
  return { order, lengthKm }
}

function nearestNext(count: number, between: Distance): number[] {
  const left = new Set(Array.from({ length: count }, (_, index) => index))
  const order: number[] = []
  let here = 0
  while (left.size > 0) {
    order.push(here)
    left.delete(here)
    let nearest = here
    let shortest = Number.POSITIVE_INFINITY
    for (const next of left) {
      const distance = between(here, next)
      if (distance < shortest) [nearest, shortest] = [next, distance]
    }
    here = nearest
  }
  return order
}

/** Turns stretches of the tour round as long as that makes it shorter. The start stays first. */
function twoOpt(tour: Tour, between: Distance): Tour {
  const order = [...tour.order]
  const at = (index: number): number => order[index % order.length] ?? 0
  let saved = true
  while (saved) {
    saved = false
    for (let i = 0; i < order.length - 2; i += 1) {
      for (let j = i + 2; j < order.length; j += 1) {
        const [a, b, c, d] = [at(i), at(i + 1), at(j), at(j + 1)]
        const gain = between(a, b) + between(c, d) - between(a, c) - between(b, d)
        // Below a metre it is rounding, and would go on for ever.
        if (gain > 0.001) {
          reverse(order, i + 1, j)
          saved = true
        }
      }
    }
  }
  return measured(order, between)
}

function reverse(order: number[], from: number, to: number): void {
  order.splice(from, to - from + 1, ...order.slice(from, to + 1).reverse())
}

/** Cuts the tour into four and joins the pieces in another order. */
function doubleBridge(order: number[], random: () => number): number[] {
  if (order.length < 8) return order
  const cut = () => 1 + Math.floor(random() * (order.length - 1))
  const [a = 0, b = 0, c = 0] = [cut(), cut(), cut()].sort((x, y) => x - y)
  return [...order.slice(0, a), ...order.slice(b, c), ...order.slice(a, b), ...order.slice(c)]
}

/** The same numbers in each run, so that the same question gets the same answer (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
