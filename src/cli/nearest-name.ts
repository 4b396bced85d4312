/** The name closest to what was typed, if any is close enough to be a likely slip. */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  const wanted = typed.toLowerCase()
  const furthest = Math.max(1, Math.floor(wanted.length / 3))
  let nearest: string | undefined
  let shortest = furthest + 1
  for (const name of names) {
    const candidate = name.toLowerCase()
    const distance =
      candidate.startsWith(wanted) && wanted.length > 2 ? 1 : editDistance(wanted, candidate)
    if (distance < shortest) {
      nearest = name
      shortest = distance
    }
  }
  return nearest
}

/** ` (did you mean 'x'?)` when a name is near, otherwise nothing. */
export function didYouMean(typed: string, names: Iterable<string>): string {
  const nearest = nearestName(typed, names)
  return nearest === undefined ? '' : `, did you mean '${nearest}'?`
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      let distance = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (isSame ? 0 : 1),
      )
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (row > 1 && column > 1 && isSwap) {
        distance = Math.min(distance, at(beforePrevious, column - 2) + 1)
      }
      current.push(distance)
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
