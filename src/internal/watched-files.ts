import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'

/** Several writes of one save, or a rename over the old file, are one change. */
const settleMs = 80

/**
 * Calls back once when any of a set of files has changed. Folders are watched and not files, because
 * editors save by putting a new file in place of the old one, which would end a watch on the file.
 */
export class WatchedFiles {
  readonly #onChange: (path: string) => void
  readonly #stamps = new Map<string, string>()
  readonly #folders = new Map<string, FSWatcher>()
  readonly #keepsAlive: boolean
  #timer: NodeJS.Timeout | undefined

  /** @param keepsAlive - whether the process stays for as long as it watches. Default true. */
  constructor(onChange: (path: string) => void, { keepsAlive = true } = {}) {
    this.#onChange = onChange
    this.#keepsAlive = keepsAlive
  }

  /** Watches these files, too. One that was written after `sinceMs` (a wall clock time) counts as changed. */
  add(paths: Iterable<string>, sinceMs: number): void {
    for (const path of paths) {
      if (this.#stamps.has(path)) continue
      const state = statSync(path, { throwIfNoEntry: false })
      this.#stamps.set(path, stampOf(path))
      this.#watchFolder(dirname(path))
      if (state !== undefined && state.mtimeMs > sinceMs) this.#settle(path)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return
    const watcher = watch(folder, (_event, name) => {
      for (const path of name === null ? this.#stamps.keys() : [join(folder, name)]) {
        this.#look(path)
      }
    })
    if (!this.#keepsAlive) watcher.unref()
    // A folder that is removed: the files in it are gone, which the next load reports.
    watcher.on('error', () => watcher.close())
    this.#folders.set(folder, watcher)
  }

  #look(path: string): void {
    const before = this.#stamps.get(path)
    if (before === undefined) return
    const now = stampOf(path)
    if (now === before) return
    this.#stamps.set(path, now)
    this.#settle(path)
  }

  #settle(path: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#onChange(path), settleMs)
    if (!this.#keepsAlive) this.#timer.unref()
  }
}

/** Reading a file raises events, too: only a new content counts. */
function stampOf(path: string): string {
  const state = statSync(path, { throwIfNoEntry: false, bigint: true })
  return state === undefined ? 'absent' : `${state.mtimeNs} ${state.size} ${state.ino}`
}
