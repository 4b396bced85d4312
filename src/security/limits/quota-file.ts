import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { QuotaEntry } from './quota-table.ts'

/** What has been used of all quotas, by the text of the quota. */
export type QuotaState = Readonly<Record<string, readonly QuotaEntry[]>>

/** Keeps what has been used of quotas over a restart. */
export interface QuotaStore {
  /** Read once, when the server starts. */
  load(): QuotaState
  save(state: QuotaState): Promise<void>
}

/**
 * A file of used quotas. It is written a few seconds after a change: a crash may forgive that much.
 *
 * @throws TypeError from `load` when the file is something else
 */
export function quotaFile(path: string): QuotaStore {
  return {
    load: () => {
      let text: string
      try {
        text = readFileSync(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
        throw error
      }
      const state: unknown = JSON.parse(text)
      if (!isState(state)) throw new TypeError(`${path} is no file of quotas`)
      return state
    },
    save: async (state) => {
      const next = `${path}.${process.pid}.new`
      await writeFile(next, JSON.stringify(state), { mode: 0o600 })
      await rename(next, path)
    },
  }
}

function isState(value: unknown): value is QuotaState {
  return (
    isJsonObject(value) &&
    Object.values(value).every((list) => Array.isArray(list) && list.every(isEntry))
  )
}

function isEntry(value: unknown): value is QuotaEntry {
  if (!Array.isArray(value)) return false
  const [key, period, count] = value
  return typeof key === 'string' && Number.isInteger(period) && Number.isInteger(count)
}
