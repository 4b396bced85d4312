import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditRecord } from './audit-event.ts'
import { decodeRecord, type Link } from './chain.ts'
import type { AuditVerifier } from './signing-key.ts'

const filePattern = /^audit-(\d{4}-\d{2}-\d{2})\.jsonl$/
export const headFile = 'audit-head.json'
export const publicKeyFile = 'audit-public-key.pem'
/** Longer than any record. */
const tailBytes = 256 * 1024

export function fileOf(day: string): string {
  return `audit-${day}.jsonl`
}

/** The day of UTC that a time is in. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10)
}

/** The files of a log, oldest first. */
export function auditFiles(directory: string): { name: string; day: string }[] {
  return readdirSync(directory)
    .flatMap((name) => {
      const day = filePattern.exec(name)?.[1]
      return day === undefined ? [] : [{ name, day }]
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The end of a file: its last whole record, how many bytes are whole lines, and how many came after them. */
export function endOfFile(path: string): {
  last: AuditRecord | undefined
  wholeBytes: number
  tornBytes: number
} {
  const descriptor = openSync(path, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const start = Math.max(0, size - tailBytes)
    const tail = Buffer.alloc(size - start)
    readSync(descriptor, tail, 0, tail.length, start)
    const end = tail.lastIndexOf(10)
    const wholeBytes = end < 0 ? start : start + end + 1
    const lines = tail.subarray(0, Math.max(end, 0)).toString().split('\n')
    const decoded = end < 0 ? undefined : decodeRecord(lines.at(-1) ?? '')
    return {
      last: typeof decoded === 'object' ? decoded : undefined,
      wholeBytes,
      tornBytes: size - wholeBytes,
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Where the log stood when it was last written, as its writer has signed it. */
export interface Head extends Link {
  readonly signature: string
}

/** @returns undefined where there is none that can be read */
export function readHead(directory: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(readFileSync(join(directory, headFile), 'utf8'))
    if (typeof head !== 'object' || head === null) return undefined
    const { seq, hash, signature } = head as Record<string, unknown>
    const isWhole =
      Number.isSafeInteger(seq) && typeof hash === 'string' && typeof signature === 'string'
    return isWhole ? (head as Head) : undefined
  } catch {
    return undefined
  }
}

export function isSignedBy(verifier: AuditVerifier, head: Head): boolean {
  return verifier.verify('head', head, head.signature)
}
