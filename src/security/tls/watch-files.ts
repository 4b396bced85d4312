import { stat } from 'node:fs/promises'

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
  let seen: string | undefined
  let isBusy = false
  const look = async (isForced: boolean): Promise<void> => {
    const now = await fingerprint(paths)
    seen ??= now
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
  void run(false)
  const timer = setInterval(() => void run(false), intervalMs).unref()
  return { reload: () => run(true), close: () => clearInterval(timer) }
}

async function fingerprint(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(
    paths.map(async (path) => {
      const { mtimeMs, size, ino } = await stat(path)
      return `${mtimeMs} ${size} ${ino}`
    }),
  )
  return stats.join('\n')
}
