import { readdirSync, readFileSync } from 'node:fs'

/** One normative statement of the specification: a row of `catalogue/*.tsv`. */
export interface Requirement {
  readonly id: string
  readonly revision: string
  readonly area: string
  /** Who is bound: server, client, both, or as (an authorization server). */
  readonly role: string
  readonly level: string
  readonly requirement: string
  /** Scenarios of the official suite that touch it, as `server:NAME` or `client:NAME`. */
  readonly scenarios: readonly string[]
}

/** A row of `not-applicable.tsv`: why a requirement has no test. */
export interface Exemption {
  readonly id: string
  /** `never`: does not apply to a server runtime. `later`: will, once the named issue is done. */
  readonly kind: string
  readonly reason: string
}

const folder = new URL('.', import.meta.url)

export function readCatalogue(): Requirement[] {
  return readdirSync(new URL('catalogue/', folder))
    .filter((file) => file.endsWith('.tsv'))
    .flatMap((file) => readTable(`catalogue/${file}`))
    .map((row) => ({
      id: row.id ?? '',
      // The tables of one revision do not repeat it in each row.
      revision: row.revision ?? '',
      area: row.area ?? (row.id ?? '').split('.')[1] ?? '',
      role: row.role ?? '',
      level: row.level ?? '',
      requirement: row.requirement ?? '',
      scenarios: (row.scenario ?? '-').split(',').filter((each) => each !== '-'),
    }))
}

export function readExemptions(): Exemption[] {
  return readTable('not-applicable.tsv').map((row) => ({
    id: row.id ?? '',
    kind: row.kind ?? '',
    reason: row.reason ?? '',
  }))
}

function readTable(file: string): Record<string, string>[] {
  const [head = '', ...lines] = readFileSync(new URL(file, folder), 'utf8').trim().split('\n')
  const columns = head.split('\t')
  return lines.map((line) => {
    const cells = line.split('\t')
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']))
  })
}
