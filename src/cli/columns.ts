/**
 * Aligns rows of cells. Within a width, the first cell stays whole, since it is what people copy;
 * those in between are cut at half of the width, and the last where the line ends.
 */
export function columns(rows: readonly (readonly string[])[], width?: number): string[] {
  const most = width === undefined ? Number.POSITIVE_INFINITY : Math.floor(width / 2)
  const fitted = rows.map((row) =>
    row.map((cell, at) => (at === 0 || at === row.length - 1 ? cell : cut(cell, most))),
  )
  const widths: number[] = []
  for (const row of fitted) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return fitted.map((row) => {
    const line = row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
    return cut(line, width ?? Number.POSITIVE_INFINITY)
  })
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text
}
