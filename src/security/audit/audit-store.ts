import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { type FileHandle, open, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  auditFiles,
  endOfFile,
  fileOf,
  headFile,
  isSignedBy,
  publicKeyFile,
  readHead,
} from './audit-files.ts'
import { genesis, type Link } from './chain.ts'
import { type AuditSigner, auditVerifier } from './signing-key.ts'

/** What was found when a log was opened that is worth a record. */
export interface Findings {
  /** Bytes of a last line that was not whole: the process or the machine stopped in the middle of it. */
  readonly tornBytes?: number
  /** The log ends before the place that was signed last. */
  readonly missingUntil?: number
  readonly reason?: string
}

/** A file that has become too old. */
export interface OldFile {
  readonly name: string
  readonly lastSeq: number
  readonly lastHash: string
}

const lockFile = 'audit.lock'

/** The files of one log, of which one is open to be written to. */
export class AuditStore {
  readonly directory: string
  readonly #signer: AuditSigner
  readonly #sync: boolean
  #handle: FileHandle | undefined = undefined
  #size = 0
  /** A write has failed: there may be something of it behind the end. */
  #isDirty = false
  /** The day of the file that is open, or of the last one there was. */
  day = ''
  /** The end of what has been written. */
  last: Link = genesis

  constructor(directory: string, signer: AuditSigner, sync: boolean) {
    this.directory = directory
    this.#signer = signer
    this.#sync = sync
  }

  /**
   * Takes the directory for this process and finds the end of the log.
   *
   * @throws TypeError when another process writes to it, or the log's last record is damaged
   */
  async open(): Promise<Findings> {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 })
    takeLock(join(this.directory, lockFile))
    const publicKeyPath = join(this.directory, publicKeyFile)
    const { publicPem } = this.#signer
    if (!existsSync(publicKeyPath)) writeFileSync(publicKeyPath, publicPem)
    else if (readFileSync(publicKeyPath, 'utf8') !== publicPem) {
      throw new TypeError(
        `${publicKeyPath} belongs to another key than the one given: a log is signed by one key`,
      )
    }
    const tornBytes = await this.#findEnd()
    return { ...(tornBytes > 0 && { tornBytes }), ...this.#compareWithHead() }
  }

  async #findEnd(): Promise<number> {
    let torn = 0
    for (const { name, day } of auditFiles(this.directory).reverse()) {
      const path = join(this.directory, name)
      const { last, wholeBytes, tornBytes } = endOfFile(path)
      torn += tornBytes
      if (last === undefined && wholeBytes > 0) {
        throw new TypeError(`The last record of ${path} is damaged: see tsmcp audit verify`)
      }
      if (this.#handle === undefined) {
        this.day = day
        this.#handle = await open(path, 'r+')
        this.#size = wholeBytes
        if (tornBytes > 0) await this.#handle.truncate(wholeBytes)
      }
      if (last !== undefined) {
        this.last = { seq: last.seq, hash: last.hash }
        break
      }
    }
    return torn
  }

  #compareWithHead(): Findings {
    const head = readHead(this.directory)
    if (head === undefined) {
      const isNew = this.last.seq === 0 && !existsSync(join(this.directory, headFile))
      return isNew ? {} : { reason: `${headFile} is missing or damaged` }
    }
    const { seq } = this.last
    if (!isSignedBy(auditVerifier(this.#signer.publicPem, publicKeyFile), head)) {
      return { reason: `${headFile} has a wrong signature` }
    }
    if (head.seq > seq) return { missingUntil: head.seq, reason: 'records at the end are missing' }
    if (head.seq === seq && head.hash !== this.last.hash) {
      return { reason: 'the last record is not the one that was written' }
    }
    return {}
  }

  /** Begins the file of a day. */
  async begin(day: string): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
    // Not over an existing one: days only grow.
    this.#handle = await open(join(this.directory, fileOf(day)), 'wx+', 0o600)
    this.#size = 0
    this.day = day
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }
  /** Nothing has been written to the file of the day. */
  get isEmpty(): boolean {
    return this.#size === 0
  }

  /**
   * Writes lines to the end of the file, and signs where that is. May be tried again with the same lines when it
   * fails: they go to the same place.
   */
  async write(lines: string, link: Link): Promise<void> {
    const handle = this.#handle
    if (handle === undefined) throw new Error('The audit log is not open')
    const bytes = Buffer.from(lines)
    if (this.#isDirty) await handle.truncate(this.#size)
    this.#isDirty = true
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(
        bytes,
        done,
        bytes.length - done,
        this.#size + done,
      )
      done += bytesWritten
    }
    if (this.#sync) await handle.datasync()
    await this.#writeHead(link)
    this.#isDirty = false
    this.#size += bytes.length
    this.last = link
  }

  async #writeHead(link: Link): Promise<void> {
    const path = join(this.directory, headFile)
    const signature = this.#signer.sign('head', link)
    await writeFile(`${path}.new`, `${JSON.stringify({ ...link, signature })}\n`, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  /** The files whose day lies before another, as the record of their removal names them. */
  olderThan(day: string): OldFile[] {
    return auditFiles(this.directory)
      .filter((file) => file.day < day && file.day < this.day)
      .map(({ name }) => {
        const { last } = endOfFile(join(this.directory, name))
        return { name, lastSeq: last?.seq ?? 0, lastHash: last?.hash ?? '' }
      })
  }

  async remove(files: readonly OldFile[]): Promise<void> {
    for (const { name } of files) await unlink(join(this.directory, name))
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
    rmSync(join(this.directory, lockFile), { force: true })
  }
}

/** One process writes to a log: two would make two chains of it. */
function takeLock(path: string): void {
  for (;;) {
    try {
      const descriptor = openSync(path, 'wx', 0o600)
      writeSync(descriptor, String(process.pid))
      closeSync(descriptor)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const pid = Number(textOf(path))
    if (isRunning(pid)) {
      throw new TypeError(`Process ${pid} writes to this audit log already (${path})`)
    }
    rmSync(path, { force: true })
  }
}

function textOf(path: string): string {
  try {
    const descriptor = openSync(path, 'r')
    const bytes = Buffer.alloc(20)
    const length = readSync(descriptor, bytes)
    closeSync(descriptor)
    return bytes.subarray(0, length).toString()
  } catch {
    // gone in the meantime
    return ''
  }
}

function isRunning(pid: number): boolean {
  // After a crash in a container the next process has the same number.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
