import { hash } from 'node:crypto'
import type { AuditEvent, AuditRecord } from './audit-event.ts'

/** What the first record of all follows. */
export const genesis: Link = { seq: 0, hash: '0'.repeat(43) }

/** The end of a chain: the next record builds on it. */
export interface Link {
  readonly seq: number
  readonly hash: string
}

const hashMember = /,"hash":"([A-Za-z0-9_-]{43})"\}$/

/**
 * Writes the line of one record. Its hash is over the whole text of the record, the hash of the one before included, so
 * no record can be changed, moved or taken out without all later ones changing.
 *
 * JSON text has no raw newline: whatever a peer says, one record is one line.
 */
export function encodeRecord(event: AuditEvent, last: Link): { line: string; link: Link } {
  const { atMs, arguments: given, details, ...said } = event
  const seq = last.seq + 1
  const start = JSON.stringify({
    seq,
    time: new Date(atMs).toISOString(),
    ...said,
    ...details,
  }).slice(0, -1)
  // The arguments are JSON text already.
  const middle = given === undefined ? '' : `,"arguments":${given}`
  const body = `${start}${middle},"prev":"${last.hash}"`
  const digest = hash('sha256', `${body}}`, 'base64url')
  return { line: `${body},"hash":"${digest}"}\n`, link: { seq, hash: digest } }
}

/** Reads a line. @returns what is wrong with it, where it is no record whose hash is right */
export function decodeRecord(line: string): AuditRecord | string {
  const found = hashMember.exec(line)
  if (found === null) return 'is no record'
  const [member, stated = ''] = found
  const body = `${line.slice(0, line.length - member.length)}}`
  if (hash('sha256', body, 'base64url') !== stated) return 'was changed: its hash is wrong'
  try {
    const record: unknown = JSON.parse(line)
    if (isRecord(record)) return record
  } catch {
    // told below
  }
  return 'is no record'
}

function isRecord(value: unknown): value is AuditRecord {
  if (typeof value !== 'object' || value === null) return false
  const { seq, time, event, prev } = value as Record<string, unknown>
  return (
    Number.isSafeInteger(seq) &&
    typeof time === 'string' &&
    typeof event === 'string' &&
    typeof prev === 'string'
  )
}
