import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import { type ApiKeyRecord, readApiKeyRecord } from './api-key.ts'

const maxFileBytes = 16 * 1024 * 1024

/**
 * Reads a file of keys. One that does not exist has none.
 *
 * @throws TypeError that says what is wrong with it; what reading throws
 */
export function readKeyFile(path: string): ApiKeyRecord[] {
  const state = statSync(path, { throwIfNoEntry: false })
  if (state === undefined) return []
  if (state.size > maxFileBytes) throw new TypeError(`${path} is too large to be a file of keys`)
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new TypeError(`${path} is not JSON`, { cause: error })
  }
  if (!isJsonObject(content) || content.version !== 1 || !Array.isArray(content.keys)) {
    throw new TypeError(`${path} is no file of keys: {"version": 1, "keys": [...]} is needed`)
  }
  return content.keys.map((each, index) => {
    try {
      return readApiKeyRecord(each)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new TypeError(`${path}: key ${index + 1}: ${message}`, { cause: error })
    }
  })
}

/** Writes a file of keys, which only its owner can read. It is replaced as a whole: nobody sees half of it. */
export function writeKeyFile(path: string, keys: readonly ApiKeyRecord[]): void {
  const next = `${path}.${process.pid}.new`
  try {
    writeFileSync(next, `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`, {
      mode: 0o600,
      flush: true,
    })
    renameSync(next, path)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  }
}

/** Whether others than the owner may read the file. */
export function isReadableByOthers(path: string): boolean {
  const state = statSync(path, { throwIfNoEntry: false })
  // There are no such modes on Windows.
  return state !== undefined && process.platform !== 'win32' && (state.mode & 0o077) !== 0
}
