/** The known attacks, what stops each, and how to take that away: `test/security/attacks/mutations.tsv`. */
import { readFileSync } from 'node:fs'

export interface Attack {
  readonly attack: string
  /** Where its tests are, from the folder of the repository. */
  readonly tests: string
  readonly defence: string
  /** A defence in depth is taken out in more than one place. */
  readonly edits: readonly Edit[]
  /** The row as it stands in the file. */
  readonly line: string
}

interface Edit {
  readonly file: string
  /** Finds the defence. */
  readonly guarded: RegExp
  readonly unguarded: string
}

const list = new URL('../test/security/attacks/mutations.tsv', import.meta.url)

export function readAttacks(): Attack[] {
  return readFileSync(list, 'utf8').trimEnd().split('\n').slice(1).map(readLine)
}

function readLine(line: string): Attack {
  const [attack = '', tests = '', defence = '', ...cells] = line.split('\t')
  const edits: Edit[] = []
  for (let index = 0; index < cells.length; index += 3) {
    const [file = '', guarded = '', unguarded = ''] = cells.slice(index, index + 3)
    edits.push({ file, guarded: patternOf(guarded), unguarded })
  }
  const path = tests.startsWith('../') ? tests.slice(3) : `attacks/${tests}`
  return { attack, tests: `test/security/${path}.test.ts`, defence, edits, line }
}

/** Where the formatter has broken a line, a blank stands for it in the table. */
function patternOf(guarded: string): RegExp {
  const parts = guarded.split(' ').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(parts.join('\\s+'))
}
