import { styleText } from 'node:util'
import type { Check, ScenarioResult } from './suite.ts'

export interface Totals {
  passed: number
  failed: number
}

type Style = Parameters<typeof styleText>[0]

/** A scenario that only skipped its checks is skipped; all other checks pass, fail or warn. */
interface Score {
  passed: number
  failed: number
  warned: number
  skipped: boolean
}

/** The table, scenario by revision: passed checks of all that passed or failed. */
export function renderTable(results: ScenarioResult[], revisions: string[]): string {
  const scenarios = [...new Set(results.map((result) => result.scenario))]
  const nameWidth = Math.max(...scenarios.map((name) => name.length), 'scenario'.length)
  const header = ['scenario'.padEnd(nameWidth), ...revisions].join('  ')
  const rows = scenarios.map((scenario) => {
    const cells = revisions.map((revision) => {
      const result = results.find((r) => r.scenario === scenario && r.revision === revision)
      const { text, style } = renderCell(result)
      return styleText(style, text.padEnd(revision.length))
    })
    return [scenario.padEnd(nameWidth), ...cells].join('  ').trimEnd()
  })
  return [styleText('bold', header), ...rows].join('\n')
}

/** Every failed, doubtful or skipped check with the reason that the suite gave, each once. */
export function renderReasons(results: ScenarioResult[], maxLength: number): string {
  const sections: [string, Style, Check['status']][] = [
    ['Failed', 'red', 'FAILURE'],
    ['Warnings: a SHOULD that is not met', 'yellow', 'WARNING'],
    ['Skipped by the suite', 'gray', 'SKIPPED'],
  ]
  return sections
    .map(([title, style, status]) => {
      // A requirement set repeats scenarios of its revision.
      const entries = new Set(results.flatMap((result) => entriesOf(result, status, maxLength)))
      return entries.size === 0 ? '' : [styleText(style, title), ...entries, ''].join('\n')
    })
    .filter((section) => section !== '')
    .join('\n')
}

function entriesOf(
  { revision, scenario, checks }: ScenarioResult,
  status: Check['status'],
  maxLength: number,
): string[] {
  return checks
    .filter((check) => check.status === status)
    .map(({ id, description, reason }) => {
      const why = reason === '' ? 'no reason given' : reason
      const cut = why.length > maxLength ? `${why.slice(0, maxLength)} ... (--verbose: all)` : why
      const lines = [`${revision}  ${scenario}  ${id}: ${description}`, `  ${cut}`]
      return lines.map((line) => `  ${line.replaceAll('\n', '\n    ')}`).join('\n')
    })
}

export function countChecks(results: ScenarioResult[]): Totals {
  const scores = results.map((result) => score(result))
  return {
    passed: scores.reduce((sum, { passed }) => sum + passed, 0),
    failed: scores.reduce((sum, { failed }) => sum + failed, 0),
  }
}

/** Whether a scenario of a requirement set is met: nothing failed, and something was proven. */
export function isMet(result: ScenarioResult): boolean {
  const { passed, failed } = score(result)
  return failed === 0 && passed > 0
}

/** Whether nothing was checked. */
export function isSkipped(result: ScenarioResult): boolean {
  return score(result).skipped
}

function renderCell(result: ScenarioResult | undefined): { text: string; style: Style } {
  if (!result) return { text: '-', style: 'gray' }
  const { passed, failed, warned, skipped } = score(result)
  if (skipped) return { text: 'skipped', style: 'gray' }
  const text = `${passed}/${passed + failed}`
  if (failed > 0) return { text: `${text} fail`, style: 'red' }
  if (warned > 0) return { text: `${text} warn`, style: 'yellow' }
  return { text, style: 'green' }
}

function score({ checks }: ScenarioResult): Score {
  const count = (status: Check['status']) => checks.filter((c) => c.status === status).length
  const passed = count('SUCCESS')
  const failed = count('FAILURE')
  const warned = count('WARNING')
  return { passed, failed, warned, skipped: passed + failed + warned === 0 }
}
