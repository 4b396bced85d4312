import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { compileGlob } from '../policy/glob.ts'
import type { AuditRecord } from './audit-event.ts'
import { auditFiles } from './audit-files.ts'

/** Which records are wanted; what is left out does not matter. Patterns may hold stars. */
export interface AuditQuery {
  readonly who?: string | undefined
  readonly issuer?: string | undefined
  readonly object?: string | undefined
  readonly method?: string | undefined
  readonly outcome?: string | undefined
  readonly event?: string | undefined
  readonly address?: string | undefined
  readonly traceId?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

const members = [
  'who',
  'issuer',
  'object',
  'method',
  'outcome',
  'event',
  'address',
  'traceId',
] as const

/** The records of a log that a query wants, oldest first. Whether the log is whole, `verifyAudit` says. */
export async function* queryAudit(
  directory: string,
  query: AuditQuery = {},
): AsyncGenerator<AuditRecord> {
  const matchers = members.flatMap((member) => {
    const pattern = query[member]
    return pattern === undefined ? [] : [{ member, matches: compileGlob(pattern) }]
  })
  const since = query.since?.toISOString() ?? ''
  const until = query.until?.toISOString()
  for (const { name, day } of auditFiles(directory)) {
    if (day < since.slice(0, 10) || (until !== undefined && day > until.slice(0, 10))) continue
    for await (const record of recordsOf(join(directory, name))) {
      if (record.time < since || (until !== undefined && record.time > until)) continue
      const isWanted = matchers.every(({ member, matches }) => {
        const value = record[member]
        return typeof value === 'string' && matches(value)
      })
      if (isWanted) yield record
    }
  }
}

async function* recordsOf(path: string): AsyncGenerator<AuditRecord> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const record = parsed(line)
      if (record !== undefined) yield record
    }
  }
}

function parsed(line: string): AuditRecord | undefined {
  try {
    const record: unknown = JSON.parse(line)
    const isRecord = typeof record === 'object' && record !== null && 'time' in record
    return isRecord ? (record as AuditRecord) : undefined
  } catch {
    // A damaged line: `verifyAudit` tells of it.
    return undefined
  }
}

const columns = [
  'seq',
  'time',
  'event',
  'who',
  'issuer',
  'client',
  'key',
  'certificate',
  'address',
  'session',
  'revision',
  'method',
  'object',
  'outcome',
  'code',
  'rule',
  'durationMs',
  'traceId',
  'arguments',
] as const

/** The first line of an export as CSV. */
export const csvHead = columns.join(',')

/** A record as a line of CSV (RFC 4180). No cell can be taken for a formula by a spreadsheet. */
export function csvLine(record: AuditRecord): string {
  return columns.map((column) => cell(record[column])).join(',')
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
