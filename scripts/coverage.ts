import { relative } from 'node:path'
import type { EventData } from 'node:test'

/** Least percentage of lines that tests must run. */
const floors = [
  { folder: 'src/', percent: 92 },
  { folder: 'src/protocol/', percent: 95 },
  { folder: 'src/sessions/', percent: 95 },
]

/** Holds each folder against its floor. */
export function checkFloors({ files }: EventData.TestCoverage['summary']) {
  return floors.map(({ folder, percent }) => {
    const inside = files.filter((file) => relative('.', file.path).startsWith(folder))
    const total = inside.reduce((sum, file) => sum + file.totalLineCount, 0)
    const covered = inside.reduce((sum, file) => sum + file.coveredLineCount, 0)
    const actual = total === 0 ? 0 : (100 * covered) / total
    const isEnough = actual >= percent
    const verdict = isEnough ? 'ok' : 'TOO LOW'
    return {
      isEnough,
      text: `${folder}: ${actual.toFixed(2)} %, at least ${percent} %: ${verdict}`,
    }
  })
}
