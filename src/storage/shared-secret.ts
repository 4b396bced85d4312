import { closeSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { builtin } from '../internal/builtin.ts'
import { StorageError } from './storage-error.ts'

const secretBytes = 32

/**
 * The secret of a folder, which all processes that work with it share, now and after a restart. The first to ask makes
 * it; only the owner of the folder may read it.
 *
 * @throws StorageError when the file is there and is no secret
 */
export function sharedSecret(folder: string): Uint8Array {
  const path = join(folder, 'secret')
  const found = readIfThere(path) ?? make(path)
  if (found.length !== secretBytes) {
    throw new StorageError(
      `${path} is damaged: remove it, and what clients carry on is refused once`,
    )
  }
  return found
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written aside and then given its name, so that nobody reads half of it; whoever is second takes the first one's. */
function make(path: string): Buffer {
  const aside = `${path}.${process.pid}.${builtin.crypto.randomUUID()}`
  const file = openSync(aside, 'wx', 0o600)
  try {
    writeSync(file, builtin.crypto.randomBytes(secretBytes))
  } finally {
    closeSync(file)
  }
  try {
    linkSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(aside)
  }
  return readFileSync(path)
}
