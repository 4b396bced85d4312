import type { Summary } from '../samples.ts'

/** Turns a value into the text of a table cell. */
export type Format = (value: number) => string

export const count: Format = (value) =>
  Math.round(value).toLocaleString('en-US', { maximumFractionDigits: 0 })
export const milliseconds: Format = (value) => (value < 100 ? value.toPrecision(3) : count(value))
export const microseconds: Format = (value) => count(value * 1000)
export const kibibytes: Format = (value) => (value / 1024).toFixed(2)
export const mebibytes: Format = (value) => count(value / 2 ** 20)
export const times: Format = (value) => `${value.toFixed(2)}x`

/** A median, with a mark if it is of samples that the rule dropped. */
export function cell(summary: Summary | undefined, format: Format): string {
  if (!summary || Number.isNaN(summary.median)) return '-'
  return (summary.isFlagged ? '~ ' : '') + format(summary.median)
}

/** A Markdown table: so many columns of text, then columns of figures. */
export function table(header: string[], rows: string[][], textColumns = 1): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const alignment = header.map((_, index) => (index < textColumns ? '---' : '---:'))
  return [line(header), line(alignment), ...rows.map(line)].join('\n')
}
