import { statSync } from 'node:fs'

/** Calls for a reload when files have changed. */
export interface FileWatch {
  /** Reloads now, changed or not. */
  reload(): Promise<void>
  close(): void
}

/**
 * Looks at files every `intervalMs` (default 10 s) and reloads when one of them is another. Files that are replaced
 * together may be read between the two: where a reload fails it is tried again at the next look.
 *
 * @param reload - what it throws goes to `onError`, and what was loaded before stays
 */
export function watchFiles(
  paths: readonly string[],
  reload: () => Promise<void>,
  onError: (error: unknown) => void,
  intervalMs = 10_000,
): FileWatch {
  let seen = fingerprint(paths)
  let isBusy = false
  const look = async (isForced: boolean): Promise<void> => {
    const now = fingerprint(paths)
    if (now === seen && !isForced) return
    await reload()
    seen = now
  }
  const run = async (isForced: boolean): Promise<void> => {
    if (isBusy && !isForced) return
    isBusy = true
    try {
      await look(isForced)
    } catch (error) {
      onError(error)
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(() => void run(false), intervalMs).unref()
  return { reload: () => run(true), close: () => clearInterval(timer) }
}

/** A file that is not there has one, too: it is about to be replaced. */
function fingerprint(paths: readonly string[]): string {
  const stats = paths.map((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return `${found?.mtimeMs} ${found?.size} ${found?.ino}`
  })
  return stats.join('\n')
}
