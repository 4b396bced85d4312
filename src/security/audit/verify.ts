import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { AuditRecord } from './audit-event.ts'
import { auditFiles, headFile, isSignedBy, publicKeyFile, readHead } from './audit-files.ts'
import { decodeRecord, genesis, type Link } from './chain.ts'
import { type AuditVerifier, auditVerifier } from './signing-key.ts'

export interface AuditReport {
  /** What is wrong: nothing, when the log is as it was written. */
  readonly problems: readonly string[]
  /** What is right but should be known: gaps that the log itself has recorded. */
  readonly notes: readonly string[]
  readonly records: number
  readonly checkpoints: number
  readonly files: number
  readonly firstSeq: number
  readonly lastSeq: number
}

const maxProblems = 100
/** The head is written after each batch: the log is never further than that. */
const maxHeadLag = 2000

/**
 * Checks a log from its first record to its last: each record's hash, its place in the chain, each signature, and that
 * nothing is missing at the beginning, in the middle or at the end.
 *
 * @param publicPem - the key to trust; default: the one that lies beside the log, which proves nothing against someone
 *   who could write there
 * @throws what reading throws; TypeError for a key that is none
 */
export async function verifyAudit(directory: string, publicPem?: string): Promise<AuditReport> {
  const keyPath = join(directory, publicKeyFile)
  const check = new Verification()
  const pem = publicPem ?? (existsSync(keyPath) ? readFileSync(keyPath, 'utf8') : undefined)
  if (pem === undefined) check.problem(`${publicKeyFile} is missing: signatures cannot be checked`)
  else
    check.verifier = auditVerifier(pem, publicPem === undefined ? publicKeyFile : 'The key given')
  const files = auditFiles(directory)
  for (const { name } of files) {
    check.beginFile()
    for await (const { line, number } of linesOf(join(directory, name))) {
      check.line(name, number, line)
    }
  }
  check.end(directory)
  return { ...check.report(), files: files.length }
}

/** The lines of a file with their numbers. Only \n ends a line: anything in its place is a change like any other. */
async function* linesOf(path: string): AsyncGenerator<{ line: string; number: number }> {
  let rest = ''
  let number = 0
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      number += 1
      yield { line, number }
    }
  }
  // What is not ended was not written by us, or not to its end.
  if (rest !== '') yield { line: `${rest}\0`, number: number + 1 }
}

class Verification {
  verifier: AuditVerifier | undefined = undefined
  readonly #problems: string[] = []
  readonly #notes: string[] = []
  #last: Link | undefined = undefined
  #first: AuditRecord | undefined = undefined
  #records = 0
  #checkpoints = 0
  #isFileStart = false
  /** Ends of files that the log says were removed, by the sequence number. */
  readonly #removed = new Map<number, string>()
  /** The hashes of the last records: one of them is the head's. */
  readonly #headHashes = new Map<number, string>()

  problem(text: string): void {
    if (this.#problems.length < maxProblems) this.#problems.push(text)
  }

  beginFile(): void {
    this.#isFileStart = true
  }

  line(file: string, number: number, line: string): void {
    const place = `${file}:${number}`
    const record = decodeRecord(line)
    if (typeof record === 'string') {
      this.problem(`${place}: ${record}`)
      return
    }
    this.#records += 1
    this.#first ??= record
    this.#follow(place, record)
    if (this.#isFileStart) {
      this.#isFileStart = false
      if (record.event !== 'file' || record.file !== file) {
        this.problem(`${place}: this is not the first record of ${file}`)
      }
    }
    this.#last = { seq: record.seq, hash: record.hash }
    this.#headHashes.set(record.seq, record.hash)
    if (this.#headHashes.size > maxHeadLag) {
      const [oldest] = this.#headHashes.keys()
      if (oldest !== undefined) this.#headHashes.delete(oldest)
    }
    this.#event(place, record)
  }

  #follow(place: string, { seq, prev }: AuditRecord): void {
    const last = this.#last
    if (last === undefined) return
    if (seq !== last.seq + 1) {
      const what = seq > last.seq + 1 ? `${seq - last.seq - 1} records are missing` : 'out of order'
      this.problem(`${place}: record ${seq} follows ${last.seq}: ${what}`)
    } else if (prev !== last.hash) {
      this.problem(`${place}: record ${seq} does not follow the one before it`)
    }
  }

  #event(place: string, record: AuditRecord): void {
    switch (record.event) {
      case 'checkpoint': {
        this.#checkpoints += 1
        const link = { seq: record.seq - 1, hash: record.prev }
        if (this.verifier?.verify('checkpoint', link, record.signature) === false) {
          this.problem(`${place}: the signature is wrong`)
        }
        break
      }
      case 'removed':
        for (const each of Array.isArray(record.files) ? record.files : []) {
          if (isJsonObject(each) && typeof each.lastSeq === 'number') {
            this.#removed.set(each.lastSeq, String(each.lastHash))
          }
        }
        break
      case 'damage-found':
        this.#damage(place, record)
        break
      case 'gap':
        this.#notes.push(`${place}: ${record.lost} records were not kept, from ${record.since} on`)
        break
    }
  }

  #damage(place: string, { reason, missingUntil, tornBytes }: AuditRecord): void {
    if (reason !== undefined) {
      const until = missingUntil === undefined ? '' : ` up to ${missingUntil}`
      this.problem(`${place}: when the log was opened: ${reason}${until}`)
    } else this.#notes.push(`${place}: ${tornBytes} bytes of a last line were cut away`)
  }

  end(directory: string): void {
    this.#beginning()
    const head = readHead(directory)
    if (head === undefined) {
      if (this.#records > 0) this.problem(`${headFile} is missing or damaged`)
      return
    }
    if (this.verifier !== undefined && !isSignedBy(this.verifier, head)) {
      this.problem(`${headFile}: the signature is wrong`)
    }
    const lastSeq = this.#last?.seq ?? 0
    if (head.seq > lastSeq) {
      this.problem(
        `The last ${head.seq - lastSeq} records are missing: ${headFile} names ${head.seq}`,
      )
    } else if (this.#headHashes.get(head.seq) !== head.hash) {
      this.problem(`Record ${head.seq} is not the one that ${headFile} names`)
    }
  }

  /** What stands before the first record: nothing, or files that were removed when they were old. */
  #beginning(): void {
    const first = this.#first
    if (first === undefined) return
    if (first.seq === 1) {
      if (first.prev !== genesis.hash) this.problem('The first record follows another')
    } else if (this.#removed.get(first.seq - 1) !== first.prev) {
      this.problem(`Records 1 to ${first.seq - 1} are missing, and the log does not say so`)
    }
  }

  report(): Omit<AuditReport, 'files'> {
    return {
      problems: this.#problems,
      notes: this.#notes,
      records: this.#records,
      checkpoints: this.#checkpoints,
      firstSeq: this.#first?.seq ?? 0,
      lastSeq: this.#last?.seq ?? 0,
    }
  }
}
