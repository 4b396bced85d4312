import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { applicationId, migrations } from './schema.ts'
import { StorageError } from './storage-error.ts'

/** Whether a commit outlives the process (`process`) or also the machine's loss of power (`power`). */
export type Survives = 'process' | 'power'

/** How long one process waits for another's commit. */
const busyTimeoutMs = 5000
/** The log is taken into the file when it has so many pages of 4 KiB. */
const checkpointPages = 4000
/** What is left of a log that grew longer, in bytes. */
const logSizeLimit = 64 * 1024 * 1024
/** Kept in memory, in KiB. */
const writerCacheKiB = 4000
const readerCacheKiB = 2000

export function databasePath(folder: string): string {
  return join(folder, 'tsmcp.db')
}

/**
 * Opens the database of a folder for writing; makes it, or brings it to the newest schema, where need be.
 *
 * @throws StorageError when it cannot be used
 */
export function openForWriting(folder: string, survives: Survives): DatabaseSync {
  const path = databasePath(folder)
  const database = explained(path, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // Before SQLite would make it with the rights that the umask leaves; its other files get those of this one.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
    return new DatabaseSync(path, { timeout: busyTimeoutMs })
  })
  try {
    explained(path, () => {
      versionOf(database, path)
      database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${survives === 'power' ? 'FULL' : 'NORMAL'};
        PRAGMA wal_autocheckpoint = ${checkpointPages};
        PRAGMA journal_size_limit = ${logSizeLimit};
        PRAGMA cache_size = -${writerCacheKiB};
      `)
      migrate(database, path)
    })
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/** Opens the database of a folder for looking up what has been committed. */
export function openForReading(folder: string): DatabaseSync {
  const path = databasePath(folder)
  return explained(path, () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs })
    database.exec(`PRAGMA cache_size = -${readerCacheKiB}`)
    return database
  })
}

function migrate(database: DatabaseSync, path: string): void {
  // Several processes may start at once: one of them does it, the others find it done.
  database.exec('BEGIN IMMEDIATE')
  try {
    const steps = migrations.slice(versionOf(database, path))
    for (const step of steps) database.exec(step)
    if (steps.length > 0) {
      database.exec(`PRAGMA application_id = ${applicationId}`)
      database.exec(`PRAGMA user_version = ${migrations.length}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** The version of its schema, 0 for an empty file. @throws StorageError when it is not one of ours */
function versionOf(database: DatabaseSync, path: string): number {
  const version = numberOf(database, 'user_version')
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n
  if (tables !== 0 && numberOf(database, 'application_id') !== applicationId) {
    throw new StorageError(`${path} is a database of another program: take another folder`)
  }
  if (version > migrations.length) {
    throw new StorageError(
      `${path} was written by a newer tsmcp (schema ${version}, this one knows ${migrations.length}): ` +
        'start the newer one, or take another folder',
    )
  }
  return version
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma])
}

/** Passes on what goes wrong as a StorageError that names the file. */
function explained<Result>(path: string, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    if (error instanceof StorageError) throw error
    throw new StorageError(explanation(path, error), { cause: error })
  }
}

const sqlite = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 }

function explanation(path: string, error: unknown): string {
  const { message, errcode, code } = error as Error & { errcode?: number; code?: string }
  // The low byte is the kind, the rest says it more exactly.
  switch ((errcode ?? 0) & 0xff) {
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return `${path} is damaged, or no database (${message}): put a backup in its place, or move it away`
    case sqlite.busy:
      return `${path} is held by another process (${message}): stop that one`
    case sqlite.full:
      return `${path} cannot be written: the disk is full`
    case sqlite.readOnly:
    case sqlite.cannotOpen:
      return `${path} cannot be opened for writing: check who owns it and its folder`
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `${path} cannot be opened for writing: check who owns it and its folder`
  }
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return `${path}: there is a file where its folder should be`
  return `${path} cannot be opened: ${message}`
}
