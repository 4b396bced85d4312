import type { Frame } from './cpu-profile.ts'

const width = 1600
const rowHeight = 18
const characterWidth = 6.6
/** What is narrower cannot be seen. */
const leastWidth = 0.5

/** A call tree as a picture (SVG): who calls stands below whom it calls, and is as wide as its share of the time. */
export function flameGraph(title: string, root: Frame): string {
  const boxes: string[] = []
  const depth = heightOf(root, root.total)
  const height = (depth + 2) * rowHeight
  const draw = (frame: Frame, left: number, level: number): void => {
    const boxWidth = (width * frame.total) / root.total
    if (boxWidth < leastWidth) return
    boxes.push(box(frame, left, height - (level + 1) * rowHeight, boxWidth, root.total))
    let next = left
    for (const callee of [...frame.callees.values()].toSorted((a, b) => b.total - a.total)) {
      draw(callee, next, level + 1)
      next += (width * callee.total) / root.total
    }
  }
  draw(root, 0, 0)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="monospace" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="4" y="13">${escaped(title)}</text>
${boxes.join('\n')}
</svg>
`
}

function box(frame: Frame, left: number, top: number, boxWidth: number, all: number): string {
  const share = `${((100 * frame.total) / all).toFixed(1)}%`
  const own = `${((100 * frame.own) / all).toFixed(1)}%`
  const room = Math.floor((boxWidth - 6) / characterWidth)
  const label = room < 3 ? '' : escaped(frame.name.slice(0, room))
  const [x, y] = [left.toFixed(1), top]
  return (
    `<g><title>${escaped(`${frame.name} ${frame.place}\n${share}, itself ${own}`)}</title>` +
    `<rect x="${x}" y="${y}" width="${Math.max(boxWidth - 0.5, 0.3).toFixed(1)}" height="${rowHeight - 1}" fill="${colorOf(frame.place)}"/>` +
    `<text x="${(left + 3).toFixed(1)}" y="${y + 13}">${label}</text></g>`
  )
}

/** Ours, a dependency's, Node's own, and what is none of JavaScript. */
function colorOf(place: string): string {
  if (place === '(native)') return '#c9c9c9'
  if (place.startsWith('node:')) return '#f2c879'
  return place.includes('node_modules') ? '#b9a3e3' : '#8fc7e8'
}

function heightOf(frame: Frame, all: number): number {
  if ((width * frame.total) / all < leastWidth) return 0
  return 1 + Math.max(0, ...[...frame.callees.values()].map((callee) => heightOf(callee, all)))
}

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
